import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

import { BusyError, LimitError } from '@fairlead/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { FileError } from '../../../src/disk/file-error.ts'
import { IncomingResponse, type Progress, RequestError } from '../../../src/index.ts'
import { quiet, until } from '../../server/ways.ts'
import { answer, failure, raw, response as responseText, standing } from '../raw-server.ts'
import { bytesOf, useFolder } from './file-server.ts'

const folder = useFolder()

afterEach(() => vi.restoreAllMocks())

/** All methods of file handles, to be replaced for a while. */
async function handles(): Promise<FileHandle> {
  const handle = await open('/dev/null', 'r')
  await handle.close()
  return Object.getPrototypeOf(handle) as FileHandle
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: of the test`), { code })
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

test('a body is a file, and nothing else is left', async () => {
  await using server = await raw.open(() => answer('ahoy'))
  const client = server.client()
  const response = await client.request('/')
  const path = folder.path('file')
  const saved = await response.toFile(path, { digest: 'sha256' })
  const digest = createHash('sha256').update('ahoy').digest('hex')
  expect(saved).toEqual({ path, size: 4, digest, resumed: 0, attempts: 1, response })
  expect(readFileSync(path, 'utf8')).toBe('ahoy')
  expect(folder.names()).toEqual(['file'])
  expect(standing(client)).toMatchObject({ idle: 1 })
  client.destroy()
})

test('an empty body is an empty file, at the path of a URL', async () => {
  const path = folder.path('a b')
  const saved = await IncomingResponse.of(200).toFile(pathToFileURL(path), { digest: 'md5' })
  expect(saved).toMatchObject({ path, size: 0, digest: 'd41d8cd98f00b204e9800998ecf8427e' })
  expect(statSync(path).size).toBe(0)
})

test('a large body is written in its order, and told of', async () => {
  const body = bytesOf(5_000_000)
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`
  await using server = await raw.open((_, peer) => {
    peer.write(head)
    for (let at = 0; at < body.length; at += 60_000)
      peer.write(new Uint8Array(body.subarray(at, at + 60_000)))
  })
  const client = server.client()
  const told: number[] = []
  const onProgress = ({ bytes, total }: Progress): void => {
    told.push(bytes)
    expect(total).toBe(body.length)
  }
  const saved = await (await client.request('/')).toFile(folder.path('file'), { onProgress, fsync: true })
  expect(saved.size).toBe(body.length)
  expect(readFileSync(folder.path('file')).equals(body)).toBe(true)
  expect(told).toEqual(told.toSorted((a, b) => a - b))
  expect(told.at(-1)).toBe(body.length)
  expect(told.length).toBeLessThan(25)
  client.destroy()
})

test('a body is saved decoded', async () => {
  const text = 'ahoy '.repeat(1_000)
  await using server = await raw.open(() =>
    answer(gzipSync(text).toString('latin1'), 'Content-Encoding: gzip'),
  )
  const client = server.client()
  const totals: unknown[] = []
  const saved = await (
    await client.request('/')
  ).toFile(folder.path('file'), { onProgress: ({ total }) => totals.push(total) })
  expect(saved.size).toBe(5_000)
  expect(readFileSync(folder.path('file'), 'utf8')).toBe(text)
  expect(totals).toEqual([undefined])
  client.destroy()
})

test('a slow disk holds the server back, in little memory', async () => {
  const body = bytesOf(8_000_000)
  let written = 0
  await using server = await raw.open((_, peer) => {
    peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
    const feed = async (): Promise<void> => {
      for (let at = 0; at < body.length; at += 50_000) {
        const chunk = new Uint8Array(body.subarray(at, at + 50_000))
        written += chunk.length
        await peer.connection.send(chunk)
      }
    }
    feed().catch(() => {})
  })
  const client = server.client()
  const proto = await handles()
  const { write } = proto
  let go = (): void => {}
  const gate = new Promise<void>((resolve) => (go = resolve))
  vi.spyOn(proto, 'write').mockImplementation(async function (this: FileHandle, ...given) {
    await gate
    return write.apply(this, given as never) as never
  })
  const saving = (await client.request('/')).toFile(folder.path('file'))
  await until(() => written > 500_000)
  await quiet()
  const held = written
  await quiet()
  expect(written).toBe(held)
  expect(held).toBeLessThan(2_000_000)
  go()
  expect((await saving).size).toBe(body.length)
  expect(readFileSync(folder.path('file')).equals(body)).toBe(true)
  client.destroy()
})

