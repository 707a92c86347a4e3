import { createServer } from 'node:http'

import { ready } from '../../server.mjs'

let received = 0

const server = createServer((request, response) => {
  request.on('data', (chunk) => (received += chunk.length))
  request.on('end', () => response.end())
})
server.listen(0, '127.0.0.1', () => ready(server.address().port, { received: () => received }))
