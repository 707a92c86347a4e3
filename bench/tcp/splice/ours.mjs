import { splice } from '@fairlead/core'
import { connect, listen } from '@fairlead/tcp'

import { ready } from '../../server.mjs'

const upstream = Number(process.env.BENCH_UPSTREAM)
const listener = await listen({ port: 0 }, async (client) => {
  await splice(client, await connect({ port: upstream }))
})
ready(listener.address.port)
