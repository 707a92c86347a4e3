// The receiving side: the process whose CPU is measured.

import { cpuTime, ready } from '../server.mjs'

let received = 0

export function count() {
  received++
}

/** Tells the port, and when asked how much of `count` and of CPU there was so far. */
export function receiving(port) {
  ready(port, { progress: () => ({ received, cpu: cpuTime(), at: performance.now() }) })
}
