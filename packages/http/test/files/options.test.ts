import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'

import { Hono } from 'hono'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import { file, serveFiles } from '../../src/files/index.ts'
import type { ServeFilesOptions } from '../../src/files/options.ts'
import { refuse, SystemRefusal } from '../../src/files/refusals.ts'
import { asking } from './asking.ts'

let root: string
const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(root, name), content)

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fairlead-options-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

const text = 'so it goes, '.repeat(200)

describe.each([false, true])('precompressed, memory %s', (memory) => {
  test('what stands beside a file is given to those who take it', async () => {
    put('a.txt', text)
    put('a.txt.br', brotliCompressSync(text))
    put('a.txt.gz', gzipSync(text))
    put('b.txt', 'alone')
    const ask = await asking(root, { precompressed: true, memory })
    const br = await ask('/a.txt', { headers: { 'Accept-Encoding': 'gzip, br' } })
    expect([br.body === text, br.headers.get('vary')]).toEqual([true, 'Accept-Encoding'])
    expect(br.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const gzip = await ask('/a.txt', { headers: { 'Accept-Encoding': 'gzip' } })
    const plain = await ask('/a.txt', { headers: { 'Accept-Encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeUndefined()
    const tags = [br, gzip, plain].map(({ headers }) => headers.get('etag'))
    expect(new Set(tags).size).toBe(3)
    const again = await ask('/a.txt', { headers: { 'Accept-Encoding': 'br', 'If-None-Match': tags[0]! } })
    expect(again.status).toBe(304)
    const other = await ask('/a.txt', { headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': tags[0]! } })
    expect(other.status).toBe(200)
    expect((await ask('/b.txt', { headers: { 'Accept-Encoding': 'br' } })).body).toBe('alone')
  })
})

test('what is compressed stands for nothing where the file itself is missing', async () => {
  put('gone.txt.br', brotliCompressSync(text))
  const ask = await asking(root, { precompressed: true })
  expect((await ask('/gone.txt', { headers: { 'Accept-Encoding': 'br' } })).status).toBe(404)
})

test('an application of one page answers whoever goes to a path of its own', async () => {
  put('index.html', '<p>application')
  const ask = await asking(root, { fallback: 'index.html' })
  const headers = { Accept: 'text/html,*/*;q=0.8' }
  expect((await ask('/users/5', { headers })).body).toBe('<p>application')
  expect((await ask('/data.json', { headers: { Accept: '*/*' } })).status).toBe(404)
})

test('caches hear that the application of one page depends on Accept', async () => {
  put('index.html', '<p>application')
  const told = async (path: string, headers = {}, options = {}): Promise<unknown[]> => {
    const ask = await asking(root, { fallback: 'index.html', ...options })
    const answer = await ask(path, { headers })
    return [answer.status, answer.headers.get('vary')]
  }
  const Accept = 'text/html'
  expect(await told('/users/5', { Accept })).toEqual([200, 'Accept'])
  expect(await told('/users/5', { Accept }, { memory: true })).toEqual([200, 'Accept'])
  expect(await told('/users/5', { Accept }, { precompressed: true })).toEqual([
    200,
    'Accept, Accept-Encoding',
  ])
  const later = new Date(Date.now() + 60_000).toUTCString()
  expect(await told('/users/5', { Accept, 'If-Modified-Since': later })).toEqual([304, 'Accept'])
  expect(await told('/users/5')).toEqual([404, 'Accept'])
  // That one is itself, whoever asks.
  expect(await told('/', { Accept })).toEqual([200, undefined])
  expect(await told('/users/5', {}, { fallback: undefined })).toEqual([404, undefined])
})

test('what is told by the path', async () => {
  put('app.3f2a9c.js', 'console.log(1)')
  put('notes.md', '# notes')
  const ask = await asking(root, {
    immutable: /\.[\da-f]{6}\.js$/g,
    cacheControl: (path) => (path.endsWith('.md') ? 'max-age=60' : undefined),
    download: (path) => path === '/notes.md' && 'Notizen für später.md',
    types: { md: 'text/x-notes' },
    headers: (path) => ({ 'X-Path': path }),
  })
  const script = await ask('/app.3f2a9c.js')
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect((await ask('/app.3f2a9c.js')).headers.get('cache-control')).toContain('immutable')
  const notes = await ask('/notes.md')
  expect(notes.headers.get('cache-control')).toBe('max-age=60')
  expect(notes.headers.get('content-type')).toBe('text/x-notes')
  expect(notes.headers.get('content-disposition')).toContain(
    "filename*=UTF-8''Notizen%20f%C3%BCr%20sp%C3%A4ter.md",
  )
  expect(notes.headers.get('x-path')).toBe('/notes.md')
})

test('a tag of the content is the same for the same content, wherever and whenever it was written', async () => {
  put('a.txt', 'same')
  put('b.txt', 'same')
  utimesSync(join(root, 'b.txt'), 1, 1)
  const ask = await asking(root, { etag: 'content' })
  const [a, b] = [await ask('/a.txt'), await ask('/b.txt')]
  expect(a.headers.get('etag')).toMatch(/^"[\w-]{22}"$/)
  expect(b.headers.get('etag')).toBe(a.headers.get('etag'))
  put('a.txt', 'else')
  expect((await ask('/a.txt')).headers.get('etag')).not.toBe(a.headers.get('etag'))
  expect((await (await asking(root, { etag: false }))('/a.txt')).headers.has('etag')).toBe(false)
})

test('from memory, a file that was changed is seen once it is looked at again', async () => {
  put('a.txt', 'one')
  const kept = await asking(root, { memory: { revalidate: 1_000_000 } })
  const looked = await asking(root, { memory: { revalidate: 0 } })
  expect([(await kept('/a.txt')).body, (await looked('/a.txt')).body]).toEqual(['one', 'one'])
  put('a.txt', 'two')
  expect([(await kept('/a.txt')).body, (await looked('/a.txt')).body]).toEqual(['one', 'two'])
})

test('memory has its limits', async () => {
  for (const name of ['a', 'b', 'c']) put(name, name.repeat(1000))
  const ask = await asking(root, { memory: { maxFiles: 2, revalidate: 1_000_000 } })
  for (const name of ['a', 'b', 'c']) await ask(`/${name}`)
  for (const name of ['a', 'b', 'c']) put(name, 'changed')
  expect((await ask('/a')).body).toBe('changed')
  expect((await ask('/c')).body).toBe('c'.repeat(1000))
  const small = await asking(root, { memory: { maxSize: 0, revalidate: 1_000_000 } })
  expect((await small('/a')).body).toBe('changed')
  put('a', 'again')
  expect((await small('/a')).body).toBe('again')
})

test('what many are sent from memory is theirs to read, and nobody’s to change', async () => {
  put('a.txt', 'shared')
  const handler = serveFiles(root, { memory: true })
  const ask = async (): Promise<Response> => handler(new Request('http://localhost/a.txt'))
  await ask()
  const first = await ask()
  first.headers.set('X-Mine', 'yes')
  const { value } = await first.body!.getReader().read()
  value!.fill(0)
  const bytes = new Uint8Array(await (await ask()).arrayBuffer())
  bytes.fill(0)
  const last = await ask()
  expect([await last.text(), last.headers.has('x-mine')]).toEqual(['shared', false])
})

test('inside a framework: a route, and fields that it adds', async () => {
  put('a.txt', 'routed')
  put('large.txt', text.repeat(100))
  const files = serveFiles(root, { prefix: '/static', memory: true })
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.res.headers.set('X-Framework', 'hono')
  })
  app.get('/static/*', (c) => files(c.req.raw))
  for (let round = 0; round < 2; round++) {
    const response = await app.request('/static/a.txt')
    expect([await response.text(), response.headers.get('x-framework')]).toEqual(['routed', 'hono'])
    expect(await (await app.request('/static/large.txt')).text()).toBe(text.repeat(100))
  }
  expect((await app.request('/static')).headers.get('location')).toBe('/static/')
})

test.each([
  ['EACCES', 403],
  ['EPERM', 403],
  ['EMFILE', 503],
  ['ENFILE', 503],
])('%s of the system is answered with %i', (code, status) => {
  const cause = Object.assign(new Error('refused'), { code })
  const refused = expect.objectContaining({ cause, answer: expect.objectContaining({ status }) as unknown })
  expect(() => refuse(cause)).toThrow(refused)
})

test.each<[string, ServeFilesOptions]>([
  ['cacheControl', { cacheControl: () => denied() }],
  ['download', { download: () => denied() }],
  ['headers', { headers: () => denied() }],
  ['listing', { listing: () => denied() }],
  ['listing, later', { listing: async () => denied() }],
  ['notFound', { notFound: () => denied() }],
])('EACCES of %s is none of the system, but for the application to hear of', async (name, options) => {
  put('a.txt', 'there')
  const path = name === 'notFound' ? '/missing' : name.startsWith('listing') ? '/' : '/a.txt'
  const answer = async (): Promise<Response> =>
    serveFiles(root, options)(new Request(`http://localhost${path}`))
  await expect(answer()).rejects.toThrow('denied to the application')
})

function denied(): never {
  throw Object.assign(new Error('denied to the application'), { code: 'EACCES' })
}

test('any other trouble of the system is for the application to hear of', () => {
  const error = Object.assign(new Error('failing'), { code: 'EIO' })
  expect(() => refuse(error)).toThrow(error)
  expect(error).not.toBeInstanceOf(SystemRefusal)
})

test('a file that becomes shorter while it is sent cuts its answer', async () => {
  const size = 8 * 1024 * 1024
  put('a.bin', Buffer.alloc(size))
  const response = await serveFiles(root)(new Request('http://localhost/a.bin'))
  const reader = response.body!.getReader()
  await reader.read()
  put('a.bin', '')
  await expect(
    (async () => {
      while (!(await reader.read()).done);
    })(),
  ).rejects.toThrow('it became shorter while it was read')
})

describe('file()', () => {
  const at = (name: string): string => join(root, name)

  test('is what its request asks for', async () => {
    put('a.txt', 'Hello, world!')
    const asked = (headers: Record<string, string>): Promise<Response> =>
      file(at('a.txt'), { request: new Request('http://localhost/other', { headers }) })
    expect(await (await file(at('a.txt'))).text()).toBe('Hello, world!')
    const part = await asked({ Range: 'bytes=0-4' })
    expect([part.status, await part.text()]).toEqual([206, 'Hello'])
    const etag = part.headers.get('etag')!
    expect((await asked({ 'If-None-Match': etag })).status).toBe(304)
  })

  test('is told of as its options say', async () => {
    put('a.txt', 'x')
    const { headers } = await file(at('a.txt'), {
      type: 'text/x-own',
      cacheControl: 'private',
      download: '日本語.txt',
      headers: { 'X-Own': 'yes' },
    })
    expect(headers.get('content-type')).toBe('text/x-own')
    expect(headers.get('cache-control')).toBe('private')
    expect(headers.get('content-disposition')).toContain("filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.txt")
    expect(headers.get('x-own')).toBe('yes')
  })

  test('is none where there is none', async () => {
    mkdirSync(at('folder'))
    await expect(file(at('nothing'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(file(at('folder'))).rejects.toMatchObject({ code: 'EISDIR' })
  })
})

test.each<[string, ServeFilesOptions]>([
  ['prefix', { prefix: 'static' }],
  ['index', { index: 'a/b' }],
  ['fallback', { fallback: '../x' }],
  ['notFound', { notFound: 404 as never }],
  ['dotfiles', { dotfiles: 'hide' as never }],
  ['symlinks', { symlinks: true as never }],
  ['precompressed', { precompressed: ['deflate'] as never }],
  ['cacheControl', { cacheControl: 60 as never }],
  ['immutable', { immutable: '*.js' as never }],
  ['etag', { etag: 'strong' as never }],
  ['listing', { listing: 'yes' as never }],
  ['download', { download: 'name' as never }],
  ['types.md', { types: { md: 1 } as never }],
  ['headers', { headers: { ETag: '"x"' } }],
  ['memory.maxFiles', { memory: { maxFiles: -1 } }],
  ['memory.most', { memory: { most: 1 } as never }],
  ['maxAge', { maxAge: 1 } as never],
])('option %s is checked at the call', (name, options) => {
  expect(() => serveFiles('.', options)).toThrow(`Invalid option ${name}`)
})

test('options of a file are checked, too', async () => {
  await expect(file('x', { downlaod: true } as never)).rejects.toThrow('Invalid option downlaod')
  await expect(file('x', { etag: true as never })).rejects.toThrow('Invalid option etag')
  expect(() => serveFiles('')).toThrow('Invalid root')
})

test('a prefix may need escapes in a URL', async () => {
  put('a.txt', 'found')
  const handler = serveFiles(root, { prefix: '/my files/' })
  const ask = async (path: string): Promise<Response> => handler(new Request(`http://localhost${path}`))
  expect(await (await ask('/my%20files/a.txt')).text()).toBe('found')
  expect((await ask('/my%20files')).headers.get('location')).toBe('/my%20files/')
  expect((await ask('/a.txt')).status).toBe(404)
})

test('from memory, a file that became a folder, or is gone, is so once it is looked at again', async () => {
  put('a', 'file')
  const handler = serveFiles(root, { memory: { revalidate: 1 } })
  const ask = async (): Promise<Response> => handler(new Request('http://localhost/a'))
  expect((await ask()).status).toBe(200)
  rmSync(join(root, 'a'))
  mkdirSync(join(root, 'a'))
  await expect.poll(async () => (await ask()).status, { interval: 2 }).toBe(301)
  rmSync(join(root, 'a'), { recursive: true })
  await expect.poll(async () => (await ask()).status, { interval: 2 }).toBe(404)
})

test('from memory, one looks for all', async () => {
  put('a', 'file')
  const paths: string[] = []
  const handler = serveFiles(root, {
    memory: { revalidate: 60_000 },
    cacheControl: (path) => {
      paths.push(path)
      return 'no-cache'
    },
  })
  const ask = async (): Promise<Response> => handler(new Request('http://localhost/a'))
  await ask()
  put('a', 'changed')
  const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 61_000)
  const answers = await Promise.all([ask(), ask(), ask()])
  now.mockRestore()
  expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['changed', 'changed', 'changed'])
  expect(paths).toEqual(['/a', '/a'])
})

test('what cannot be is kept by no cache in the place of the file', async () => {
  put('a.txt', 'x')
  const ask = await asking(root, { immutable: /./ })
  for (const headers of [{ Range: 'bytes=900-' }, { 'If-Match': '"other"' }]) {
    const { status, headers: told } = await ask('/a.txt', { headers })
    expect([416, 412]).toContain(status)
    expect(told.get('cache-control')).toBe('no-cache')
  }
})
