// The sending side: the process whose CPU is measured.

import { ready } from '../server.mjs'

const datagrams = 100_000
const each = 64

export const message = Buffer.alloc(64, 'x')

/** The port of whoever receives. */
export const sink = Number(process.env.BENCH_SINK)

/** When asked, sends with `burst`, which sends so many at once and may be waited for: 64 in each turn of the event loop. */
export function sending(burst, count = datagrams) {
  ready(0, {
    async send() {
      for (let sent = 0; sent < count; sent += each) {
        await burst(each)
        await new Promise(setImmediate)
      }
    },
  })
}
