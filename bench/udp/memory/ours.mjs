import { listen } from '@fairlead/udp'

import { ready } from '../../server.mjs'

const listener = await listen({}, (session) => ({ onData: (data) => void session.write(data) }))
ready(listener.address.port, {
  sessions: () => listener.connections.size,
  release: async () => {
    await Promise.all([...listener.connections].map((session) => session.close()))
    return listener.connections.size
  },
})
