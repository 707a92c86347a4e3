import { createHash } from 'node:crypto'
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type ByteConnection, lines, type Listener } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { receive, type ReceiveOptions } from '../../src/transfer/receive.ts'
import { send, type SendOptions } from '../../src/transfer/send.ts'
import { deferred } from '../deferred.ts'
import { portOf } from '../hub/cast.ts'

const host = '127.0.0.1'
let root: string
let folder: string
let source: string
let receiver: Listener<ByteConnection> | undefined

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairlead-'))
  folder = join(root, 'received')
  source = join(root, 'movie.mkv')
  await mkdir(folder)
})

afterEach(async () => {
  vi.useRealTimers()
  receiver?.destroy()
  receiver = undefined
  await rm(root, { recursive: true })
})

/** Bytes that differ everywhere, so that nothing goes unnoticed. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 4)
    bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, Math.min(at, size - 4))
  return bytes
}

async function listen(watcher: Partial<ReceiveOptions> = {}, port = 0): Promise<number> {
  receiver = await receive({ host, port, folder, ...watcher })
  return portOf(receiver)
}

const sendTo = (port: number, options: Partial<SendOptions> = {}) =>
  send({ path: source, host, port, patience: 5_000, ...options })
const digestOf = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
const workshop = () => join(folder, '.fairlead')
const part = (bytes: Uint8Array | string) => join(workshop(), `${digestOf(bytes)}.part`)
const received = (name = 'movie.mkv') => readFile(join(folder, name))

test.each([0, 1, 31, 65_536, 5_000_000])('a file of %i bytes arrives, whole', async (size) => {
  const bytes = size < 4 ? Buffer.alloc(size, 'x') : content(size)
  await writeFile(source, bytes)
  expect(await sendTo(await listen())).toBe('movie.mkv')
  expect((await received()).equals(bytes)).toBe(true)
  expect(await readdir(workshop())).toEqual([])
})

test('what is there already is not replaced', async () => {
  await writeFile(source, 'new')
  await writeFile(join(folder, 'movie.mkv'), 'old')
  expect(await sendTo(await listen())).toBe('movie (2).mkv')
  expect(await received()).toEqual(Buffer.from('old'))
  expect(await received('movie (2).mkv')).toEqual(Buffer.from('new'))
})

describe('resuming', () => {
  test.each([1, 65_535, 1_000_000, 2_900_000])(
    'after the receiver was gone at about %i bytes',
    async (offset) => {
      const bytes = content(3_000_000)
      await writeFile(source, bytes)
      const stopped = deferred()
      const port = await listen({
        grown(have) {
          if (have < offset) return
          receiver?.destroy()
          stopped.resolve()
        },
      })
      const sending = sendTo(port)
      await stopped.promise
      await receiver?.closed
      const begun: number[] = []
      await listen({ begun: (_name, _size, have) => begun.push(have) }, port)
      expect(await sending).toBe('movie.mkv')
      expect((await received()).equals(bytes)).toBe(true)
      expect(begun[0]).toBeGreaterThanOrEqual(offset)
    },
  )

  test.each([0, 1, 4_096, 99_999, 100_000])('exactly behind a part of %i bytes', async (offset) => {
    const bytes = content(100_000)
    await writeFile(source, bytes)
    const begun: number[] = []
    const port = await listen({ begun: (_name, _size, have) => begun.push(have) })
    await writeFile(part(bytes), bytes.subarray(0, offset))
    await sendTo(port)
    expect(begun).toEqual([offset])
    expect((await received()).equals(bytes)).toBe(true)
  })

  test('never behind a part of another file of that name', async () => {
    const [before, bytes] = [content(100_000), content(100_000).fill('?', 20_000, 20_001)]
    await writeFile(source, bytes)
    const begun: number[] = []
    const port = await listen({ begun: (_name, _size, have) => begun.push(have) })
    await writeFile(part(before), before.subarray(0, 50_000))
    await sendTo(port)
    expect(begun).toEqual([0])
    expect((await received()).equals(bytes)).toBe(true)
    expect(await readdir(workshop())).toEqual([`${digestOf(before)}.part`])
  })
})

describe('never a wrong file:', () => {
  test.each<[string, () => Promise<void>]>([
    ['grows', () => appendFile(source, 'more')],
    ['shrinks', () => truncate(source, 1_000)],
    ['changes', () => writeFile(source, content(20_000_000).fill(0))],
  ])('the source %s meanwhile', async (_what, change) => {
    await writeFile(source, content(20_000_000))
    const failed = deferred<string>()
    const port = await listen({ failed: failed.resolve })
    let changed: Promise<void> | undefined
    const sending = sendTo(port, { grown: () => (changed ??= change()) })
    await expect(sending).rejects.toThrow(/changed while it was sent|became shorter/)
    await failed.promise
    await changed
    expect(await readdir(folder)).toEqual(['.fairlead'])
  })

  test.each<[string, Buffer]>([
    ['is not its beginning', content(50_000).fill('?', 20_000, 20_001)],
    ['is more than the whole', content(200_000)],
  ])('what lies there of it %s', async (_what, spoilt) => {
    const bytes = content(100_000)
    await writeFile(source, bytes)
    const port = await listen()
    await writeFile(part(bytes), spoilt)
    await expect(sendTo(port)).rejects.toThrow('what arrived is not what was sent, and was thrown away')
    expect(await readdir(folder)).toEqual(['.fairlead'])
    expect(await readdir(workshop())).toEqual([])
    expect(await sendTo(port)).toBe('movie.mkv')
    expect((await received()).equals(bytes)).toBe(true)
  })

  test('a bit flips on the way', async () => {
    const bytes = content(10_000)
    const port = await listen()
    const stream = await tcp.connect({ port })
    const talk = lines(stream)
    await talk.send(JSON.stringify({ send: 'movie.mkv', size: bytes.length, sha256: digestOf(bytes) }))
    bytes.writeUInt8(bytes.readUInt8(5_000) ^ 1, 5_000)
    stream.write(bytes)
    stream.end()
    const heard: string[] = []
    for await (const line of talk) heard.push(line)
    expect(heard.at(-1)).toBe('{"refused":"what arrived is not what was sent, and was thrown away"}')
    expect(await readdir(folder)).toEqual(['.fairlead'])
    expect(await readdir(workshop())).toEqual([])
  })

  test('the sender vanishes at any point', async () => {
    const bytes = content(1_000)
    const line = JSON.stringify({ send: 'movie.mkv', size: 1_000, sha256: digestOf(bytes) })
    const message = Buffer.concat([Buffer.from(`${line}\n`), bytes])
    let failed = deferred<string>()
    const port = await listen({ failed: (reason) => failed.resolve(reason) })
    const { length: all } = message
    for (const length of [0, 1, 40, all - 1_002, all - 1_001, all - 1_000, all - 999, all - 500, all - 1]) {
      failed = deferred()
      const stream = await tcp.connect({ port })
      if (length > 0) await stream.send(message.subarray(0, length))
      stream.end()
      await failed.promise
      await rm(part(bytes), { force: true })
    }
    expect(await readdir(folder)).toEqual(['.fairlead'])
  })
})

describe('never outside the folder:', () => {
  async function offer(name: unknown, size: unknown = 1, sha256: unknown = digestOf('x')) {
    const stream = await tcp.connect({ port: await listen() })
    const talk = lines(stream)
    await talk.send(JSON.stringify({ send: name, size, sha256 }))
    await stream.send('x')
    stream.end()
    let last
    for await (const line of talk) last = line
    return last
  }

  test.each([
    ['../../escaped.txt', 'escaped.txt'],
    ['/etc/cron.d/job', 'job'],
    ['..\\up.txt', 'up.txt'],
    ['.fairlead', 'fairlead'],
    ['..', 'unnamed'],
    ['a\0b', 'ab'],
    ['__proto__', '__proto__'],
  ])('%j is stored as %j', async (name, stored) => {
    expect(await offer(name)).toBe(JSON.stringify({ stored }))
    expect(await readdir(folder)).toEqual(['.fairlead', stored].toSorted())
    expect(await readdir(root)).toEqual(['received'])
  })

  test.each<[unknown, unknown, unknown?]>([
    ['a', -1],
    ['a', 1.5],
    ['a', '1'],
    ['a', 2 ** 60],
    [7, 1],
    [null, 1],
    ['a', 1, null],
    ['a', 1, '../../escaped'],
    ['a', 1, `${digestOf('x')}/../../../escaped`],
    ['a', 1, digestOf('x').toUpperCase()],
  ])('refused: %j of %j bytes, digest %j', async (name, size, sha256) => {
    expect(await offer(name, size, sha256)).toMatch(/^\{"refused":/)
    expect(await readdir(folder)).toEqual(['.fairlead'])
    expect(await readdir(root)).toEqual(['received'])
  })

  test('a link in place of the part is not followed', async () => {
    const outside = join(root, 'outside.txt')
    await writeFile(outside, 'precious')
    await mkdir(workshop())
    await symlink(outside, part('x'))
    expect(await offer('a')).toMatch(/^\{"refused":/)
    expect(await readFile(outside, 'utf8')).toBe('precious')
  })
})

test('one file is received once at a time', async () => {
  const bytes = content(1_000)
  await writeFile(source, bytes)
  const port = await listen()
  const first = lines(await tcp.connect({ port }))
  await first.send(JSON.stringify({ send: 'movie.mkv', size: 1_000, sha256: digestOf(bytes) }))
  for await (const _ of first) break
  await expect(sendTo(port)).rejects.toThrow('movie.mkv is being received already')
  first.destroy()
})

test('a sender that falls silent is cut off', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const waiting = deferred<number>()
  const failed = deferred<string>()
  const port = await listen({ grown: waiting.resolve, failed: failed.resolve })
  const silent = lines(await tcp.connect({ port }))
  await silent.send(JSON.stringify({ send: 'movie.mkv', size: 1, sha256: digestOf('x') }))
  await waiting.promise
  vi.advanceTimersByTime(60_000)
  expect(await failed.promise).toBe('Connection destroyed: the sender fell silent')
  silent.destroy()
})

test('nobody receives: the sender says so when it gives up', async () => {
  await writeFile(source, 'x')
  const port = await listen()
  await receiver?.close()
  await expect(sendTo(port, { patience: 0 })).rejects.toThrow('connection refused')
  await expect(sendTo(port, { path: join(root, 'nothing') })).rejects.toThrow(
    /^Cannot read .*nothing: no such file/,
  )
  expect((await stat(source)).size).toBe(1)
})
