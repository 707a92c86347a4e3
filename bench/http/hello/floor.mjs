// Reads no request, and answers each piece that comes: less can nobody do on `node:net`.

import { createServer } from 'node:net'

import { ready } from '../../server.mjs'

const answer = [
  'HTTP/1.1 200 OK',
  'Content-Type: text/plain',
  'Date: Sat, 21 Nov 2026 12:00:00 GMT',
  'Content-Length: 13',
  '',
  'Hello, world!',
].join('\r\n')

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(answer, 'latin1'))
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
