import { createHash } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { gzipSync } from 'node:zlib'

import { ConnectError, LimitError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import { afterEach, describe, expect, test, vi } from 'vitest'

import type { DownloadOptions, SavedFile } from '../../../src/client/download/options.ts'
import { FileError } from '../../../src/disk/file-error.ts'
import { Client, RequestError, type RequestOptions } from '../../../src/index.ts'
import { quiet, until } from '../../server/ways.ts'
import { failure } from '../raw-server.ts'
import { type Answer, bytesOf, dice, FileServer, useFolder } from './file-server.ts'

const folder = useFolder()
const clock = useManualClock()
const file = bytesOf(300_000)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

afterEach(() => vi.restoreAllMocks())

const path = (): string => folder.path('file')
const read = (): Buffer => readFileSync(path())
const record = (): Record<string, unknown> =>
  JSON.parse(readFileSync(`${path()}.part.json`, 'utf8') || '{}') as Record<string, unknown>

/** Leaves `size` bytes of the file, as a download does that was broken off. */
async function leave(server: FileServer, size: number): Promise<void> {
  server.cuts = [size]
  server.answers = [(_, usual) => usual, () => ({ status: 404 })]
  await failure(server.download(path()))
  server.asked.length = 0
  expect(statSync(`${path()}.part`).size).toBe(size)
}

/** The file is there, equal, and nothing else is. */
function isThere(expected = file): void {
  expect(read().equals(expected)).toBe(true)
  expect(folder.names()).toEqual(['file'])
}

test('a file comes in one request, and nothing else is left', async () => {
  await using server = await FileServer.open(file)
  const saved = await server.download(path(), { digest: 'sha256' })
  expect(saved).toMatchObject({ path: path(), size: file.length, resumed: 0, attempts: 1 })
  expect(saved.digest).toBe(sha256(file))
  expect(saved.response.status).toBe(200)
  expect(server.asked).toEqual([{ method: 'GET', range: undefined, ifRange: undefined, coding: 'identity' }])
  isThere()
})

test('what is known of a part has no secrets in it, and is for its owner', async () => {
  await using server = await FileServer.open(file)
  await leave(server, 1_000)
  const { url, from, etag, size, length } = record()
  expect({ url, from, etag, size, length }).toEqual({
    url: server.url.replace('user:secret@', '').replace('?key=secret', ''),
    from: url,
    etag: '"1"',
    size: 1_000,
    length: file.length,
  })
  expect(readFileSync(`${path()}.part.json`, 'utf8')).not.toContain('secret')
  expect(statSync(`${path()}.part.json`).mode & 0o777).toBe(0o600)
  expect(folder.names()).toEqual(['file.part', 'file.part.json'])
})

describe('cut anywhere', () => {
  const random = dice(24)
  const places = Array.from({ length: 40 }, () => random(file.length))

  test.each([0, 1, file.length - 1, ...places])('behind byte %i, it goes on from there', async (cut) => {
    await using server = await FileServer.open(file)
    server.cuts = [cut]
    const saved = await server.download(path(), { expected: sha256(file) })
    expect(saved).toMatchObject({ size: file.length, resumed: 0, attempts: 2 })
    expect(server.asked[1]).toMatchObject(
      cut === 0 ? { range: undefined } : { range: `bytes=${cut}-`, ifRange: '"1"', coding: 'identity' },
    )
    isThere()
  })

  test.each(places.slice(0, 10))('behind byte %i, another download goes on from there', async (cut) => {
    await using server = await FileServer.open(file)
    await leave(server, cut)
    const told: number[] = []
    const onProgress = ({ bytes, total }: { bytes: number; total: number | undefined }): void => {
      told.push(bytes)
      expect(total).toBe(file.length)
    }
    const saved = await server.download(path(), { expected: sha256(file), onProgress })
    expect(saved).toMatchObject({ size: file.length, resumed: cut, attempts: 1, digest: sha256(file) })
    expect(saved.response.status).toBe(206)
    expect(told[0]).toBeGreaterThan(cut)
    expect(told.at(-1)).toBe(file.length)
    expect(server.ranges).toEqual([`bytes=${cut}-`])
    isThere()
  })

  test('again and again, as long as each time brings something', async () => {
    await using server = await FileServer.open(file)
    server.cuts = Array.from({ length: 30 }, () => 9_000)
    const saved = await server.download(path(), { attempts: 2 })
    expect(saved.attempts).toBe(31)
    isThere()
  })
})

describe('it gives up', () => {
  test('behind as many requests in a row that bring nothing, and keeps what there is', async () => {
    await using server = await FileServer.open(file)
    server.cuts = [1_000, 0, 0, 500, 0, 0, 0, 0]
    const error = await failure<RequestError>(server.download(path(), { attempts: 3 }))
    expect(error).toBeInstanceOf(RequestError)
    expect(error.code).toBe('ERR_FAIRLEAD_HTTP_TRUNCATED')
    expect(server.ranges).toEqual([
      undefined,
      ...Array.from({ length: 3 }, () => 'bytes=1000-'),
      ...Array.from({ length: 3 }, () => 'bytes=1500-'),
    ])
    expect(record()['size']).toBe(1_500)
    server.cuts = []
    expect(await server.download(path())).toMatchObject({ resumed: 1_500 })
    isThere()
  })

  test('at once on a server that never answered', async () => {
    await using server = await FileServer.open(file)
    const connect = vi.fn<() => Promise<never>>(() =>
      Promise.reject(new ConnectError('Cannot connect: of the test')),
    )
    Object.assign(server, { client: new Client({ connect }) })
    expect(await failure(server.download(path()))).toMatchObject({ code: 'ERR_FAIRLEAD_CONNECT' })
    expect(connect).toHaveBeenCalledTimes(1)
    expect(folder.names()).toEqual([])
  })

  test('at once where the status says so, and keeps what there is', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    for (const status of [204, 304, 401, 403, 404, 410]) {
      server.answers = [() => ({ status })]
      const error = await failure<RequestError>(server.download(path()))
      expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_STATUS', retryable: false })
      expect(error.message).toContain(`it was answered with ${status}`)
      expect(error.message).not.toContain('secret')
    }
    expect(server.asked.length).toBe(6)
    expect(await server.download(path())).toMatchObject({ resumed: 1_000 })
    isThere()
  })

  test('not for a server that is being restarted', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    server.answers = [503, 502, 504, 500].map((status) => () => ({ status }))
    expect(await server.download(path())).toMatchObject({ resumed: 1_000, attempts: 5 })
    isThere()
  })

  test('not for a server that cannot be reached for a while', async () => {
    const gone = await FileServer.open(file)
    await gone[Symbol.asyncDispose]()
    await using server = await FileServer.open(file)
    let connections = 0
    const connect = ({ port }: { port: number }) => {
      connections++
      return tcp.connect({
        port: connections === 2 || connections === 3 ? Number(new URL(gone.url).port) : port,
      })
    }
    Object.assign(server, { client: new Client({ connect }) })
    server.cuts = [1_000]
    expect(await server.download(path())).toMatchObject({ attempts: 4 })
    expect(server.ranges).toEqual([undefined, 'bytes=1000-'])
    isThere()
  })

  test('when the time for all of it is over', async () => {
    await using server = await FileServer.open(file)
    server.cuts = [1_000]
    server.answers = [
      (_, usual) => usual,
      (_, usual) => {
        clock.advance(3_000)
        return usual
      },
    ]
    const error = await failure(server.download(path(), { timeouts: { total: 2_000 } }))
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_TIMEOUT', phase: 'total' })
    expect(record()['size']).toBe(1_000)
  })
})

