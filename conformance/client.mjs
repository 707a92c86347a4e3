// Plays every case of client/cases to Fairlead's client, the global fetch and undici.request, whole and byte by byte,
// and prints how many each of them passes and which it does not.
//
//   npm run conformance:client                    the table
//   npm run conformance:client -- --json          everything, for a program to read
//   npm run conformance:client -- --only Framing  the cases whose names begin so

import { parseArgs } from 'node:util'

import * as globalFetch from './client/global-fetch.mjs'
import { cases, sections } from './client/list.mjs'
import * as ours from './client/ours.mjs'
import { applies, examineAll } from './client/runner.mjs'
import * as undici from './client/undici.mjs'

const usage = 'Usage: npm run conformance:client -- [--json] [--only NAME]\n'
const ways = [
  { name: 'whole', whole: true },
  { name: 'byte by byte', whole: false },
]
const adapters = [ours, globalFetch, undici]

/** The failures of each way. */
async function run(adapter, wanted) {
  const failures = {}
  for (const { name, whole } of ways) failures[name] = await examineAll(adapter, wanted, { whole })
  return failures
}

/** `passed/all`, of those that the client's API can express; a dash where that is none. */
function cell(adapter, failures, list) {
  const own = list.filter((one) => applies(adapter, one))
  if (own.length === 0) return '-'
  return `${own.filter(({ id }) => !failures.has(id)).length}/${own.length}`
}

function table(results, wanted) {
  const columns = adapters.flatMap((adapter) => ways.map(({ name: way }) => ({ adapter, way })))
  const row = (title, list) => [
    title,
    ...columns.map(({ adapter, way }) => cell(adapter, results.get(adapter)[way], list)),
  ]
  const rows = sections
    .map(({ section, cases: list }) => [section, list.filter((one) => wanted.includes(one))])
    .filter(([, list]) => list.length > 0)
    .map(([section, list]) => row(section, list))
  const all = [
    ['', ...columns.map(({ adapter, way }) => `${adapter.name}, ${way}`)],
    ...rows,
    row('All', wanted),
  ]
  const widths = all[0].map((_, at) => Math.max(...all.map((cells) => cells[at].length)))
  return all
    .map((cells) =>
      cells
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Name, rule, and what was wrong, in one way or in both. */
function failuresOf(failures, wanted) {
  return wanted.flatMap(({ id, rule }) => {
    const reasons = ways
      .filter((way) => failures[way.name].has(id))
      .map((way) => [way.name, failures[way.name].get(id)])
    return reasons.length > 0 ? [{ id, rule, reasons: Object.fromEntries(reasons) }] : []
  })
}

function print(results, wanted) {
  console.log(table(results, wanted))
  for (const [adapter, failures] of results) {
    const list = failuresOf(failures, wanted)
    const other = wanted.filter((one) => !applies(adapter, one))
    console.log(`\n${adapter.name}: ${list.length === 0 ? 'no failures' : `${list.length} failures`}`)
    for (const { id, rule, reasons } of list) {
      const texts = [...new Set(Object.values(reasons))]
      const where = Object.keys(reasons).length < ways.length ? ` (only ${Object.keys(reasons)[0]})` : ''
      console.log(`  ${id} [${rule}]${where}\n    ${texts.join('\n    ')}`)
    }
    if (other.length > 0) console.log(`  Not for its API: ${other.map(({ id }) => id).join(', ')}`)
  }
}

async function main() {
  let values
  try {
    const options = {
      json: { type: 'boolean' },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    }
    values = parseArgs({ options }).values
  } catch (error) {
    process.stderr.write(`${error.message}\n${usage}`)
    process.exitCode = 2
    return
  }
  if (values.help) {
    process.stdout.write(usage)
    return
  }
  const wanted = cases.filter(({ id }) => id.toLowerCase().startsWith((values.only ?? '').toLowerCase()))
  const results = new Map()
  for (const adapter of adapters) results.set(adapter, await run(adapter, wanted))
  if (values.json) {
    const failures = [...results].map(([{ name }, it]) => [name, failuresOf(it, wanted)])
    console.log(JSON.stringify({ cases: wanted.length, failures: Object.fromEntries(failures) }, null, 2))
  } else {
    print(results, wanted)
  }
  if (failuresOf(results.get(ours), wanted).length > 0) process.exitCode = 1
}

await main()
