// The server's side of a benchmark: a process of its own, which tells its port and, when asked, what it has used.

import { readFileSync } from 'node:fs'

/** Tells the port, and answers questions from then on. */
export function ready(port) {
  process.on('message', (question) => process.send(question === 'cpu' ? cpuTime() : ownMemory()))
  process.on('disconnect', () => process.exit())
  process.send({ port })
}

/** Microseconds of CPU so far. */
function cpuTime() {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Bytes of memory that this process alone has written to: its heap, its buffers and what the runtime keeps. */
function ownMemory() {
  globalThis.gc()
  if (process.platform !== 'linux') return process.memoryUsage.rss()
  const [, kibibytes] = /^Private_Dirty: +(\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))
  return kibibytes * 1024
}
