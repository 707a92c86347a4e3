import { createServer } from 'node:net'

import split2 from 'split2'

import { ready } from '../../server.mjs'

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  let count = 0
  const lines = socket.pipe(split2())
  lines.on('data', () => {
    count++
  })
  lines.on('end', () => socket.end(String(count)))
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
