import { createServer } from 'node:http'

import { ready } from '../../server.mjs'

const server = createServer({ keepAliveTimeout: 72_000 }, (request, response) => {
  response.setHeader('Content-Type', 'text/plain')
  response.end('Hello, world!')
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
