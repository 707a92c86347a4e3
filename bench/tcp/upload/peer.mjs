import { createServer } from 'node:net'

import { ready } from '../../server.mjs'

let received = 0

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  socket.on('data', (chunk) => (received += chunk.length))
  socket.on('end', () => socket.end())
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
