// Runs files of node:test, each in a process of its own.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** Milliseconds without anything new of a file, behind which it is ended. */
const patience = 15_000

/** The same once all of its tests are over: what they left open keeps it alive. */
const grace = 1_000

/** Every test of `files` in `folder`: `{ file, name, status, message }`. `hook` is loaded before each. */
export async function runFiles(folder, files, hook, env) {
  const left = [...files]
  const tests = new Map()
  const work = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      tests.set(file, await runFile(folder, file, hook, env))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return files.flatMap((file) => tests.get(file))
}

async function runFile(folder, file, hook, env) {
  const scratch = mkdtempSync(join(tmpdir(), 'fairlead-suite-'))
  const report = join(scratch, 'report.jsonl')
  writeFileSync(report, '')
  const args = [
    '--expose-gc',
    '--no-warnings',
    `--import=${hook}`,
    `--test-reporter=${here('reporter.mjs')}`,
    `--test-reporter-destination=${report}`,
    file,
  ]
  try {
    const said = await ended(spawn(process.execPath, args, { cwd: folder, env, detached: true }), report)
    return testsOf(file, readFileSync(report, 'utf8'), said)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** What it said of a crash, or that it took too long. */
function ended(child, report) {
  let said = ''
  let size = 0
  let since = performance.now()
  const watch = setInterval(() => {
    const told = readFileSync(report, 'utf8')
    if (told.length !== size) since = performance.now()
    size = told.length
    const waited = performance.now() - since
    // With it goes what it started.
    if (waited > (told.endsWith('"idle"}\n') ? grace : patience)) process.kill(-child.pid, 'SIGKILL')
  }, grace)
  child.stdout.resume()
  child.stderr.on('data', (chunk) => (said = (said + chunk).slice(-4_000)))
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      clearInterval(watch)
      resolve({ code, why: signal === 'SIGKILL' ? 'it took too long' : said.trim() })
    })
  })
}

function testsOf(file, report, { code, why }) {
  const lines = report
    .split('\n')
    .filter(Boolean)
    .map((it) => JSON.parse(it))
  const ended = lines.filter(({ type, suite }) => type === 'end' && !suite)
  const tests = ended.map(({ name, status, message }) => ({ file, name, status, message }))
  const known = new Set(lines.filter(({ type }) => type === 'end').map(({ name }) => name))
  for (const { type, name } of lines) {
    if (type !== 'start' || known.has(name)) continue
    tests.push({ file, name, status: 'failed', message: `it did not end: ${why}` })
  }
  if (tests.length === 0 && code !== 0) tests.push({ file, name: 'the file', status: 'failed', message: why })
  return tests
}
