import { createServer } from 'node:http'

import { ready } from '../../server.mjs'

const chunk = Buffer.alloc(64 * 1024, 'x')
const chunks = 16 * 1_024

const server = createServer((request, response) => {
  response.setHeader('Content-Length', chunk.length * chunks)
  let left = chunks
  const fill = () => {
    while (left > 0) {
      left--
      if (!response.write(chunk)) return
    }
    response.end()
  }
  response.on('drain', fill)
  fill()
})
server.listen(0, '127.0.0.1', () => ready(server.address().port))
