import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { serveFiles } from '../../src/files/index.ts'
import type { ServeFilesOptions } from '../../src/files/options.ts'
import { asking } from './asking.ts'

let root: string
const large = Buffer.alloc(3 * 1024 * 1024 + 17, 'fairlead ')

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-files-'))
  root = join(folder, 'root')
  mkdirSync(join(root, 'sub'), { recursive: true })
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  writeFileSync(join(root, 'index.html'), '<h1>Ahoy</h1>')
  writeFileSync(join(root, 'hello.txt'), 'Hello, world!')
  writeFileSync(join(root, 'empty.txt'), '')
  writeFileSync(join(root, 'large.bin'), large)
  writeFileSync(join(root, 'sub', 'page.html'), '<p>sub')
  writeFileSync(join(root, 'naïve 100%.txt'), 'named')
  writeFileSync(join(root, '.hidden'), 'hidden')
  symlinkSync(join(folder, 'secret.txt'), join(root, 'out.txt'))
  symlinkSync('hello.txt', join(root, 'in.txt'))
  symlinkSync(folder, join(root, 'up'))
  const old = new Date('2026-01-02T03:04:05Z')
  for (const name of ['index.html', 'hello.txt', 'large.bin']) utimesSync(join(root, name), old, old)
})

afterAll(() => rmSync(join(root, '..'), { recursive: true }))

const memories: [string, ServeFilesOptions][] = [
  ['from the disk', {}],
  ['from memory', { memory: true }],
]

describe.each(memories)('%s', (_, options) => {
  test('a file comes with all that is to be told of it', async () => {
    const ask = await asking(root, options)
    for (let round = 0; round < 2; round++) {
      const { status, headers, body } = await ask('/hello.txt')
      expect(status).toBe(200)
      expect(body).toBe('Hello, world!')
      expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(headers.get('content-length')).toBe('13')
      expect(headers.get('last-modified')).toBe('Fri, 02 Jan 2026 03:04:05 GMT')
      expect(headers.get('accept-ranges')).toBe('bytes')
      expect(headers.get('cache-control')).toBe('no-cache')
      expect(headers.get('etag')).toMatch(/^(?:W\/)?"[\w-]+"$/)
    }
  })

  test('a large file comes whole, byte for byte', async () => {
    const ask = await asking(root, options)
    const { status, headers, body } = await ask('/large.bin')
    expect(status).toBe(200)
    expect(headers.get('content-length')).toBe(String(large.length))
    expect(body === large.toString()).toBe(true)
  })

  test('HEAD tells what GET would bring', async () => {
    const ask = await asking(root, options)
    for (const path of ['/hello.txt', '/large.bin', '/empty.txt']) {
      const got = await ask(path)
      const told = await ask(path, { method: 'HEAD' })
      expect(told.body).toBe('')
      expect(told.headers.without('date').raw).toEqual(got.headers.without('date').raw)
    }
  })

  test('what has not changed is not sent again', async () => {
    const ask = await asking(root, options)
    for (const path of ['/hello.txt', '/large.bin']) {
      const { headers } = await ask(path)
      const etag = headers.get('etag')!
      const again = await ask(path, { headers: { 'If-None-Match': etag } })
      expect([again.status, again.body, again.headers.get('etag')]).toEqual([304, '', etag])
      expect((await ask(path, { headers: { 'If-Match': '"other"' } })).status).toBe(412)
      expect(
        (await ask(path, { headers: { 'If-Modified-Since': headers.get('last-modified')! } })).status,
      ).toBe(304)
    }
  })

  test('ranges are what stands there', async () => {
    const ask = await asking(root, options)
    const { status, headers, body } = await ask('/large.bin', { headers: { Range: 'bytes=1000000-2000000' } })
    expect([status, headers.get('content-range')]).toEqual([206, `bytes 1000000-2000000/${large.length}`])
    expect(body === large.subarray(1_000_000, 2_000_001).toString()).toBe(true)
    expect((await ask('/hello.txt', { headers: { Range: 'bytes=-6' } })).body).toBe('world!')
    expect((await ask('/hello.txt', { headers: { Range: 'bytes=13-' } })).status).toBe(416)
    const several = await ask('/hello.txt', { headers: { Range: 'bytes=0-4,7-11' } })
    expect(several.headers.get('content-type')).toMatch(/^multipart\/byteranges; ?boundary=/)
    expect(several.headers.get('content-length')).toBe(String(several.body.length))
    expect(several.body).toContain('Content-Range: bytes 7-11/13\r\n\r\nworld\r\n--')
  })

  test('links lead nowhere outside of the root', async () => {
    const ask = await asking(root, options)
    expect((await ask('/in.txt')).body).toBe('Hello, world!')
    for (const path of [
      '/out.txt',
      '/up/secret.txt',
      '/up/',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/x%00',
    ]) {
      const { status, body } = await ask(path)
      expect([path, status, body]).toEqual([path, 404, '404 Not Found\n'])
    }
  })
})