describe('it begins anew', () => {
  const other = bytesOf(280_000, 7)
  /** Another one that only its bytes tell from the first. */
  const alike = bytesOf(file.length, 7)

  test.each([['tag'], ['date']])('when the file has become another one, by its %s', async (by) => {
    await using server = await FileServer.open(file)
    const date = (day: number): string => new Date(Date.UTC(2026, 0, day)).toUTCString()
    if (by === 'date') Object.assign(server, { etag: undefined, lastModified: date(1) })
    await leave(server, 290_000)
    Object.assign(server, { file: other })
    if (by === 'date') server.lastModified = date(2)
    else server.etag = '"2"'
    const saved = await server.download(path(), { expected: sha256(other) })
    expect(saved).toMatchObject({ size: other.length, resumed: 0, attempts: 1 })
    expect(server.asked[0]!.ifRange).toBe(by === 'date' ? date(1) : '"1"')
    isThere(other)
  })

  test('when it becomes another one between two requests', async () => {
    await using server = await FileServer.open(file)
    server.cuts = [200_000, 1_000]
    server.answers = [
      (_, usual) => usual,
      () => {
        Object.assign(server, { file: other, etag: '"2"' })
        return { status: 200, fields: { ETag: '"2"' }, body: other, cut: 1_000 }
      },
    ]
    const saved = await server.download(path(), { expected: sha256(other) })
    expect(saved).toMatchObject({ attempts: 3, resumed: 0 })
    expect(server.asked[2]).toMatchObject({ range: 'bytes=1000-', ifRange: '"2"' })
    isThere(other)
  })

  type Fault = [string, (fields: Record<string, string>) => Record<string, string | undefined>]
  const faults: Fault[] = [
    ['begins before', () => ({ 'Content-Range': `bytes 999-299999/300000` })],
    ['begins behind', () => ({ 'Content-Range': `bytes 1001-299999/300000` })],
    ['is of another length', () => ({ 'Content-Range': `bytes 1000-299999/300001` })],
    ['is longer than the file', () => ({ 'Content-Range': `bytes 1000-300000/300000` })],
    ['ends before it begins', () => ({ 'Content-Range': `bytes 1000-999/300000` })],
    ['is none of bytes', () => ({ 'Content-Range': `items 1000-299999/300000` })],
    ['is none', () => ({ 'Content-Range': 'bytes */300000' })],
    ['is missing', () => ({ 'Content-Range': undefined })],
    ['is of another tag', () => ({ ETag: '"2"' })],
    ['is of a weak tag', () => ({ ETag: 'W/"1"' })],
    ['is of no tag', () => ({ ETag: undefined })],
    ['is of an encoded file', () => ({ 'Content-Encoding': 'gzip' })],
  ]
  test.each(faults)('behind a 206 whose range %s', async (_, change) => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    server.answers = [
      (_asked, usual) => {
        const fields = Object.entries({ ...usual.fields, ...change(usual.fields!) })
        return {
          ...usual,
          fields: Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as Record<
            string,
            string
          >,
        }
      },
    ]
    const saved = await server.download(path(), { expected: sha256(file) })
    expect(saved).toMatchObject({ resumed: 0, attempts: 2 })
    expect(server.ranges).toEqual(['bytes=1000-', undefined])
    isThere()
  })

  test.each([
    ['a weak tag', { etag: 'W/"1"' }],
    [
      'a weak tag, for which a date cannot stand in',
      { etag: 'W/"1"', lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT' },
    ],
    ['a tag that is none', { etag: '1' }],
    ['neither tag nor date', { etag: undefined }],
    [
      'a date that may change once more',
      { etag: undefined, lastModified: new Date(Date.now() + 3_600_000).toUTCString() },
    ],
    ['a date that is none', { etag: undefined, lastModified: 'today' }],
  ])('of %s, and leaves nothing that nobody could resume', async (_, validators) => {
    await using server = await FileServer.open(file)
    Object.assign(server, validators)
    server.cuts = [200_000]
    server.answers = [(_, usual) => usual, () => ({ status: 404 })]
    expect(await failure(server.download(path()))).toBeInstanceOf(RequestError)
    expect(folder.names()).toEqual([])
    server.asked.length = 0
    server.cuts = [200_000]
    const saved = await server.download(path(), { expected: sha256(file) })
    expect(saved.attempts).toBe(2)
    expect(server.ranges).toEqual([undefined, undefined])
    isThere()
  })

  test('on a server that has no ranges, and says so', async () => {
    await using server = await FileServer.open(file)
    server.cuts = [1_000]
    server.answers = [(_, usual) => ({ ...usual, fields: { ...usual.fields, 'Accept-Ranges': 'none' } })]
    await server.download(path())
    expect(server.ranges).toEqual([undefined, undefined])
    isThere()
  })

  test('on a server that has no ranges, and does not say so; but not for ever', async () => {
    await using server = await FileServer.open(file)
    server.answers = [2_000, 1_000, 3_000, 2_999, 3_000, 3_000, 3_000].map((cut) => (_, usual) => ({
      ...usual,
      status: 200,
      fields: { ETag: '"1"' },
      body: file,
      cut,
    }))
    expect(await failure(server.download(path(), { attempts: 3 }))).toBeInstanceOf(RequestError)
    expect(server.asked.length).toBe(6)
  })

  test('for another URL, whose tag is the same', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    Object.assign(server, { file: alike, url: `${server.url}2` })
    const saved = await server.download(path(), { expected: sha256(alike) })
    expect(saved).toMatchObject({ resumed: 0, attempts: 2 })
    isThere(alike)
  })

  test('for another URL that is redirected to, whose tag is the same', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    server.file = alike
    const elsewhere = (): Answer => ({ status: 302, fields: { Location: '/other' } })
    server.answers = [elsewhere, (_, usual) => usual, elsewhere]
    const saved = await server.download(path(), { expected: sha256(alike) })
    expect(saved).toMatchObject({ resumed: 0, attempts: 2 })
    isThere(alike)
  })

  const damages: [string, () => void][] = [
    ['is shorter than was written down', () => truncateSync(`${path()}.part`, 999)],
    ['is gone', () => unlinkSync(`${path()}.part`)],
    ['has a record that is none', () => writeFileSync(`${path()}.part.json`, '{"version":1,')],
    ['has an empty record', () => writeFileSync(`${path()}.part.json`, '')],
    [
      'has a record of another version',
      () => writeFileSync(`${path()}.part.json`, JSON.stringify({ ...record(), version: 2 })),
    ],
    [
      'has a record that is not true',
      () => writeFileSync(`${path()}.part.json`, JSON.stringify({ ...record(), size: 400_000 })),
    ],
    [
      'has a record that is no record',
      () => writeFileSync(`${path()}.part.json`, JSON.stringify({ ...record(), etag: '"\r\n"' })),
    ],
  ]
  test.each(damages)('when what there is %s', async (_, damage) => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    damage()
    expect(await server.download(path(), { expected: sha256(file) })).toMatchObject({
      resumed: 0,
      attempts: 1,
    })
    expect(server.ranges).toEqual([undefined])
    isThere()
  })
})

