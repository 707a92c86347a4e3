import { broadcast, listen } from '@fairlead/ws-bridge'

import { ready } from '../../server.mjs'
import { message, messages } from './message.mjs'

const server = await listen({ port: 0, messages: 'both' }, (connection) => ({
  onData() {
    const others = [...server.connections].filter((it) => it !== connection)
    for (let left = messages; left > 0; left--) broadcast(others, message)
  },
}))
ready(server.address.port)
