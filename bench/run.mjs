// Runs the benchmarks whose names begin with an argument, or all of them, and holds them against thresholds.json.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { compare } from './measure.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '11' } },
})
const here = (path) => new URL(path, import.meta.url)
const thresholds = JSON.parse(readFileSync(here('thresholds.json'), 'utf8'))
const wanted = Object.keys(thresholds).filter(
  (name) => positionals.length === 0 || positionals.some((prefix) => name.startsWith(prefix)),
)

/** What each figure is, which way is better, and whether the threshold is for ours itself and not for the ratio. */
const figures = {
  cpu: { words: 'CPU, µs', least: false },
  rate: { words: 'per second', least: true },
  memory: { words: 'bytes', least: false },
  peak: { words: 'peak, bytes', least: false },
  growth: { words: 'growth, bytes', least: false },
  p50: { words: 'median, µs', least: false },
  p99: { words: '99th percentile, µs', least: false },
  lost: { words: 'lost', least: false, absolute: true },
}

// Fewer rounds than nine show nothing.
const rounds = Number(values.rounds)
const counts = rounds >= 9

const rows = []
const beside = []

/** A server is a file, or one that another executable runs. */
const asServer = (server) => (server instanceof URL ? { file: server } : server)

/** The servers of a benchmark. */
function serversOf(name, { servers = here(`${name}/`), others = {}, ...work }) {
  const theirs = 'peer' in work ? work.peer : new URL('peer.mjs', servers)
  return {
    ours: asServer(new URL('ours.mjs', servers)),
    peer: theirs && asServer(theirs),
    others: Object.fromEntries(Object.entries(others).map(([other, server]) => [other, asServer(server)])),
  }
}

/** A row for each figure of a benchmark, and one for each of the others beside them. */
function tell(name, peerless, results) {
  for (const [figure, { ours, peer, ratio, others = {} }] of Object.entries(results)) {
    const { words, least, absolute = peerless } = figures[figure]
    const limit = thresholds[name][figure]
    const value = absolute ? ours : ratio
    const met = limit === undefined || (least ? value >= limit : value <= limit)
    rows.push({
      benchmark: name,
      figure: words,
      ours: ours.toPrecision(4),
      peer: peer?.toPrecision(4) ?? '',
      ratio: absolute ? '' : ratio.toFixed(2),
      threshold: limit === undefined ? '' : `${least ? '≥' : '≤'} ${limit}`,
      met: limit === undefined || !counts ? '' : met ? 'yes' : 'NO',
    })
    if (counts && !met) process.exitCode = 1
    for (const [other, { its, toPeer, oursToIt }] of Object.entries(others)) {
      beside.push({
        benchmark: name,
        figure: words,
        other,
        its: its.toPrecision(4),
        'to the peer': toPeer.toFixed(2),
        'ours to it': oursToIt.toFixed(2),
      })
    }
  }
}

for (const name of wanted) {
  const work = await import(here(`${name}/load.mjs`))
  if (work.missing) {
    console.log(`${name}: missing: ${work.missing}`)
    continue
  }
  const servers = serversOf(name, work)
  try {
    tell(name, !servers.peer, await compare(servers, work, rounds))
  } catch (error) {
    console.error(`${name}: ${error.stack}`)
    process.exitCode = 1
  }
}
console.table(rows)
if (beside.length > 0) console.table(beside)
// Some who receive listen still.
process.exit()