test('what the file has beyond what was written down is not trusted', async () => {
  await using server = await FileServer.open(file)
  await leave(server, 1_000)
  writeFileSync(`${path()}.part`, Buffer.alloc(file.length), { flag: 'a' })
  const saved = await server.download(path(), { expected: sha256(file) })
  expect(saved).toMatchObject({ resumed: 1_000, attempts: 1 })
  isThere()
})

test('a range that is a part of what was asked for is taken, and the next one asked for', async () => {
  await using server = await FileServer.open(file)
  await leave(server, 1_000)
  const fields = { ETag: '"1"', 'Content-Range': 'bytes 1000-1999/300000' }
  server.answers = [() => ({ status: 206, fields, body: file.subarray(1_000, 2_000) })]
  expect(await server.download(path(), { expected: sha256(file) })).toMatchObject({ attempts: 2 })
  expect(server.ranges).toEqual(['bytes=1000-', 'bytes=2000-'])
  isThere()
})

test('a length that nobody told is learnt from a range', async () => {
  await using server = await FileServer.open(file)
  server.answers = [
    () => ({
      status: 200,
      fields: { ETag: '"1"', 'Transfer-Encoding': 'chunked' },
      body: Buffer.concat([Buffer.from('3e8\r\n'), file.subarray(0, 1_000), Buffer.from('\r\n')]),
      untilClose: true,
    }),
  ]
  server.cuts = [undefined, 500]
  expect(await server.download(path(), { expected: sha256(file) })).toMatchObject({ attempts: 3 })
  expect(server.ranges).toEqual([undefined, 'bytes=1000-', 'bytes=1500-'])
  isThere()
})

