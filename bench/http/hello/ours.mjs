import { listen } from '@fairlead/http'

import { ready } from '../../server.mjs'

const fields = { 'Content-Type': 'text/plain' }
const server = await listen({ port: 0 }, (exchange) => exchange.respond(200, fields, 'Hello, world!'))
ready(server.address.port)
