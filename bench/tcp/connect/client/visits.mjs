import { createServer } from 'node:net'

import { ready } from '../../../server.mjs'

const atATime = 16

/** 64 bytes, as each visit sends them. */
export const message = Buffer.alloc(64, 'x')

/** Visits whom the load names, as often as it says, some at a time; `visit(port)` is one connection. */
export function visiting(visit) {
  const server = createServer((control) => {
    control.once('data', (request) => {
      const { port, visits } = JSON.parse(request)
      let left = visits
      const visitor = async () => {
        while (left-- > 0) await visit(port)
      }
      void Promise.all(Array.from({ length: atATime }, visitor)).then(() => control.end())
    })
  })
  server.listen(0, '127.0.0.1', () => ready(server.address().port))
}
