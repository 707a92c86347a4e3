import { stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { requireProgram } from '@fairlead/testkit'
import { expect, test } from 'vitest'

import { hasProc, peakMemory } from './process.ts'
import { Program, run, startHub } from './program.ts'
import { useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const [curl, ab, wrk] = ['curl', 'ab', 'wrk'].map((name) => requireProgram(name))

const mebibyte = 1024 * 1024
const gibibyte = 1024 * mebibyte

test.skipIf(!curl)('curl -v has nothing to remark', async () => {
  const { page } = await startHub(folder.path)
  const twice = await run('curl', ['-v', page, '-o', '/dev/null', `${page}style.css`, '-o', '/dev/null'])
  expect(twice.code).toBe(0)
  expect(twice.stderr.match(/^< HTTP\/1\.1 200 OK\r$/gm)).toHaveLength(2)
  expect(twice.stderr).toMatch(/^\* Re-using existing connection/m)
  expect(twice.stderr).toMatch(/^\* Connection #0 to host 127\.0\.0\.1 left intact$/m)
  expect(twice.stderr).not.toMatch(/excess|warning|error|illegal|closing connection|ignor/i)
  const head = await run('curl', ['-sS', '-v', '-I', page])
  expect(head).toMatchObject({
    code: 0,
    stderr: expect.not.stringMatching(/excess|warning|closing/i) as string,
  })
})

test.skipIf(!ab)('ab has no failed request, with and without keep-alive', async () => {
  const { page } = await startHub(folder.path)
  const kept = await run('ab', ['-k', '-n', '2000', '-c', '20', page])
  expect(kept.code).toBe(0)
  expect(kept.stdout).toMatch(/^Complete requests: +2000$/m)
  expect(kept.stdout).toMatch(/^Keep-Alive requests: +2000$/m)
  const anew = await run('ab', ['-n', '1000', '-c', '20', page])
  for (const { stdout } of [kept, anew]) {
    expect(stdout).toMatch(/^Failed requests: +0$/m)
    expect(stdout).not.toMatch(/^(Non-2xx responses|Write errors)/m)
  }
})

test.skipIf(!wrk)('wrk has no error', async () => {
  const hub = await startHub(folder.path)
  const { code, stdout } = await run('wrk', ['-d1s', '-c', '32', '-t', '1', hub.page])
  expect(code).toBe(0)
  expect(Number(/^Requests\/sec: +([\d.]+)$/m.exec(stdout)?.[1])).toBeGreaterThan(100)
  expect(stdout).not.toMatch(/Socket errors|Non-2xx/)
  hub.program.signal('SIGINT')
  expect(await hub.program.ended).toMatchObject({ code: 0, stderr: '' })
})

test.skipIf(!curl || !hasProc)('memory stays flat while 1 GiB goes up, and down again', async () => {
  const source = join(folder.path, 'source')
  await writeFile(source, '')
  await truncate(source, gibibyte)
  const hub = await startHub(join(folder.path, 'shared'))
  const before = await peakMemory(hub)
  const url = `${hub.page}files/huge`
  expect(await run('curl', ['-sS', '--fail', '-T', source, url])).toMatchObject({ code: 0, stderr: '' })
  expect(await peakMemory(hub)).toBeLessThan(before + 128 * mebibyte)
  expect((await stat(join(folder.path, 'shared', 'huge'))).size).toBe(gibibyte)
  // One who reads slowly, beside the one who reads fast, must not fill the memory either.
  const slow = Program.start('curl', ['-sS', '--limit-rate', '100k', '-o', '/dev/null', url])
  const down = await run('curl', ['-sS', '--fail', '-o', '/dev/null', '-w', '%{size_download}', url])
  expect(down).toMatchObject({ code: 0, stdout: `${gibibyte}`, stderr: '' })
  expect(await peakMemory(hub)).toBeLessThan(before + 128 * mebibyte)
  slow.signal('SIGKILL')
})
