// Runs the benchmarks whose names begin with an argument, or all of them, and holds them against thresholds.json.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { compare, serve } from './measure.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '11' } },
})
const here = (path) => new URL(path, import.meta.url)
const thresholds = JSON.parse(readFileSync(here('thresholds.json'), 'utf8'))
const wanted = Object.keys(thresholds).filter(
  (name) => positionals.length === 0 || positionals.some((prefix) => name.startsWith(prefix)),
)

const rows = {}
let missed = false
for (const name of wanted) {
  const work = await import(here(`${name}/load.mjs`))
  const servers = work.servers ?? here(`${name}/`)
  const ours = await serve(new URL('ours.mjs', servers))
  const peer = await serve(new URL('peer.mjs', servers))
  const result = await compare(ours, peer, work, Number(values.rounds))
  ours.stop()
  peer.stop()
  const { cpuAtMost = Infinity, rateAtLeast = 0 } = thresholds[name]
  const met = result.cpu <= cpuAtMost && result.rate >= rateAtLeast
  missed ||= !met
  rows[name] = {
    'ours, µs': result.ours.toFixed(2),
    'peer, µs': result.peer.toFixed(2),
    'CPU ratio': result.cpu.toFixed(2),
    'at most': cpuAtMost,
    'rate ratio': result.rate.toFixed(2),
    'at least': rateAtLeast,
    met,
  }
}
console.table(rows)
process.exitCode = missed ? 1 : 0
