import { listen } from '@fairlead/ws-bridge'

import { ready } from '../../server.mjs'

const server = await listen({ port: 0, messages: 'both' }, (connection) => ({
  onData: (message) => void connection.write(message),
}))
ready(server.address.port)