test('a system that takes less than it is given gets the rest again', async () => {
  const proto = await handles()
  const { write } = proto
  vi.spyOn(proto, 'write').mockImplementation(function (this: FileHandle, ...given) {
    const [bytes, offset, length, at] = given as unknown as [Uint8Array, number, number, number]
    return write.apply(this, [bytes, offset, Math.min(length, 1_000), at] as never) as never
  })
  const body = bytesOf(700_000)
  await IncomingResponse.of(200, {}, body).toFile(folder.path('file'))
  expect(readFileSync(folder.path('file')).equals(body)).toBe(true)
})

describe('what is there already', () => {
  test('stays, and the body is given up', async () => {
    writeFileSync(folder.path('file'), 'old')
    await using server = await raw.open(
      () => `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(300_000)}`,
    )
    const client = server.client()
    const error = await failure<FileError>((await client.request('/')).toFile(folder.path('file')))
    expect(error).toBeInstanceOf(FileError)
    expect(error.code).toBe('ERR_FAIRLEAD_FILE_EXISTS')
    expect(error.message).toContain(`Cannot save ${folder.path('file')}: it is there already`)
    expect(readFileSync(folder.path('file'), 'utf8')).toBe('old')
    expect(folder.names()).toEqual(['file'])
    await until(() => standing(client).connections === 0)
    client.destroy()
  })

  test('stays when it comes while the body does', async () => {
    const response = IncomingResponse.of(200, {}, 'new')
    const onProgress = (): void => writeFileSync(folder.path('file'), 'old')
    const error = await failure<FileError>(response.toFile(folder.path('file'), { onProgress }))
    expect(error.code).toBe('ERR_FAIRLEAD_FILE_EXISTS')
    expect(readFileSync(folder.path('file'), 'utf8')).toBe('old')
    expect(folder.names()).toEqual(['file'])
  })

  test('is replaced where that is wanted, but for a device or a directory', async () => {
    writeFileSync(folder.path('file'), 'old')
    writeFileSync(folder.path('behind'), 'behind')
    symlinkSync(folder.path('behind'), folder.path('link'))
    mkdirSync(folder.path('folder'))
    symlinkSync('/dev/null', folder.path('device'))
    const save = (name: string) =>
      IncomingResponse.of(200, {}, 'new').toFile(folder.path(name), { overwrite: true })
    await save('file')
    expect(readFileSync(folder.path('file'), 'utf8')).toBe('new')
    await save('link')
    expect(readFileSync(folder.path('behind'), 'utf8')).toBe('behind')
    expect(readFileSync(folder.path('link'), 'utf8')).toBe('new')
    expect((await failure(save('folder'))).message).toContain('it is a directory')
    expect((await failure(save('device'))).message).toContain('what is there is no regular file')
    expect(folder.names()).toEqual(['behind', 'device', 'file', 'folder', 'link'])
  })
})

