import { listen } from '@fairlead/http'

import { ready } from '../../server.mjs'

const fields = { 'Content-Type': 'text/plain' }
const options = { port: 0, keepAliveTimeout: 72_000 }
const server = await listen(options, (exchange) => exchange.respond(200, fields, 'Hello, world!'))
ready(server.address.port)
