import { createHash } from 'node:crypto'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

import { BusyError, LimitError, SocketError } from '@fairlead/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { FileError, HttpProtocolError, type Progress, Response } from '../../src/index.ts'
import { type SavedBody, saveBody, type SaveOptions, statusOf } from '../../src/uploads/index.ts'
import { isServed } from '../../src/web/served-request.ts'
import { bytesOf, useFolder } from '../client/download/file-server.ts'
import { failure } from '../client/raw-server.ts'
import { client, emptied, head, until, ways } from '../server/ways.ts'
import { descriptors, inMemory, Pieces, requestWith, serveUploads } from './uploads.ts'

const folder = useFolder()

afterEach(() => vi.restoreAllMocks())

const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex')

const save = (body: string, options?: SaveOptions, headers?: Record<string, string>): Promise<SavedBody> =>
  saveBody(requestWith(body, headers), folder.path('file'), options)

/** All methods of file handles, to be replaced for a while. */
async function handles(): Promise<FileHandle> {
  const handle = await open('/dev/null', 'r')
  await handle.close()
  return Object.getPrototypeOf(handle) as FileHandle
}

describe.each(ways)('over $name', (way) => {
  test('a body is a file, and then another one in its place', async () => {
    const path = folder.path('file')
    await using server = await serveUploads(way, async (request) => {
      const saved = await saveBody(request, path, { overwrite: true, digest: 'sha256' })
      expect(request.bodyUsed).toBe(true)
      return Response.json(saved, { status: saved.created ? 201 : 200 })
    })
    const peer = await client(way, server)
    peer.write(`${head('PUT /a HTTP/1.1', 'Content-Length: 4')}ahoy`)
    peer.write(`${head('PUT /a HTTP/1.1', 'Transfer-Encoding: chunked')}3\r\nbye\r\n0\r\n\r\n`)
    const replies = await peer.replies(2)
    expect(replies.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([
      [201, { path, size: 4, digest: sha256('ahoy'), created: true }],
      [200, { path, size: 3, digest: sha256('bye'), created: false }],
    ])
    expect(readFileSync(path, 'utf8')).toBe('bye')
    expect(folder.names()).toEqual(['file'])
    peer.connection.destroy()
  })

  test('a large body is written in its order, past the stream of the request', async () => {
    const body = bytesOf(3_000_000)
    let streams = 0
    await using server = await way.serve(
      async (request) => {
        if (isServed(request)) {
          vi.spyOn(Object.getPrototypeOf(request) as Request, 'body', 'get').mockImplementation(() => {
            streams++
            return null
          })
        }
        await saveBody(request, folder.path('file'))
        return new Response(null, { status: 201 })
      },
      { maxBodySize: 2 ** 30 },
    )
    const peer = await client(way, server)
    peer.write(head('PUT / HTTP/1.1', `Content-Length: ${body.length}`))
    for (let at = 0; at < body.length; at += 50_000) {
      await peer.connection.send(new Uint8Array(body.subarray(at, at + 50_000)))
    }
    expect(await peer.replies(1)).toMatchObject([{ status: 201 }])
    expect(readFileSync(folder.path('file')).equals(body)).toBe(true)
    expect(streams).toBe(0)
    peer.connection.destroy()
  })

  test.each([0, 1, 70_000, 599_999])('a client that leaves behind %d bytes leaves nothing', async (size) => {
    const before = descriptors()
    const errors: unknown[] = []
    let begun = false
    await using server = await way.serve(async (request) => {
      begun = true
      await saveBody(request, folder.path('file')).catch((error: unknown) => errors.push(error))
      return new Response()
    })
    const connection = await way.connect(server)
    connection.write(head('PUT / HTTP/1.1', 'Content-Length: 600000'))
    if (size > 0) await connection.send('x'.repeat(size))
    await until(() => begun)
    connection.destroy()
    await emptied(server)
    await until(() => errors.length === 1)
    expect(errors[0]).toBeInstanceOf(SocketError)
    expect(folder.names()).toEqual([])
    await server.close()
    await until(() => descriptors() <= before)
  })
})

test('a body out of the stream of any request is a file', async () => {
  const body = bytesOf(500_000)
  const { stream } = new Pieces(body, 10_000)
  const told: Progress[] = []
  const headers = { 'Content-Length': String(body.length) }
  const saved = await saveBody(requestWith(stream, headers), pathToFileURL(folder.path('a b')), {
    mode: 0o600,
    fsync: true,
    onProgress: (progress) => told.push(progress),
  })
  expect(saved).toEqual({ path: folder.path('a b'), size: body.length, digest: undefined, created: true })
  expect(readFileSync(saved.path).equals(body)).toBe(true)
  expect(statSync(saved.path).mode & 0o777).toBe(0o600)
  expect(told.at(-1)).toEqual({ bytes: body.length, total: body.length })
})

test('no body is an empty file', async () => {
  await saveBody(new Request('http://localhost/', { method: 'PUT' }), folder.path('file'))
  expect(statSync(folder.path('file')).size).toBe(0)
})

test('a server that hands out requests of the runtime loses none of its speed', async () => {
  await using server = await inMemory.serve(async (request) => {
    // As a framework does that looks whether there is a body.
    const { body } = request
    expect(body?.locked).toBe(false)
    await saveBody(request, folder.path('file'))
    expect(request.bodyUsed).toBe(true)
    return new Response()
  })
  const response = await server.inject('/', { method: 'PUT', body: 'ahoy' })
  expect(response.status).toBe(200)
  expect(readFileSync(folder.path('file'), 'utf8')).toBe('ahoy')
})

describe('what has a reader already', () => {
  test('is refused, and goes on', async () => {
    const request = requestWith('ahoy')
    const text = request.text()
    expect(await failure(saveBody(request, folder.path('file')))).toBeInstanceOf(BusyError)
    expect(await text).toBe('ahoy')
    const locked = requestWith('ahoy')
    locked.body?.getReader()
    expect(await failure(saveBody(locked, folder.path('file')))).toBeInstanceOf(BusyError)
    expect(folder.names()).toEqual([])
  })

  test('is refused of a request that is served, too', async () => {
    const errors: Error[] = []
    await using server = await inMemory.serve(async (request) => {
      const text = request.text()
      errors.push(await failure(saveBody(request, folder.path('file'))))
      return new Response(await text)
    })
    const response = await server.inject('/', { method: 'PUT', body: 'ahoy' })
    expect(await response.text()).toBe('ahoy')
    expect(errors[0]).toBeInstanceOf(BusyError)
  })
})

describe('refused before a byte is read', () => {
  const cases: [string, Record<string, string>, SaveOptions, number][] = [
    ['is what is too large by its own word', { 'Content-Length': '5' }, { maxSize: 4 }, 413],
    ['is what is larger than anybody said', { 'Content-Length': '1073741825' }, {}, 413],
    ['is a range', { 'Content-Range': 'bytes 0-3/8' }, {}, 400],
    ['is an encoded body', { 'Content-Encoding': 'gzip' }, {}, 415],
    ['is one of an encoding that nobody knows', { 'Content-Encoding': 'identity, sos' }, {}, 415],
    ['is a digest that is none', { 'Content-Digest': 'sha-256=:YWhveQ==:' }, {}, 400],
  ]
  test.each(cases)('%s', async (_, headers, options, status) => {
    const pieces = new Pieces(Buffer.from('ahoy!'))
    const request = requestWith(pieces.stream, headers)
    const error = await failure(saveBody(request, folder.path('file'), options))
    expect(statusOf(error)).toBe(status)
    expect(pieces.given).toBe(0)
    expect(request.bodyUsed).toBe(false)
    expect(folder.names()).toEqual([])
  })

  test('is a path where a file is', async () => {
    writeFileSync(folder.path('file'), 'old')
    const pieces = new Pieces(Buffer.from('ahoy'))
    const error = await failure(saveBody(requestWith(pieces.stream), folder.path('file')))
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_FILE_EXISTS' })
    expect(statusOf(error)).toBe(409)
    expect(pieces.given).toBe(0)
    expect(pieces.cancelled).toBe(error)
    expect(readFileSync(folder.path('file'), 'utf8')).toBe('old')
  })

  test.each([
    [{ overwrites: true } as SaveOptions, 'overwrites'],
    [{ digestFields: 1 as never }, 'digestFields'],
    [{ maxSize: -1 }, 'maxSize'],
    [{ mode: 0o1000 }, 'mode'],
    [{ expected: 'abc' }, 'expected'],
  ])('are wrong arguments: %o', async (options, name) => {
    expect((await failure(save('ahoy', options))).message).toContain(`Invalid option ${name}`)
    expect(folder.names()).toEqual([])
  })

  test('is what was aborted before', async () => {
    const reason = new Error('enough')
    expect(await failure(save('ahoy', { signal: AbortSignal.abort(reason) }))).toBe(reason)
  })
})

test('a body that is identity by its own word is one', async () => {
  await save('ahoy', {}, { 'Content-Encoding': 'identity' })
  expect(folder.names()).toEqual(['file'])
})

test('a link is replaced, and not what it leads to', async () => {
  writeFileSync(folder.path('behind'), 'behind')
  symlinkSync(folder.path('behind'), folder.path('file'))
  expect(await save('new', { overwrite: true })).toMatchObject({ created: false })
  expect(readFileSync(folder.path('behind'), 'utf8')).toBe('behind')
})

describe('nothing is left of a body, and no descriptor,', () => {
  const settle = async (saving: Promise<unknown>): Promise<Error> => {
    const before = descriptors()
    const error = await failure(saving)
    expect(folder.names()).toEqual([])
    expect(descriptors()).toBeLessThanOrEqual(before)
    return error
  }

  test('that is larger than it may be', async () => {
    const pieces = new Pieces(bytesOf(1_000_000), 1_000)
    const saving = saveBody(requestWith(pieces.stream), folder.path('file'), { maxSize: 99_999 })
    const error = await settle(saving)
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({ limit: 'maxSize', value: 100_000 })
    expect(statusOf(error)).toBe(413)
    expect(pieces.given).toBeLessThan(110_000)
    expect(pieces.cancelled).toBe(error)
  })

  test('whose stream fails', async () => {
    const pieces = new Pieces(bytesOf(300_000), 10_000, new Error('cut'))
    const error = await settle(saveBody(requestWith(pieces.stream), folder.path('file')))
    expect(error.message).toBe('Cannot read body: cut')
  })

  test('whose stream ends too early, and says nothing', async () => {
    const request = requestWith(new Pieces(Buffer.from('ahoy')).stream, { 'Content-Length': '5' })
    const error = await settle(saveBody(request, folder.path('file')))
    expect(error.message).toContain('its body has 4 bytes, not 5')
  })

  test('whose stream gives something else than bytes', async () => {
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue('ahoy') })
    await settle(saveBody(requestWith(stream), folder.path('file')))
  })

  test('that is aborted on the way', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const pieces = new Pieces(bytesOf(2_000_000), 10_000)
    const onProgress = (): void => controller.abort(reason)
    const options = { signal: controller.signal, onProgress }
    const error = await settle(saveBody(requestWith(pieces.stream), folder.path('file'), options))
    expect(error).toBe(reason)
    expect(pieces.cancelled).toBe(reason)
  })

  test('whose progress somebody throws at', async () => {
    const reason = new Error('no')
    const onProgress = (): void => {
      throw reason
    }
    expect(await settle(save('ahoy', { onProgress }))).toBe(reason)
  })

  test.each([
    ['ENOSPC', 507],
    ['EDQUOT', 507],
    ['EIO', undefined],
  ])('on a disk that says %s, and the next one is taken', async (code, status) => {
    const system = Object.assign(new Error(`${code}: of the test`), { code })
    vi.spyOn(await handles(), 'write').mockRejectedValueOnce(system)
    const error = await settle(save('ahoy'))
    expect(error).toBeInstanceOf(FileError)
    expect(error.message).toContain(`(${code})`)
    expect(statusOf(error)).toBe(status)
    await save('ahoy')
    expect(folder.names()).toEqual(['file'])
  })

  test('where a file came meanwhile', async () => {
    const onProgress = (): void => writeFileSync(folder.path('file'), 'other')
    const error = await failure(save('ahoy', { onProgress }))
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_FILE_EXISTS' })
    expect(readFileSync(folder.path('file'), 'utf8')).toBe('other')
    expect(folder.names()).toEqual(['file'])
  })

  test('with another digest than was expected', async () => {
    const error = await settle(save('Ahoy', { expected: sha256('ahoy') }))
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_FILE_DIGEST' })
    expect(statusOf(error)).toBe(400)
    expect((await save('ahoy', { expected: sha256('ahoy') })).digest).toBe(sha256('ahoy'))
  })
})

