import { listen } from '@fairlead/http'

import { ready } from '../../server.mjs'

const chunk = Buffer.alloc(64 * 1024, 'x')
const chunks = 16 * 1_024
const fields = { 'Content-Length': String(chunk.length * chunks) }

async function* body() {
  for (let left = chunks; left > 0; left--) yield chunk
}

const server = await listen({ port: 0 }, (exchange) => exchange.respond(200, fields, body()))
ready(server.address.port)
