import { createServer } from 'node:net'

import { ready } from '../../server.mjs'

const chunk = Buffer.alloc(64 * 1024, 'x')
const chunks = 16 * 1_024

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  let left = chunks
  const fill = () => {
    while (left > 0) {
      left--
      if (!socket.write(chunk)) return
    }
    socket.end()
  }
  fill()
  socket.on('drain', fill).on('error', () => {})
  socket.resume()
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
