import { listen } from '@fairlead/udp'

import { count, receiving } from '../receiver.mjs'

// Each session has a handler of its own. The peers are all at one address here.
const listener = await listen({ maxSessionsPerAddress: 200 }, () => ({ onData: () => count() }))
receiving(listener.address.port)
