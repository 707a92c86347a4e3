import { listen } from '@fairlead/tcp'

import { ready } from '../../server.mjs'

const listener = await listen({ port: 0 }, (connection) => ({
  onData: (chunk) => void connection.write(chunk),
}))
ready(listener.address.port)
