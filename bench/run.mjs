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
  lost: { words: 'lost', least: false, absolute: true },
}

// Fewer rounds than nine show nothing.
const rounds = Number(values.rounds)
const counts = rounds >= 9

const rows = []
for (const name of wanted) {
  const work = await import(here(`${name}/load.mjs`))
  if (work.missing) {
    console.log(`${name}: ${work.missing}`)
    continue
  }
  const servers = work.servers ?? here(`${name}/`)
  const files = { ours: new URL('ours.mjs', servers), peer: new URL('peer.mjs', servers) }
  if ('peer' in work) files.peer = work.peer
  for (const [figure, { ours, peer, ratio }] of Object.entries(await compare(files, work, rounds))) {
    const { words, least, absolute = !files.peer } = figures[figure]
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
  }
}
console.table(rows)
// Some who receive listen still.
process.exit()