describe('it refuses', () => {
  test('several ranges in one answer', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    server.answers = [
      () => ({ status: 206, fields: { 'Content-Type': 'multipart/byteranges; boundary=x' }, body: '--x--' }),
    ]
    const error = await failure(server.download(path()))
    expect(error.message).toContain('one range was asked for, and several came')
    expect(record()['size']).toBe(1_000)
  })

  test('a range that nobody asked for', async () => {
    await using server = await FileServer.open(file)
    const fields = { ETag: '"1"', 'Content-Range': 'bytes 0-299999/300000' }
    server.answers = [() => ({ status: 206, fields, body: file })]
    expect((await failure(server.download(path()))).message).toContain('it was answered with 206')
    expect(folder.names()).toEqual([])
  })

  test('a range that is longer than it says', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    const fields = { ETag: '"1"', 'Content-Range': 'bytes 1000-1999/300000' }
    server.answers = [() => ({ status: 206, fields, body: file.subarray(1_000, 3_000) })]
    const error = await failure(server.download(path()))
    expect(error.message).toContain('more than the 1000 bytes came')
    expect(statSync(`${path()}.part`).size).toBeLessThanOrEqual(2_000)
  })

  test('a file that the server encodes all the same', async () => {
    await using server = await FileServer.open(file)
    const fields = { ETag: '"1"', 'Content-Encoding': 'gzip' }
    server.answers = [() => ({ status: 200, fields, body: gzipSync(file) })]
    expect((await failure(server.download(path()))).message).toContain('save it without resume')
    expect(folder.names()).toEqual([])
    server.answers = [() => ({ status: 200, fields, body: gzipSync(file) })]
    await server.download(path(), { resume: false })
    isThere()
  })

  test('fields and methods that are not for a download to be resumed', async () => {
    await using server = await FileServer.open(file)
    const cases: (RequestOptions & DownloadOptions)[] = [
      { headers: { range: 'bytes=0-' } },
      { headers: { 'If-Range': '"1"' } },
      { method: 'POST' },
      { json: {} },
      { body: 'x' },
      { attempts: 0 },
      { resume: 1 as unknown as boolean },
      { backoff: { base: -1 } },
    ]
    for (const options of cases) {
      expect((await failure(server.download(path(), options))).message).toContain('Invalid option')
    }
    expect(server.asked).toEqual([])
  })

  test('another file than the one that was expected, of which it keeps nothing', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    const error = await failure<FileError>(server.download(path(), { expected: sha256(file.subarray(1)) }))
    expect(error.code).toBe('ERR_FAIRLEAD_FILE_DIGEST')
    expect(folder.names()).toEqual([])
  })

  test('a part whose bytes have changed, where the digest is known', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    const handle = await open(`${path()}.part`, 'r+')
    await handle.write('bit', 500)
    await handle.close()
    const error = await failure<FileError>(server.download(path(), { expected: sha256(file) }))
    expect(error.code).toBe('ERR_FAIRLEAD_FILE_DIGEST')
    expect(folder.names()).toEqual([])
  })

  test('a file that is too large, of which it keeps nothing', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    const error = await failure(server.download(path(), { maxSize: file.length - 1 }))
    expect(error).toBeInstanceOf(LimitError)
    expect(folder.names()).toEqual([])
    await server.download(path(), { maxSize: file.length })
  })
})