test('a folder has an index, a listing or nothing, and a slash', async () => {
  const ask = await asking(root)
  expect((await ask('/')).body).toBe('<h1>Ahoy</h1>')
  expect((await ask('/sub/')).status).toBe(404)
  const listing = await asking(root, { listing: true, prefix: '/files' })
  expect((await listing('/files/sub/?format=json')).body).toContain('"page.html"')
  const direct = serveFiles(root)
  const redirected = await direct(new Request('http://localhost/sub?a=b'))
  expect([redirected.status, redirected.headers.get('location')]).toEqual([301, '/sub/?a=b'])
})

test('names in every alphabet, and none that begins with a dot', async () => {
  const ask = await asking(root)
  expect((await ask(`/${encodeURIComponent('naïve 100%.txt')}`)).body).toBe('named')
  expect((await ask('/.hidden')).status).toBe(404)
  expect((await (await asking(root, { dotfiles: 'deny' }))('/.hidden')).status).toBe(403)
  expect((await (await asking(root, { dotfiles: 'allow' }))('/.hidden')).body).toBe('hidden')
})

test('no link is followed where none may be', async () => {
  const ask = await asking(root, { symlinks: 'never' })
  expect((await ask('/in.txt')).status).toBe(404)
  expect((await ask('/hello.txt')).status).toBe(200)
  expect((await (await asking(root, { symlinks: 'anywhere' }))('/out.txt')).body).toBe('secret')
})

test('a root that is a link may be given another target', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-root-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const version of ['one', 'two']) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'v.txt'), version)
  }
  symlinkSync('one', join(folder, 'current'))
  const ask = await asking(join(folder, 'current'))
  expect((await ask('/v.txt')).body).toBe('one')
  symlinkSync('two', join(folder, 'next'))
  renameSync(join(folder, 'next'), join(folder, 'current'))
  expect((await ask('/v.txt')).body).toBe('two')
})

test('files are closed, however their answers end', async () => {
  const open = (): number => readdirSync('/proc/self/fd').length
  const handler = serveFiles(root)
  const before = open()
  for (let round = 0; round < 20; round++) {
    const response = await handler(new Request('http://localhost/large.bin'))
    await response.body?.cancel()
    const part = await handler(new Request('http://localhost/large.bin', { headers: { Range: 'bytes=1-' } }))
    const reader = part.body!.getReader()
    await reader.read()
    await reader.cancel()
    await (await handler(new Request('http://localhost/large.bin'))).arrayBuffer()
  }
  await expect.poll(open).toBeLessThanOrEqual(before)
})

test('a method that is none of files is refused, or somebody else’s', async () => {
  const ask = await asking(root)
  const { status, headers } = await ask('/hello.txt', { method: 'POST' })
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  const other = await asking(root, { notFound: () => new Response('somebody else') })
  expect((await other('/hello.txt', { method: 'DELETE' })).body).toBe('somebody else')
  expect((await other('/nothing')).body).toBe('somebody else')
})
