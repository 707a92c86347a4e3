import { createServer } from 'node:http'

import { ready } from '../../server.mjs'

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/octet-stream')
    response.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
  })
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
