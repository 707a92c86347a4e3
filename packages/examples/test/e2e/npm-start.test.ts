import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'

import { requireProgram } from '@fairlead/testkit'
import { expect, test } from 'vitest'

import { Program } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const script = requireProgram('script')
const root = fileURLToPath(new URL('../../../..', import.meta.url))

/**
 * As in a terminal, where Ctrl-C reaches npm and the hub at once, and npm passes it on to the hub again. What is
 * installed and built already is left alone, so this disturbs no other test. `exec`, because a shell in between would
 * tell of the interrupt in npm's place: dash does, bash does not.
 */
function npmStart(): Program {
  const flags = `--port 0 --chat-port 0 --beacon-port 0 --folder '${folder.path}'`
  return Program.start(
    'script',
    ['--quiet', '--return', '--command', `exec npm start -- ${flags}`, '/dev/null'],
    {
      cwd: root,
    },
  )
}

const ctrlC = '\u0003'

test.skipIf(!script)('npm start prints addresses, and ends well on Ctrl-C', async () => {
  const started = performance.now()
  const terminal = npmStart()
  const [, port] = await terminal.prints(/Page +http:\/\/127\.0\.0\.1:(\d+)\//)
  await terminal.prints(/Press Ctrl-C to stop\./)
  // It takes a second; a machine that is busy with other tests may take more.
  expect(performance.now() - started).toBeLessThan(15_000)

  const idle = [0, 1].map(() => connect(Number(port), '127.0.0.1'))
  for (const socket of idle) {
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await once(socket, 'data')
    socket.resume()
  }

  const asked = performance.now()
  terminal.child.stdin?.write(ctrlC)
  const { code, stdout, stderr } = await terminal.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(performance.now() - asked).toBeLessThan(2_500)
  expect(stdout.match(/Stopping/g)).toHaveLength(1)
  expect(stdout).not.toMatch(/Installing|error|failed|ELIFECYCLE|SIGINT/i)
})
