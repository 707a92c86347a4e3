// Runs the tests that others wrote for their servers and clients on ours:
//
//   node conformance/suites.mjs --node-server FOLDER --srvx FOLDER --undici FOLDER --wpt FOLDER --ws FOLDER
//
// `--own` runs them on their own servers and clients instead, and web-platform-tests on the runtime's fetch, which
// tells what fails there too; `--globals` those of servers on ours with the globals of @fairlead/http/globals;
// `--folders` counts by folder and file.
//
// The folders are clones of github.com/honojs/node-server, github.com/h3js/srvx, github.com/nodejs/undici,
// github.com/web-platform-tests/wpt and github.com/websockets/ws, with what their tests import installed in them or
// above them; ws's import nothing. Nothing of theirs stands here but the names of tests: suites.json tells of each that
// ours does not pass why, and an exit code of 1 tells of one that is not told of there.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { run as runUndici } from './suites/undici/run.mjs'
import { run as runWpt } from './suites/wpt/run.mjs'
import { run as runWs } from './suites/ws/run.mjs'

const usage = `Usage: node conformance/suites.mjs [--own] [--globals] [--folders]
  [--node-server FOLDER] [--srvx FOLDER] [--undici FOLDER] [--wpt FOLDER]
  [--ws FOLDER]
`
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const known = JSON.parse(readFileSync(here('suites.json'), 'utf8'))

/** Every test of a suite: `{ file, name, status, message }`. */
const suites = {
  'node-server': (folder, options) => runVitest('node-server', folder, options),
  srvx: (folder, options) => runVitest('srvx', folder, options),
  undici: runUndici,
  wpt: runWpt,
  ws: runWs,
}

async function runVitest(suite, folder, { own, globals }) {
  const require = createRequire(join(folder, 'package.json'))
  const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
  const scratch = mkdtempSync(join(tmpdir(), 'fairlead-suite-'))
  const report = join(scratch, 'report.json')
  const args = [
    vitest,
    'run',
    '--config',
    here('suites/vitest.config.mjs'),
    '--reporter=json',
    `--outputFile=${report}`,
  ]
  const env = {
    ...process.env,
    FAIRLEAD_SUITE: suite,
    FAIRLEAD_SUITE_FOLDER: folder,
    FAIRLEAD_SUITE_OWN: own ? '1' : '',
    FAIRLEAD_SUITE_GLOBALS: globals ? '1' : '',
  }
  try {
    // It ends with 1 when a test fails, which is for us to judge.
    await new Promise((settle) =>
      execFile(process.execPath, args, { cwd: folder, env, timeout: 300_000, maxBuffer: 2 ** 28 }, settle),
    )
    return testsOf(readFileSync(report, 'utf8'), folder)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function testsOf(report, folder) {
  return JSON.parse(report).testResults.flatMap(({ name, assertionResults, message }) => {
    const file = name.slice(folder.length + 1)
    if (assertionResults.length === 0) return [{ file, name: 'the file', status: 'failed', message }]
    return assertionResults.map((it) => ({
      file,
      name: it.fullName,
      status: it.status,
      message: it.failureMessages?.[0]?.split('\n')[0] ?? '',
    }))
  })
}

/** The first that fits: by file, and by what the test is called or what it fails with. */
const whyOf = (suite, { file, name, message }) =>
  known.find(
    (it) =>
      it.suite === suite &&
      file.endsWith(it.file) &&
      new RegExp(it.test ?? '').test(name) &&
      new RegExp(it.message ?? '').test(message),
  )?.why

/** Prints what came of a suite, and whether nothing of it is a surprise. */
function tell(suite, tests, folders) {
  const failed = tests.filter(({ status }) => status === 'failed')
  const surprises = failed.filter((it) => whyOf(suite, it) === undefined)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const skipped = tests.length - passed - failed.length
  console.log(`${suite}: ${passed} passed, ${failed.length} failed, ${skipped} skipped`)
  if (folders) count(tests)
  const reasons = group(failed, suite)
  for (const [why, list] of reasons) {
    if (why !== undefined) console.log(`  ${list.length} known: ${why}`)
  }
  for (const { file, name, message } of surprises) console.log(`  ${file}: ${name}\n    ${message}`)
  return surprises.length === 0
}

function count(tests) {
  const counts = {}
  for (const { file, status } of tests) {
    for (const place of [dirname(file), file]) {
      counts[place] ??= { passed: 0, failed: 0, skipped: 0 }
      counts[place][status === 'passed' || status === 'failed' ? status : 'skipped']++
    }
  }
  console.table(counts)
}

function group(failed, suite) {
  const groups = new Map()
  for (const one of failed) {
    const why = whyOf(suite, one)
    groups.set(why, [...(groups.get(why) ?? []), one])
  }
  return groups
}

async function main() {
  let values
  try {
    const options = {
      own: { type: 'boolean' },
      globals: { type: 'boolean' },
      folders: { type: 'boolean' },
      ...Object.fromEntries(Object.keys(suites).map((suite) => [suite, { type: 'string' }])),
    }
    values = parseArgs({ options }).values
    if (!Object.keys(suites).some((suite) => suite in values)) throw new Error('There is no suite to run')
  } catch (error) {
    process.stderr.write(`${error.message}\n${usage}`)
    process.exitCode = 2
    return
  }
  const { own = false, globals = false, folders = false, ...paths } = values
  for (const [suite, path] of Object.entries(paths)) {
    const tests = await suites[suite](resolve(path), { own, globals })
    if (!tell(suite, tests, folders)) process.exitCode = 1
  }
}

await main()
// What a suite left open is its own affair.
process.exit()
