import { listen } from '@fairlead/http'

import { ready } from '../../server.mjs'

const fields = { 'Content-Type': 'application/octet-stream' }
const server = await listen({ port: 0 }, async (exchange) =>
  exchange.respond(200, fields, await exchange.request.body.bytes()),
)
ready(server.address.port)
