import { listen } from '@fairlead/ws-bridge'

import { ready } from '../../server.mjs'

// As the peer, which has no heartbeat.
const server = await listen(
  { port: 0, messages: 'both', heartbeat: false, maxConnections: 20_000 },
  (connection) => ({
    onData: (message) => void connection.write(message),
  }),
)
ready(server.address.port)
