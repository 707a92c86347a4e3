import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { Program } from './program.ts'
import { randomFile, sha256, useTemporaryFolder } from './temporary.ts'

const folder = useTemporaryFolder()
const source = () => join(folder.path, 'movie.mkv')
const received = (name = '') => join(folder.path, 'received', name)

/** Bytes of the one part in the workshop. */
async function arrived(): Promise<number> {
  const [part] = await readdir(received('.fairlead'))
  return part === undefined ? 0 : (await stat(received(join('.fairlead', part)))).size
}

async function startReceiver(port: string, ...flags: string[]): Promise<{ receiver: Program; port: string }> {
  const receiver = Program.fairlead(['receive', '--port', port, '--folder', received(), ...flags])
  const [, chosen = ''] = await receiver.prints(/on 127\.0\.0\.1:(\d+)\n/)
  return { receiver, port: chosen }
}

test('a receiver killed in the middle goes on where it was, and the file ends byte-equal', async () => {
  await randomFile(source(), 100 * 1024 * 1024)
  const first = await startReceiver('0')
  const sender = Program.fairlead(['send', source(), '--port', first.port])
  await expect.poll(arrived, { interval: 1 }).toBeGreaterThan(2_000_000)
  first.receiver.signal('SIGKILL')
  await first.receiver.ended
  const kept = await arrived()
  expect(kept).toBeLessThan(100 * 1024 * 1024)

  const { receiver } = await startReceiver(first.port, '--once')
  expect(await sender.ended).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Going on at .*is stored as movie\.mkv/s) as string,
  })
  expect(await receiver.ended).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('going on at') as string,
  })
  expect(await sha256(received('movie.mkv'))).toBe(await sha256(source()))
  expect((await readdir(received())).toSorted()).toEqual(['.fairlead', 'movie.mkv'])
  expect(await readdir(received('.fairlead'))).toEqual([])
}, 120_000)

test('a sender killed in the middle is followed by one that goes on', async () => {
  await randomFile(source(), 100 * 1024 * 1024)
  const { receiver, port } = await startReceiver('0')
  const first = Program.fairlead(['send', source(), '--port', port])
  await expect.poll(arrived, { interval: 1 }).toBeGreaterThan(2_000_000)
  first.signal('SIGKILL')
  await first.ended
  const second = await Program.fairlead(['send', source(), '--port', port]).ended
  expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('Going on at') as string })
  expect(await sha256(received('movie.mkv'))).toBe(await sha256(source()))
  receiver.signal('SIGINT')
  expect(await receiver.ended).toMatchObject({ code: 0 })
}, 120_000)

test('a sender may come first', async () => {
  await writeFile(source(), 'small')
  const { receiver, port } = await startReceiver('0')
  receiver.signal('SIGTERM')
  expect(await receiver.ended).toMatchObject({ code: 0, stderr: '' })
  const sender = Program.fairlead(['send', source(), '--port', port])
  await sender.prints(/Waiting for a receiver at 127\.0\.0\.1:\d+ \.\.\.\n/)
  await startReceiver(port, '--once')
  expect(await sender.ended).toMatchObject({
    code: 0,
    stdout: `Waiting for a receiver at 127.0.0.1:${port} ...\nSent ${source()}; it is stored as movie.mkv\n`,
    stderr: '',
  })
})
