import { bridge } from '@fairlead/ws-bridge'

import { ready } from '../../server.mjs'

const to = `tcp://127.0.0.1:${process.env.FAIRLEAD_BENCH_TARGET}`
const { address } = await bridge({ from: 'ws://127.0.0.1:0', to })
ready(address.port, { role: () => 'bridge' })
