// Not ours: one `sendmsg` after the other in C, which is as fast as one system call for each datagram gets.

import { execFileSync } from 'node:child_process'

import { ready } from '../../server.mjs'
import { sink } from '../sender.mjs'

const count = 100_000
let used = 0

ready(0, {
  cpu: () => used,
  send() {
    used += Number(execFileSync(process.env.BENCH_PROGRAM, [sink, count].map(String), { encoding: 'utf8' }))
  },
})