describe('what is whole already', () => {
  test('is known by the 416 of the same tag', async () => {
    await using server = await FileServer.open(file)
    await leave(server, file.length - 1)
    writeFileSync(`${path()}.part`, file)
    writeFileSync(`${path()}.part.json`, JSON.stringify({ ...record(), size: file.length }))
    const saved = await server.download(path(), { expected: sha256(file) })
    expect(saved).toMatchObject({ resumed: file.length, attempts: 1, size: file.length })
    expect(server.ranges).toEqual([`bytes=${file.length}-`])
    isThere()
  })

  const bare = (length: number) => () => ({ status: 416, fields: { 'Content-Range': `bytes */${length}` } })

  async function whole(server: FileServer): Promise<void> {
    await leave(server, file.length - 1)
    writeFileSync(`${path()}.part`, file)
    writeFileSync(`${path()}.part.json`, JSON.stringify({ ...record(), size: file.length }))
  }

  test('is known by HEAD, where the 416 does not say', async () => {
    await using server = await FileServer.open(file)
    await whole(server)
    server.answers = [bare(file.length)]
    expect(await server.download(path())).toMatchObject({ resumed: file.length, attempts: 2 })
    expect(server.asked[1]).toMatchObject({ method: 'HEAD', coding: 'identity', range: undefined })
    isThere()
  })

  test('is begun anew where it has become another one', async () => {
    await using server = await FileServer.open(file)
    await whole(server)
    server.etag = '"2"'
    server.answers = [bare(file.length)]
    expect(await server.download(path())).toMatchObject({ resumed: 0, attempts: 3 })
    isThere()
  })

  test('is begun anew, once, where it has another length', async () => {
    await using server = await FileServer.open(file)
    await whole(server)
    server.answers = [bare(file.length + 1)]
    expect(await server.download(path())).toMatchObject({ resumed: 0, attempts: 2 })
    server.answers = [() => ({ status: 416 })]
    expect(await failure(server.download(path(), { overwrite: true }))).toMatchObject({
      code: 'ERR_FAIRLEAD_HTTP_STATUS',
    })
  })

  test('is not asked for again when its name was taken meanwhile', async () => {
    await using server = await FileServer.open(file)
    const onProgress = (): void => writeFileSync(path(), 'old')
    const error = await failure<FileError>(server.download(path(), { onProgress }))
    expect(error.code).toBe('ERR_FAIRLEAD_FILE_EXISTS')
    expect(readFileSync(path(), 'utf8')).toBe('old')
    expect(await server.download(path(), { overwrite: true })).toMatchObject({ resumed: file.length })
    isThere()
  })

  test('and has its name already, is not written to', async () => {
    await using server = await FileServer.open(file)
    await whole(server)
    linkSync(`${path()}.part`, path())
    linkSync(path(), folder.path('kept'))
    server.file = bytesOf(1_000, 3)
    server.etag = '"2"'
    await server.download(path(), { overwrite: true })
    expect(readFileSync(folder.path('kept')).equals(file)).toBe(true)
    expect(read().equals(server.file)).toBe(true)
    expect(folder.names()).toEqual(['file', 'kept'])
  })
})

