import { listen } from '@fairlead/http'

import { ready } from '../../server.mjs'

let received = 0

const server = await listen({ port: 0, maxBodySize: 1024 ** 3 }, async (exchange) => {
  for await (const chunk of exchange.request.body) received += chunk.byteLength
  return exchange.respond(200)
})
ready(server.address.port, { received: () => received })
