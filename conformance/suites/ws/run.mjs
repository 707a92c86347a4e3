// Runs those of ws's tests in which a WebSocketServer takes part, on ours in its place.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('program.mjs', import.meta.url))
const files = ['test/websocket-server.test.js', 'test/websocket.test.js']

/** Every test of them: `{ file, name, status, message }`. */
export async function run(folder, { own }) {
  const tests = []
  for (const file of files) tests.push(...(await runFile(folder, file, own)))
  return tests
}

/** What a file leaves open dies with its process. */
async function runFile(folder, file, own) {
  const args = ['--dns-result-order=ipv4first', '--no-warnings', program, file, ...(own ? ['--own'] : [])]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let report = ''
  let said = ''
  child.stdout.on('data', (chunk) => (report += chunk))
  child.stderr.on('data', (chunk) => (said = (said + chunk).slice(-4_000)))
  const code = await new Promise((resolve) => child.on('close', resolve))
  const tests = report
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ file, ...JSON.parse(line) }))
  if (code !== 0) tests.push({ file, name: 'the file', status: 'failed', message: said.trim() })
  return tests
}
