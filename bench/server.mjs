// The measured side of a benchmark: a process of its own, which tells its port and, when asked, what it has used.

import { readFileSync, writeFileSync } from 'node:fs'

const common = { cpu: cpuTime, memory: ownMemory, forget: forgetPeak, peak: peakMemory }

/** Tells the port, and from then on answers questions: those that all are asked, and those in `answers`. */
export function ready(port, answers = {}) {
  const all = { ...common, ...answers }
  const answer = async (question) => process.send({ answer: await all[question]() })
  process.on('message', (question) => void answer(question))
  process.on('disconnect', () => process.exit())
  process.send({ port })
}

/** Microseconds of CPU so far. */
export function cpuTime() {
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

/** From now on, the peak is of what comes. Where the system cannot, it stays that of the whole process. */
function forgetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {}
}

/** The most bytes of memory that were resident at a time. */
function peakMemory() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return kibibytes * 1024
}
