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

/** What each figure is, and which way is better. */
const figures = {
  cpu: { words: 'CPU, µs', least: false },
  rate: { words: 'per second', least: true },
  memory: { words: 'bytes', least: false },
}

const rows = []
for (const name of wanted) {
  const work = await import(here(`${name}/load.mjs`))
  const servers = work.servers ?? here(`${name}/`)
  const files = { ours: new URL('ours.mjs', servers), peer: new URL('peer.mjs', servers) }
  const result = await compare(files, work, Number(values.rounds))
  for (const [figure, { ours: mine, peer: theirs, ratio }] of Object.entries(result)) {
    const { words, least } = figures[figure]
    const limit = thresholds[name][figure]
    // Fewer rounds than nine show nothing.
    const counts = Number(values.rounds) >= 9
    const met = limit === undefined || (least ? ratio >= limit : ratio <= limit)
    rows.push({
      benchmark: name,
      figure: words,
      ours: mine.toPrecision(4),
      peer: theirs.toPrecision(4),
      ratio: ratio.toFixed(2),
      threshold: limit === undefined ? '' : `${least ? '≥' : '≤'} ${limit}`,
      met: limit === undefined || !counts ? '' : met ? 'yes' : 'NO',
    })
    if (counts && !met) process.exitCode = 1
  }
}
console.table(rows)
