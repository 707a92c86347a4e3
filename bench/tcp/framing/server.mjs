import { createServer } from 'node:net'
import { Duplex } from 'node:stream'

import { ready } from '../../server.mjs'
import { batch, chunksOf } from './chunks.mjs'

const chunks = chunksOf(batch)

/** A stream of so many batches, all of it in memory. */
function streamOf(batches) {
  let next = 0
  return new Duplex({
    read() {
      if (next === batches * chunks.length) this.push(null)
      else this.push(chunks[next++ % chunks.length])
    },
    write: (_chunk, _encoding, done) => done(),
  })
}

/** Decodes as many messages as it is asked for, and tells how many there were. */
export function decodeWith(decode) {
  const server = createServer((socket) => {
    socket.once('data', (asked) => {
      const messages = Number(asked)
      let count = 0
      decode(streamOf(messages / batch), () => {
        if (++count === messages) socket.end(String(count))
      })
    })
  })
  server.listen(0, '127.0.0.1', () => ready(server.address().port))
}
