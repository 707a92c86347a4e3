import { listen } from '@fairlead/tcp'

import { ready } from '../../server.mjs'

let received = 0

const listener = await listen({ port: 0 }, () => ({ onData: (chunk) => void (received += chunk.length) }))
ready(listener.address.port)