describe('the digests of a request', () => {
  const digest = (algorithm: string, text: string): string =>
    `${algorithm}=:${createHash(algorithm.replace('-', '')).update(text).digest('base64')}:`

  const right: [string, Record<string, string>][] = [
    ['one', { 'Content-Digest': digest('sha-256', 'ahoy') }],
    [
      'two, and of both fields',
      { 'Content-Digest': `${digest('sha-256', 'ahoy')}, ${digest('sha-512', 'ahoy')}` },
    ],
    ['of the representation', { 'Repr-Digest': digest('sha-512', 'ahoy') }],
    ['with parameters', { 'Content-Digest': `${digest('sha-256', 'ahoy')};a=1` }],
    [
      'the last of two of a name',
      { 'Content-Digest': `${digest('sha-256', 'no')}, ${digest('sha-256', 'ahoy')}` },
    ],
    ['that nobody knows', { 'Content-Digest': 'md5=:no:, sha-256x=:no:, adler=?1' }],
  ]
  test.each(right)('are right: %s', async (_, headers) => {
    expect(await save('ahoy', {}, headers)).toMatchObject({ size: 4, digest: undefined })
  })

  const wrong: [string, Record<string, string>][] = [
    ['one', { 'Content-Digest': digest('sha-256', 'Ahoy') }],
    ['the second', { 'Content-Digest': `${digest('sha-256', 'ahoy')}, ${digest('sha-512', 'Ahoy')}` }],
    ['of the representation', { 'Repr-Digest': digest('sha-256', 'Ahoy') }],
    ['empty', { 'Content-Digest': 'sha-256=::' }],
    ['no bytes', { 'Content-Digest': 'sha-256="abc"' }],
  ]
  test.each(wrong)('are wrong: %s', async (_, headers) => {
    const error = await failure(save('ahoy', { digest: 'md5' }, headers))
    expect(statusOf(error)).toBe(400)
    expect(error instanceof FileError || error instanceof HttpProtocolError).toBe(true)
    expect(folder.names()).toEqual([])
    await save('ahoy', { digestFields: false }, headers)
    expect(folder.names()).toEqual(['file'])
  })
})