describe('a file that cannot be', () => {
  test('is one whose folder is missing, or is none', async () => {
    writeFileSync(folder.path('file'), '')
    const save = (name: string) => failure<FileError>(IncomingResponse.of(200).toFile(folder.path(name)))
    const missing = await save('no/file')
    expect(missing.message).toBe(`Cannot save ${folder.path('no/file')}: its folder does not exist (ENOENT)`)
    expect(missing.path).toBe(folder.path('no/file'))
    expect(missing.cause).toMatchObject({ code: 'ENOENT' })
    expect((await save('file/file')).message).toContain('what should be its folder is none')
    expect((await save('x'.repeat(300))).message).toContain('its name is too long (ENAMETOOLONG)')
    expect(folder.names()).toEqual(['file'])
  })

  test('has a name as long as names may be', async () => {
    const name = '\u{1f600}'.repeat(63)
    await IncomingResponse.of(200, {}, 'ahoy').toFile(folder.path(name))
    expect(folder.names()).toEqual([name])
  })

  test.each([
    [{ mode: 0o1000 }, 'mode'],
    [{ digest: 'sha3' as 'md5' }, 'digest'],
    [{ expected: 'abc' }, 'expected'],
    [{ digest: 'md5' as const, expected: 'g'.repeat(32) }, 'expected'],
    [{ maxSize: -1 }, 'maxSize'],
    [{ overwrite: 1 as unknown as boolean }, 'overwrite'],
    [{ onProgress: 1 as never }, 'onProgress'],
  ])('is refused for wrong arguments: %o', async (options, name) => {
    const error = await failure(IncomingResponse.of(200).toFile(folder.path('file'), options))
    expect(error.message).toContain(`Invalid option ${name}`)
    expect(folder.names()).toEqual([])
  })

  test.each(['', 'folder/', 'a\0b', 5 as unknown as string])('has no path like %o', async (path) => {
    expect(await failure(IncomingResponse.of(200).toFile(path))).toBeInstanceOf(TypeError)
  })

  test('is one that somebody else reads', async () => {
    const response = IncomingResponse.of(200, {}, 'ahoy')
    const text = response.text()
    expect(await failure(response.toFile(folder.path('file')))).toBeInstanceOf(BusyError)
    expect(await text).toBe('ahoy')
    expect(folder.names()).toEqual([])
  })
})