describe('what is in the way', () => {
  const cases: [string, () => void, string][] = [
    ['a directory', () => mkdirSync(path()), 'it is a directory'],
    ['a file', () => writeFileSync(path(), ''), 'it is there already'],
    ['a directory for the part', () => mkdirSync(`${path()}.part`), 'it is a directory (EISDIR)'],
    [
      'a link for the part',
      () => symlinkSync('/dev/null', `${path()}.part`),
      'it is a symbolic link (ELOOP)',
    ],
    [
      'a link for the record',
      () => symlinkSync('/dev/null', `${path()}.part.json`),
      'it is a symbolic link (ELOOP)',
    ],
    [
      'a part that is of no download',
      () => writeFileSync(`${path()}.part`, 'own'),
      'so it is of no download',
    ],
  ]
  test.each(cases)('is said: %s', async (_, prepare, why) => {
    await using server = await FileServer.open(file)
    prepare()
    const names = folder.names()
    const error = await failure<FileError>(server.download(path()))
    expect(error).toBeInstanceOf(FileError)
    expect(error.message).toContain(why)
    expect(error.path).toContain(path())
    expect(server.asked).toEqual([])
    expect(folder.names()).toEqual(names)
  })

  test('is said: a folder that is missing', async () => {
    await using server = await FileServer.open(file)
    const error = await failure(server.download(folder.path('no/file')))
    expect(error.message).toContain('its folder does not exist')
    expect(server.asked).toEqual([])
  })

  test('is a disk that is full; what there is is kept', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    const handle = await open('/dev/null')
    await handle.close()
    const error = Object.assign(new Error('full'), { code: 'ENOSPC' })
    vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'write').mockRejectedValueOnce(error)
    expect((await failure(server.download(path()))).message).toContain(
      'no space is left on the device (ENOSPC)',
    )
    expect(server.asked.length).toBe(1)
    expect(await server.download(path())).toMatchObject({ resumed: 1_000 })
    isThere()
  })
})

