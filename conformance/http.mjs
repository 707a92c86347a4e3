// Sends every case of http/cases to the target and to Node's own server, whole and byte by byte, and prints how many
// each of them passes and which it does not.
//
//   npm run conformance                 the table
//   npm run conformance -- --json       everything, for a program to read
//   npm run conformance -- --only Host  the cases whose names begin so

import { parseArgs } from 'node:util'

import { cases, sections } from './http/list.mjs'
import { programs, start } from './http/program.mjs'
import { examineAll } from './http/runner.mjs'

const usage = 'Usage: npm run conformance -- [--json] [--only NAME]\n'
const ways = [
  { name: 'whole', whole: true },
  { name: 'byte by byte', whole: false },
]

/** How a server is asked. Only the other one may fall silent, and lose its answer to its own reset. */
const manners = { fairlead: {}, 'node:http': { silence: 1000, tries: 4 } }

/** The failures of each way, by column. */
async function run(name, wanted) {
  const server = await start(programs[name])
  try {
    const failures = {}
    for (const { name: way, whole } of ways) {
      failures[way] = await examineAll(server.port, wanted, { whole, ...manners[name] })
    }
    return failures
  } finally {
    await server.stop()
  }
}

function table(results, wanted) {
  const columns = Object.keys(results).flatMap((name) => ways.map((way) => [name, way.name]))
  const passed = (list, [name, way]) => list.filter(({ id }) => !results[name][way].has(id)).length
  const row = (title, list) => [title, ...columns.map((column) => `${passed(list, column)}/${list.length}`)]
  const rows = sections
    .map(({ section, cases: list }) => [section, list.filter((one) => wanted.includes(one))])
    .filter(([, list]) => list.length > 0)
    .map(([section, list]) => row(section, list))
  const all = [['', ...columns.map((it) => it.join(', '))], ...rows, row('All', wanted)]
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
  for (const [name, failures] of Object.entries(results)) {
    const list = failuresOf(failures, wanted)
    console.log(`\n${name}: ${list.length === 0 ? 'no failures' : 'failures'}`)
    for (const { id, rule, reasons } of list) {
      const texts = [...new Set(Object.values(reasons))]
      const where = Object.keys(reasons).length < ways.length ? ` (only ${Object.keys(reasons)[0]})` : ''
      console.log(`  ${id} [${rule}]${where}\n    ${texts.join('\n    ')}`)
    }
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
  const results = {}
  for (const name of Object.keys(programs)) results[name] = await run(name, wanted)
  if (values.json) {
    const failures = Object.entries(results).map(([name, it]) => [name, failuresOf(it, wanted)])
    console.log(JSON.stringify({ cases: wanted.length, failures: Object.fromEntries(failures) }, null, 2))
  } else {
    print(results, wanted)
  }
  if (failuresOf(results.fairlead, wanted).length > 0) process.exitCode = 1
}

await main()