describe('nothing is left of a file, and no descriptor,', () => {
  const cases: [string, string][] = [
    ['that is cut off', responseText('200 OK', 'x'.repeat(1_000)).slice(0, -1)],
    ['whose first byte never came', responseText('200 OK', 'x'.repeat(1_000)).slice(0, -1_000)],
    ['whose chunks end too early', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    [
      'whose gzip is cut off',
      answer(gzipSync('x'.repeat(1_000)).toString('latin1').slice(0, -9), 'Content-Encoding: gzip'),
    ],
  ]
  test.each(cases)('%s', async (_, text) => {
    await using server = await raw.open((_asked, peer) => {
      peer.write(text)
      peer.end()
    })
    const client = server.client()
    const before = descriptors()
    const error = await failure((await client.request('/')).toFile(folder.path('file')))
    expect(error).toBeInstanceOf(RequestError)
    expect(folder.names()).toEqual([])
    expect(descriptors()).toBe(before)
    await until(() => standing(client).connections === 0)
    client.destroy()
  })

  test.each(['request', 'toFile'])('that is aborted by the signal of %s', async (whose) => {
    await using server = await raw.open(
      () => `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(300_000)}`,
    )
    const client = server.client()
    const before = descriptors()
    const controller = new AbortController()
    const { signal } = controller
    const response = await client.request('/', whose === 'request' ? { signal } : {})
    const reason = new Error('enough')
    const onProgress = (): void => controller.abort(reason)
    const saving = response.toFile(folder.path('file'), { onProgress, ...(whose === 'toFile' && { signal }) })
    expect(await failure(saving)).toBe(reason)
    expect(folder.names()).toEqual([])
    expect(descriptors()).toBe(before)
    await until(() => standing(client).connections === 0)
    client.destroy()
  })

  test.each(['ENOSPC', 'EIO', 'EDQUOT'])('on a disk that says %s', async (code) => {
    await using server = await raw.open(
      () => `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(600_000)}`,
    )
    const client = server.client()
    const before = descriptors()
    const proto = await handles()
    const { write } = proto
    vi.spyOn(proto, 'write')
      .mockImplementationOnce(function (this: FileHandle, ...given) {
        return write.apply(this, given as never) as never
      })
      .mockRejectedValueOnce(systemError(code))
    const response = await client.request('/')
    const onProgress = (): void => server.peers[0]?.write('x'.repeat(300_000))
    const error = await failure<FileError>(response.toFile(folder.path('file'), { onProgress }))
    expect(error).toMatchObject({ name: 'FileError', code: 'ERR_FAIRLEAD_FILE', path: folder.path('file') })
    expect(error.message).toContain(`(${code})`)
    expect(error.cause).toMatchObject({ code })
    expect(folder.names()).toEqual([])
    expect(descriptors()).toBe(before)
    await until(() => standing(client).connections === 0)
    client.destroy()
  })

  test('whose last bytes the disk does not take at the end', async () => {
    vi.spyOn(await handles(), 'sync').mockRejectedValueOnce(systemError('ENOSPC'))
    const saving = IncomingResponse.of(200, {}, 'ahoy').toFile(folder.path('file'), { fsync: true })
    expect((await failure(saving)).message).toContain('no space is left on the device (ENOSPC)')
    expect(folder.names()).toEqual([])
  })

  test('of which HEAD tells', async () => {
    await using server = await raw.open(() => 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
    const client = server.client()
    const saving = (await client.request('/', { method: 'HEAD' })).toFile(folder.path('file'))
    expect((await failure(saving)).message).toContain('its body has 0 bytes, not 5')
    expect(folder.names()).toEqual([])
    client.destroy()
  })

  test('with another digest than was expected', async () => {
    const expected = createHash('sha512').update('ahoy').digest('hex').toUpperCase()
    const save = (body: string) =>
      IncomingResponse.of(200, {}, body).toFile(folder.path('file'), { digest: 'sha512', expected })
    const error = await failure<FileError>(save('Ahoy'))
    expect(error.code).toBe('ERR_FAIRLEAD_FILE_DIGEST')
    expect(error.message).toContain(expected.toLowerCase())
    expect(folder.names()).toEqual([])
    expect((await save('ahoy')).digest).toBe(expected.toLowerCase())
  })

  test('that is too large, as soon as that is known', async () => {
    const told = IncomingResponse.of(200, { 'Content-Length': 5 }, 'ahoy!')
    expect(await failure(told.toFile(folder.path('file'), { maxSize: 4 }))).toMatchObject({
      limit: 'maxSize',
      value: 5,
    })
    const untold = IncomingResponse.of(200, {}, 'ahoy!')
    expect(await failure(untold.toFile(folder.path('file'), { maxSize: 4 }))).toBeInstanceOf(LimitError)
    expect(folder.names()).toEqual([])
    await IncomingResponse.of(200, {}, 'ahoy').toFile(folder.path('file'), { maxSize: 4 })
  })

  test.each([
    ['throws', () => { throw new Error('spite') }], // prettier-ignore
    ['rejects', () => Promise.reject(new Error('spite')) as unknown as void],
  ])('whose onProgress %s', async (_, onProgress) => {
    await using server = await raw.open(
      () => `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(600_000)}`,
    )
    const client = server.client()
    const error = await failure((await client.request('/')).toFile(folder.path('file'), { onProgress }))
    expect(error.message).toBe('spite')
    expect(folder.names()).toEqual([])
    await until(() => standing(client).connections === 0)
    client.destroy()
  })
})

test('the mode is what was asked for, less the umask', async () => {
  await IncomingResponse.of(200).toFile(folder.path('own'), { mode: 0o600 })
  await IncomingResponse.of(200).toFile(folder.path('usual'))
  expect(statSync(folder.path('own')).mode & 0o777).toBe(0o600)
  expect(statSync(folder.path('usual')).mode & 0o777).toBe(0o666 & ~process.umask())
})
