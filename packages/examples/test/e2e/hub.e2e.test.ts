import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { lines } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { requireProgram } from '@fairlead/testkit'
import * as websocket from '@fairlead/ws-bridge'
import { expect, test } from 'vitest'

import { deferred } from '../deferred.ts'
import { Actor, leftovers } from '../hub/cast.ts'
import { Program, run, type RunningHub, startHub } from './program.ts'
import { randomFile, sha256, useTemporaryFolder } from './temporary.ts'

const curl = requireProgram('curl')
const folder = useTemporaryFolder()
const shared = (name = '') => join(folder.path, 'shared', name)
const outside = (name: string) => join(folder.path, name)

async function terminal({ chat }: RunningHub): Promise<Actor> {
  return new Actor(lines(await tcp.connect({ port: chat.port })))
}

async function browser({ page }: RunningHub): Promise<Actor> {
  const { port, search } = new URL(page)
  return new Actor(await websocket.connect(`ws://127.0.0.1:${port}/chat${search}`))
}

test('a terminal and a browser talk to each other', async () => {
  const hub = await startHub(shared())
  const [ann, bob] = [await terminal(hub), await browser(hub)]
  await ann.say('/nick ann')
  await bob.say('/nick bob')
  await ann.hears(/ is now bob$/)
  await ann.say('ahoy, bob')
  await bob.hears('ann: ahoy, bob')
  await bob.say('ahoy, ann')
  await ann.hears('bob: ahoy, ann')
  await ann.say('/quit')
  await ann.ended
  await bob.hears('* ann left')
})

test.skipIf(!curl)('curl is told 413 for what is too large, while it still sends', async () => {
  await randomFile(outside('big.bin'), 20_000_000)
  const hub = await startHub(shared(), '--max-upload', '1MB')
  for (const flags of [[], ['-H', 'Transfer-Encoding: chunked'], ['-H', 'Expect:']]) {
    const args = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...flags, '-T', outside('big.bin')]
    expect(await run('curl', [...args, `${hub.page}files/big.bin`])).toMatchObject({ stdout: '413' })
  }
  expect(await readdir(shared())).toEqual(['.fairlead'])
})

test.skipIf(!curl)(
  'curl goes on with a download where it broke off, and asks for no file twice',
  async () => {
    const hub = await startHub(shared())
    await randomFile(shared('film.mkv'), 3_000_000)
    const curls = async (...args: string[]) => {
      const { code, stdout, stderr } = await run('curl', ['-sS', ...args, `${hub.page}files/film.mkv`])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return stdout
    }
    await curls('-r', '0-999999', '-o', outside('film.mkv'))
    expect(await curls('-C', '-', '-o', outside('film.mkv'), '-w', '%{http_code} %{size_download}')).toBe(
      '206 2000000',
    )
    expect(await sha256(outside('film.mkv'))).toBe(await sha256(shared('film.mkv')))

    const parts = ['1000000-', '-1000000', '0-0', '1-999999'].map((range) => ['-r', range])
    const sizes = parts.map(async (range) => curls(...range, '-o', '/dev/null', '-w', '%{size_download}'))
    expect(await Promise.all(sizes)).toEqual(['2000000', '1000000', '1', '999999'])

    await curls('--etag-save', outside('etag'), '-o', '/dev/null')
    const again = ['--etag-compare', outside('etag'), '-o', '/dev/null', '-w', '%{http_code}']
    expect(await curls(...again)).toBe('304')
    expect(await curls('-z', shared('film.mkv'), '-o', '/dev/null', '-w', '%{http_code}')).toBe('304')
    await writeFile(shared('film.mkv'), 'another')
    expect(await curls(...again)).toBe('200')
  },
)

test('a client killed in the middle of an upload or a download leaves no descriptor', async () => {
  const hub = await startHub(shared())
  await writeFile(shared('huge'), '')
  await truncate(shared('huge'), 2_000_000_000)
  const descriptors = async () => (await readdir(`/proc/${hub.program.child.pid}/fd`)).length
  const before = await descriptors()
  const up = Program.start('curl', [
    '-sS',
    '--limit-rate',
    '1M',
    '-T',
    shared('huge'),
    `${hub.page}files/copy`,
  ])
  const down = Program.start('curl', [
    '-sS',
    '--limit-rate',
    '1M',
    '-o',
    outside('copy'),
    `${hub.page}files/huge`,
  ])
  await expect.poll(descriptors).toBe(before + 4)
  up.signal('SIGKILL')
  down.signal('SIGKILL')
  await expect.poll(descriptors).toBe(before)
  await expect.poll(() => leftovers(shared())).toEqual([])
  expect((await readdir(shared())).toSorted()).toEqual(['.fairlead', 'huge'])
})

