// Runs the contract suites of all transports, what sockets do beyond them, what HTTP's server and client do, and the
// hub's smoke test on every runtime, and prints a table.
// The runtimes come from npm and stay in a cache. `npm run runtimes -- bun deno` runs these two.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache/fairlead-runtimes')

/** Each prints a line of JSON for every check, `{ suite, name, ok, error? }`, and ends with exit code 0. */
const programs = [
  'packages/testkit/dist/runtimes.js',
  'packages/testkit/dist/runtimes-globals.js',
  'packages/testkit/dist/runtimes-rest.js',
  'packages/examples/dist/smoke.js',
]

const system = `${process.platform}-${process.arch}`
const node = system === 'darwin-arm64' ? `node-bin-${system}` : `node-${system}`
const runtimes = [
  { name: 'node20', source: `${node}@20.20.2`, command: ['node'] },
  { name: 'node22', source: `${node}@22.23.3`, command: ['node'] },
  { name: 'node24', source: `${node}@24.21.0`, command: ['node'] },
  { name: 'node26', source: `${node}@26.10.0`, command: ['node'] },
  { name: 'bun', source: 'bun@1.4.4', command: ['bun'] },
  { name: 'deno', source: 'deno@2.9.6', command: ['deno', 'run', '--allow-all', '--no-lock', '--quiet'] },
]

const patience = 5 * 60_000
const exec = promisify(execFile)

/** Installs a runtime, unless it is there and starts, and gives the path of its executable. */
async function install({ source, command: [executable] }) {
  const folder = join(cache, source)
  const path = join(folder, 'node_modules/.bin', executable)
  const starts = () => exec(path, ['--version'], { timeout: 30_000 })
  try {
    await starts()
  } catch {
    mkdirSync(folder, { recursive: true })
    const options = ['--prefix', folder, '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
    await exec('npm', ['install', ...options, source], { timeout: patience })
    await starts()
  }
  return path
}

/** Runs a program and gives its checks, and a failed one more if it did not end well. */
async function run(executable, args, program) {
  // It listens, and the program inherits it as descriptor 3.
  const inherited = createServer().listen(0, '127.0.0.1')
  await once(inherited, 'listening')
  const child = spawn(executable, [...args, join(root, program)], {
    env: {
      ...process.env,
      NO_COLOR: '1',
      DENO_DIR: join(cache, 'deno'),
      DENO_NO_UPDATE_CHECK: '1',
      FAIRLEAD_INHERITED: '3',
    },
    stdio: ['ignore', 'pipe', 'pipe', inherited._handle.fd],
    timeout: patience,
    killSignal: 'SIGKILL',
  })
  inherited.close()
  const checks = []
  const talk = []
  const read = (line) => (line.startsWith('{"suite":') ? checks.push(JSON.parse(line)) : talk.push(line))
  createInterface(child.stdout).on('line', read)
  createInterface(child.stderr).on('line', read)
  const closed = once(child, 'close')
  const [code, signal] = await once(child, 'exit')
  if (signal === null) await closed
  child.stdout.destroy() // a child of a killed child may still hold the other end
  child.stderr.destroy()
  if (code === 0 && checks.length > 0) return checks

  const end = signal === null ? `exit code ${code}` : `${signal} after: ${checks.at(-1)?.name ?? 'nothing'}`
  const error = [end, ...talk.slice(-20)].join('\n')
  return [...checks, { suite: basename(program, '.js'), name: 'ends well', ok: false, error }]
}

/** Everything that one runtime has to say: its checks, or why it could not be had. */
async function examine({ name, ...runtime }) {
  try {
    const executable = await install(runtime)
    const checks = []
    for (const program of programs) checks.push(...(await run(executable, runtime.command.slice(1), program)))
    return { name, checks }
  } catch (error) {
    return { name, checks: [], missing: (error.stderr || error.message).trim() }
  }
}

function table(results) {
  const suites = [...new Set(results.flatMap(({ checks }) => checks.map((it) => it.suite)))]
  const score = (checks) =>
    checks.length > 0 ? `${checks.filter((it) => it.ok).length}/${checks.length}` : '-'
  const rows = [
    ['', ...results.map((it) => it.name)],
    ...suites.map((suite) => [
      suite,
      ...results.map((it) => score(it.checks.filter((its) => its.suite === suite))),
    ]),
  ]
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What a runtime is known to do otherwise, as docs/RUNTIMES.md tells. */
const differences = JSON.parse(readFileSync(join(root, 'conformance/known-differences.json'), 'utf8'))

function knownDifference({ runtime, suite, name }) {
  return differences.find((it) => it.runtime === runtime && suite.startsWith(it.suites) && it.check === name)
}

const wanted = process.argv.slice(2)
const results = []
for (const runtime of runtimes) {
  if (wanted.length > 0 && !wanted.includes(runtime.name)) continue
  process.stderr.write(`${runtime.name} ...\n`)
  results.push(await examine(runtime))
}
console.log(`\n${table(results)}`)

const failures = results.flatMap(({ name, checks }) =>
  checks.filter((it) => !it.ok).map((it) => ({ ...it, runtime: name })),
)
for (const failure of failures) {
  const { runtime, suite, name, error } = failure
  const known = knownDifference(failure)
  const why = known ? `known: ${known.why}` : (error ?? '')
  console.log(`\n${runtime}: ${suite}: ${name}\n${why}`.trimEnd())
}

const missing = results.filter((it) => it.missing !== undefined)
for (const it of missing) console.log(`\n${it.name}: not available: ${it.missing}`)

const surprises = failures.filter((it) => !knownDifference(it))
const required = process.env.FAIRLEAD_REQUIRE_ALL === '1'
process.exitCode =
  surprises.length > 0 || (required && missing.length > 0) || missing.length === results.length ? 1 : 0
