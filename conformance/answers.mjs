// Serves the same files with ours, with sirv on node:http and, where it is installed, with nginx; asks them the same
// over plain sockets, and prints the answers header by header. A difference from ours that answers/differences.json
// gives no reason for is an exit code of 1, and so is a reason without a difference.
//
//   npm run conformance:answers                  the answers, and what is not explained
//   npm run conformance:answers -- --json        the answers for a program to read
//   npm run conformance:answers -- --only Range  the requests whose section or line begins so
//   npm run conformance:answers -- --write       makes the tables of docs/FILES.md of them; needs nginx

import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { complaints } from './answers/compare.mjs'
import { tableOf, withTable } from './answers/page.mjs'
import { run } from './answers/run.mjs'

const page = new URL('../docs/FILES.md', import.meta.url)
const reasons = JSON.parse(readFileSync(new URL('answers/differences.json', import.meta.url), 'utf8'))

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
})
const rows = await run()
const wanted = rows.filter(({ section, id }) => section.startsWith(values.only) || id.startsWith(values.only))

if (values.json) console.log(JSON.stringify(wanted, undefined, 2))
else if (!values.write) wanted.forEach(print)

const wrong = complaints(rows, reasons)
for (const complaint of wrong) console.error(complaint)
if (wrong.length > 0) process.exitCode = 1

if (values.write) {
  if (!rows[0].answers.nginx) throw new Error('Cannot make the tables: nginx is not installed')
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), tableOf(rows, reasons)))
}

/** A line for each header, a column for each server; what is not as in ours is marked. */
function print({ id, answers }) {
  const names = Object.keys(answers)
  const told = Object.keys(Object.assign({}, ...Object.values(answers)))
  const fields = [...told.filter((field) => field !== 'Body'), 'Body']
  const cells = fields.map((field) => [field, ...names.map((name) => answers[name][field] ?? '-')])
  const marked = cells.map(([field, ours, ...others]) => [
    field,
    ours,
    ...others.map((value) => (value === ours ? value : `${value} *`)),
  ])
  const all = [['', ...names], ...marked]
  const widths = all[0].map((_, at) => Math.max(...all.map((row) => row[at].length)))
  console.log(`\n${id}`)
  for (const row of all)
    console.log(
      `  ${row
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd()}`,
    )
}
