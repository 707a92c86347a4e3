import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'

import { outcome, Program } from '@fairlead/harness'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { type Exchange, type HttpListener, listen, type SavedFile } from '../../src/index.ts'
import { bytesOf, dice, useFolder } from '../client/download/file-server.ts'
import { until } from '../server/ways.ts'

const folder = useFolder()
const file = bytesOf(6_000_000)
const digest = createHash('sha256').update(file).digest('hex')
const piece = 64 * 1024

/** For who wants more of it. */
const rounds = Number(process.env['KILLS'] ?? 6)

let server: HttpListener
let url = ''
/** How much of the file is sent, and no more. */
let most = Infinity
/** Told how much of the file was sent. */
let sent: (bytes: number) => void = () => {}

/** A server of one file with ranges, as applications write it. */
async function serve(exchange: Exchange): Promise<void> {
  const { headers } = exchange.request
  const [, given] = /^bytes=(\d+)-$/.exec(headers.get('range') ?? '') ?? []
  const ranged = given !== undefined && headers.get('if-range') === '"1"'
  const first = ranged ? Number(given) : 0
  const fields = {
    ETag: '"1"',
    'Content-Length': file.length - first,
    ...(ranged && { 'Content-Range': `bytes ${first}-${file.length - 1}/${file.length}` }),
  }
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let at = first; at < file.length; at += piece) {
      sent(at)
      if (at >= most) await new Promise((resolve) => exchange.signal.addEventListener('abort', resolve))
      yield new Uint8Array(file.subarray(at, at + piece))
    }
  }
  await exchange.respond(ranged ? 206 : 200, fields, body())
}

beforeAll(async () => {
  server = await listen({ port: 0 }, serve)
  const { port } = server.address as { port: number }
  url = `http://127.0.0.1:${port}/file`
})

afterEach(async () => {
  most = Infinity
  sent = () => {}
  await Program.killAll()
})

afterAll(async () => {
  await server.close({ grace: 0 })
})

const program = new URL('../programs/downloading.mjs', import.meta.url)

/** Starts a download that is killed as soon as it has written so many bytes. */
async function killedAt(bytes: number, path: string): Promise<void> {
  const downloading = Program.start(program, [url, path])
  // The server sends no more than that, and what may be gathered before it is written.
  most = bytes + 300_000
  await until(() => (statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0) >= bytes)
  downloading.child.kill('SIGKILL')
  await downloading.ended
  most = Infinity
  expect(downloading.child.signalCode).toBe('SIGKILL')
}

test('what is killed at any byte is resumed by another process, to the same bytes', async () => {
  const random = dice(25)
  const resumed: number[] = []
  for (let round = 0; round < rounds; round++) {
    const path = folder.path(`file-${round}`)
    // Every third is killed twice.
    const first = random(file.length - 1_000_000)
    await killedAt(first, path)
    if (round % 3 === 0) await killedAt(first + random(700_000), path)
    const saved = await outcome<SavedFile & { status: number }>(program, [url, path])
    expect(saved).toMatchObject({ path, size: file.length, digest })
    expect(saved.status).toBe(saved.resumed > 0 ? 206 : 200)
    expect(readFileSync(path).equals(file)).toBe(true)
    // Nothing is lost but what was not written down yet.
    expect(saved.resumed).toBeGreaterThan(first - 1_500_000)
    resumed.push(saved.resumed)
  }
  expect(folder.names().length).toBe(rounds)
  expect(resumed.filter((bytes) => bytes > 0).length).toBeGreaterThan(rounds / 2)
})

test('a file that may not grow any larger is told of, and resumed where it may', async () => {
  const path = folder.path('file')
  // In blocks of 512 bytes or of 1,024, as the shell pleases.
  const failed = await outcome<{ message: string }>(program, [url, path], { shell: 'ulimit -f 2500;' })
  expect(failed).toEqual({
    name: 'FileError',
    code: 'ERR_FAIRLEAD_FILE',
    message: `Cannot save ${path}: it is larger than a file may be (EFBIG)`,
  })
  expect(folder.names()).toEqual(['file.part', 'file.part.json'])
  const saved = await outcome<SavedFile>(program, [url, path])
  expect(saved).toMatchObject({ size: file.length, digest })
  expect(saved.resumed).toBeGreaterThan(500_000)
  expect(readFileSync(path).equals(file)).toBe(true)
})

test('two processes at the same file are one too many', async () => {
  const path = folder.path('file')
  let go = (): void => {}
  const second = new Promise<unknown>((resolve) => {
    go = () => resolve(outcome(program, [url, path]))
  })
  let started = false
  const first = Program.start(program, [url, path])
  sent = (count) => {
    if (started || count < 1_000_000) return
    started = true
    first.child.kill('SIGSTOP')
    go()
  }
  expect(await second).toMatchObject({ code: 'ERR_FAIRLEAD_FILE_BUSY' })
  sent = () => {}
  first.child.kill('SIGCONT')
  const [line = ''] = await first.prints(/^\{.*\}$/gm)
  expect(JSON.parse(line)).toMatchObject({ size: file.length, digest, resumed: 0 })
  expect(readFileSync(path).equals(file)).toBe(true)
  expect(folder.names()).toEqual(['file'])
})

test('a file that was there already is not touched by any of it', async () => {
  const path = folder.path('file')
  writeFileSync(path, 'old')
  expect(await outcome(program, [url, path])).toMatchObject({ code: 'ERR_FAIRLEAD_FILE_EXISTS' })
  expect(readFileSync(path, 'utf8')).toBe('old')
})