test('a hub that was killed leaves nothing of an upload behind when it comes back', async () => {
  const first = await startHub(shared())
  await randomFile(outside('big.bin'), 5_000_000)
  const upload = Program.start('curl', [
    '-sS',
    '--limit-rate',
    '1M',
    '-T',
    outside('big.bin'),
    `${first.page}files/big`,
  ])
  await expect.poll(() => leftovers(shared())).toHaveLength(1)
  first.program.signal('SIGKILL')
  await Promise.all([first.program.ended, upload.ended])
  await startHub(shared())
  expect(await readdir(shared())).toEqual(['.fairlead'])
  expect(await leftovers(shared())).toEqual([])
})

test('find finds the hub', async () => {
  const hub = await startHub(shared())
  const args = ['find', '--port', `${hub.beaconPort}`, '--timeout', '300']
  expect((await Program.fairlead(args).ended).stdout).toContain(
    `Page    ${hub.page}\n  Chat    nc 127.0.0.1 ${hub.chat.port}\n`,
  )
  const { code, stdout } = await Program.fairlead([...args, '--json']).ended
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject([
    { page: hub.page, chat: `127.0.0.1:${hub.chat.port}`, lan: false },
  ])
})

test('open to the network, the hub says so and is used by those with the token', async () => {
  const hub = await startHub(shared(), '--lan')
  const { token = '' } = hub
  expect(hub.page).toMatch(new RegExp(`^http://[\\d.]+:\\d+/\\?token=${token}$`))
  const found = await Program.fairlead(['find', '--port', `${hub.beaconPort}`, '--timeout', '300', '--json'])
    .ended
  expect(found.stdout).not.toContain(token)
  expect(JSON.parse(found.stdout)).toMatchObject([{ page: hub.page.replace(/\?.*/, ''), lan: true }])

  const { port } = new URL(hub.page)
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
  expect([await status('/'), await status('/files'), await status(`/?token=${token}`)]).toEqual([
    401, 401, 200,
  ])
  const ann = await terminal(hub)
  await ann.hears('* token?')
  await ann.say(token, 'ahoy')
  const bob = await browser(hub)
  await bob.hears(/: ahoy$/)
})

test.skipIf(!curl)('SIGTERM with open chats and a running download ends it well', async () => {
  const hub = await startHub(shared())
  await writeFile(shared('huge'), '')
  await truncate(shared('huge'), 2_000_000_000)
  const ann = await terminal(hub)
  const socket = await websocket.connect(`${hub.page.replace('http', 'ws')}chat`)
  const bob = new Actor(socket)
  await Promise.all([ann.hears(/^\* here/), bob.hears(/^\* here/)])
  const download = Program.start('curl', [
    '-sS',
    '--limit-rate',
    '1M',
    '-o',
    outside('copy'),
    `${hub.page}files/huge`,
  ])
  await expect
    .poll(() =>
      readFile(outside('copy')).then(
        ({ length }) => length > 0,
        () => false,
      ),
    )
    .toBe(true)

  const asked = performance.now()
  hub.program.signal('SIGTERM')
  await Promise.all([ann.ended, bob.ended])
  expect(await socket.closed).toMatchObject({ code: 1001 })
  expect(await hub.program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(performance.now() - asked).toBeLessThan(4_000)
  // What the system has buffered for it would keep it busy for a while.
  download.signal('SIGKILL')
  await download.ended
})

test('the same interrupt, delivered twice, forces nothing; with nobody there it ends at once', async () => {
  const hub = await startHub(shared())
  const idle = await tcp.connect({ port: Number(new URL(hub.page).port) })
  const answered = deferred<unknown>()
  idle.handle({ onData: answered.resolve })
  await idle.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await answered.promise
  const asked = performance.now()
  hub.program.signal('SIGINT')
  await hub.program.prints(/Stopping/)
  hub.program.signal('SIGINT')
  expect(await hub.program.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(performance.now() - asked).toBeLessThan(1_500)
})

test('who asks again later does not want to wait', async () => {
  const hub = await startHub(shared())
  await writeFile(shared('huge'), '')
  await truncate(shared('huge'), 2_000_000_000)
  const stalled = await tcp.connect({ port: Number(new URL(hub.page).port) })
  await stalled.send('GET /files/huge HTTP/1.1\r\nHost: localhost\r\n\r\n')
  for await (const _ of stalled) break
  hub.program.signal('SIGINT')
  await hub.program.prints(/Stopping/)
  const asked = performance.now()
  await expect.poll(() => performance.now() - asked, { timeout: 2_000 }).toBeGreaterThan(1_050)
  hub.program.signal('SIGINT')
  expect(await hub.program.ended).toMatchObject({ code: 130, signal: null })
  stalled.destroy()
})
