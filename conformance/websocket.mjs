// Sends every case of websocket/cases to the target, to the same on node:http, and to `ws` on node:http, in three ways,
// and prints how many each of them passes and which it does not.
//
//   npm run conformance:websocket                    the table
//   npm run conformance:websocket -- --json          everything, for a program to read
//   npm run conformance:websocket -- --only Framing  the cases whose names begin so
//   npm run conformance:websocket -- --tls           over TLS

import { parseArgs } from 'node:util'

import { cases, sections } from './websocket/list.mjs'
import { programs, start } from './websocket/program.mjs'
import { examineAll, examineEach, ways } from './websocket/runner.mjs'

const usage = 'Usage: npm run conformance:websocket -- [--json] [--only NAME] [--tls]\n'

/** Node's own server may lose an answer to its reset; Fairlead is asked once. */
const triesOf = (name) => (name === 'fairlead' ? 1 : 4)

/** Those that a server can be asked at all. */
const of = (name, wanted) => wanted.filter(({ only }) => only === undefined || only.includes(name))

/** The failures of each way, by column. */
async function run(name, wanted, tls) {
  const server = await start(programs[name], { tls })
  try {
    const failures = {}
    const asked = of(name, wanted)
    for (const way of ways) {
      const options = { way, tries: triesOf(name) }
      const common = await examineAll(
        server,
        asked.filter(({ own }) => !own),
        options,
      )
      const others = await examineEach(
        () => start(programs[name], { tls }),
        asked.filter(({ own }) => own),
        options,
      )
      failures[way] = new Map([...common, ...others])
    }
    if (!server.running()) throw new Error(`${name} has crashed`)
    return failures
  } finally {
    await server.stop()
  }
}

const fails = (failures, id) => ways.some((way) => failures[way].has(id))

function table(results, wanted) {
  const names = Object.keys(results)
  const row = (title, list) => [
    title,
    ...names.map((name) => {
      const asked = of(name, list)
      return `${asked.filter(({ id }) => !fails(results[name], id)).length}/${asked.length}`
    }),
  ]
  const rows = sections
    .map(({ section, cases: list }) => [section, list.filter((one) => wanted.includes(one))])
    .filter(([, list]) => list.length > 0)
    .map(([section, list]) => row(section, list))
  const all = [['', ...names], ...rows, row('All', wanted)]
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

/** Name, rule, and what was wrong, by way. */
function failuresOf(failures, wanted) {
  return wanted.flatMap(({ id, rule }) => {
    const reasons = ways.filter((way) => failures[way].has(id)).map((way) => [way, failures[way].get(id)])
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
      const where =
        Object.keys(reasons).length < ways.length ? ` (only ${Object.keys(reasons).join(', ')})` : ''
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
      tls: { type: 'boolean' },
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
  for (const name of Object.keys(programs)) results[name] = await run(name, wanted, values.tls)
  if (values.json) {
    const failures = Object.entries(results).map(([name, it]) => [name, failuresOf(it, wanted)])
    console.log(JSON.stringify({ cases: wanted.length, failures: Object.fromEntries(failures) }, null, 2))
  } else {
    print(results, wanted)
  }
  if (failuresOf(results.fairlead, wanted).length > 0) process.exitCode = 1
}

await main()