describe('an abort keeps what came', () => {
  const reason = new Error('enough')

  test('while the body comes', async () => {
    await using server = await FileServer.open(file)
    const controller = new AbortController()
    const { signal } = controller
    server.answers = [
      (_, usual) => ({
        ...usual,
        fields: { ...usual.fields, 'Content-Length': '300000' },
        body: file.subarray(0, 290_000),
        untilClose: true,
      }),
    ]
    const onProgress = (): void => controller.abort(reason)
    expect(await failure(server.download(path(), { signal, onProgress }))).toBe(reason)
    const { size } = record()
    expect(size).toBeGreaterThan(200_000)
    expect(await server.download(path())).toMatchObject({ resumed: size })
    isThere()
  })

  test('while it waits to ask again', async () => {
    await using server = await FileServer.open(file)
    const controller = new AbortController()
    const { signal } = controller
    server.cuts = [1_000]
    const backoff = { random: () => 0.999, base: 60_000, cap: 60_000 }
    const failed = failure(server.download(path(), { signal, backoff }))
    await until(() => folder.names().includes('file.part.json') && record()['size'] === 1_000)
    await quiet()
    controller.abort(reason)
    expect(await failed).toBe(reason)
    expect(server.asked.length).toBe(1)
    expect(folder.names()).toEqual(['file.part', 'file.part.json'])
    expect(await server.download(path())).toMatchObject({ resumed: 1_000 })
    isThere()
  })

  test('from before', async () => {
    await using server = await FileServer.open(file)
    await leave(server, 1_000)
    expect(await failure(server.download(path(), { signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(server.asked).toEqual([])
    expect(record()['size']).toBe(1_000)
  })
})

describe('two at the same file', () => {
  test('are one too many, and the first goes on', async () => {
    await using server = await FileServer.open(file)
    let second: Promise<Error> | undefined
    const onProgress = (): void => {
      second ??= failure(server.download(path()))
    }
    await server.download(path(), { onProgress })
    const error = (await second) as FileError
    expect(error.code).toBe('ERR_FAIRLEAD_FILE_BUSY')
    expect(error.path).toBe(`${path()}.part.lock`)
    expect(error.message).toContain(`process ${process.pid} on ${hostname()}`)
    isThere()
  })

  test('started at once are one', async () => {
    await using server = await FileServer.open(file)
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => server.download(path())))
    const saved = all.filter(({ status }) => status === 'fulfilled')
    expect(saved.length).toBe(1)
    for (const each of all) {
      if (each.status === 'rejected') expect((each.reason as FileError).code).toMatch(/_FILE_(BUSY|EXISTS)$/)
    }
    isThere()
  })

  const gone: [string, string][] = [
    ['that runs no more', `4194303:1:0123456789abcdef:${hostname()}`],
    ['whose number another has now', `${process.ppid}:1:0123456789abcdef:${hostname()}`],
    ['whose number this one has now', `${process.pid}:1:0123456789abcdef:${hostname()}`],
    [
      'whose number this one has now, where its beginning is not known',
      `${process.pid}::0123456789abcdef:${hostname()}`,
    ],
  ]
  test.runIf(process.platform === 'linux').each(gone)(
    'are one where the other is a process %s',
    async (_, content) => {
      await using server = await FileServer.open(file)
      const locks = [
        () => symlinkSync(content, `${path()}.part.lock`),
        () => writeFileSync(`${path()}.part.lock`, content),
      ]
      for (const lock of locks) {
        lock()
        await server.download(path(), { overwrite: true })
        isThere()
      }
    },
  )

  const there: [string, string][] = [
    ['that runs', `${process.ppid}::0123456789abcdef:${hostname()}`],
    ['of another machine', `4194303:1:0123456789abcdef:elsewhere`],
    ['that nobody knows', 'nobody'],
  ]
  test.each(there)('are two where the other is a process %s', async (_, content) => {
    await using server = await FileServer.open(file)
    symlinkSync(content, `${path()}.part.lock`)
    const error = await failure<FileError>(server.download(path()))
    expect(error.message).toContain('is at the same download; if that is not so, remove this file')
    expect(readlinkSync(`${path()}.part.lock`)).toBe(content)
    expect(server.asked).toEqual([])
  })
})

describe('without resume', () => {
  const once = (server: FileServer, options: RequestOptions & DownloadOptions = {}): Promise<SavedFile> =>
    server.download(path(), { resume: false, ...options })

  test('a file comes in one request, and is not asked for again', async () => {
    await using server = await FileServer.open(file)
    server.cuts = [1_000]
    expect(await failure(once(server))).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_TRUNCATED' })
    expect(server.asked.length).toBe(1)
    expect(folder.names()).toEqual([])
    expect(await once(server, { expected: sha256(file) })).toMatchObject({
      digest: sha256(file),
      attempts: 1,
    })
    isThere()
  })

  test('only 200 is a file, or a range that was asked for', async () => {
    await using server = await FileServer.open(file)
    server.answers = [() => ({ status: 404, body: 'not found' })]
    expect(await failure(once(server))).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_STATUS' })
    server.answers = [() => ({ status: 206, body: 'part' })]
    expect(await failure(once(server))).toMatchObject({ code: 'ERR_FAIRLEAD_HTTP_STATUS' })
    expect(folder.names()).toEqual([])
    await once(server, { headers: { Range: 'bytes=299990-' } })
    isThere(file.subarray(299_990))
  })
})

test('a body that ends with its connection is whole as far as anybody can tell', async () => {
  await using server = await FileServer.open(file)
  const cut = () => ({
    status: 200,
    fields: { ETag: '"1"' },
    body: file.subarray(0, 1_000),
    untilClose: true,
  })
  server.answers = [cut, cut]
  expect(await server.download(path())).toMatchObject({ size: 1_000, attempts: 1 })
  const error = await failure<FileError>(server.download(path(), { overwrite: true, expected: sha256(file) }))
  expect(error.code).toBe('ERR_FAIRLEAD_FILE_DIGEST')
  expect(folder.names()).toEqual(['file'])
})
