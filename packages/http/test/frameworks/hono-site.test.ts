import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gunzipSync } from 'node:zlib'

import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { etag } from 'hono/etag'
import { secureHeaders } from 'hono/secure-headers'
import { serveStatic, type ServeStaticOptions } from 'hono/serve-static'
import { trimTrailingSlash } from 'hono/trailing-slash'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { compress as compressed } from '../../src/compress/index.ts'
import { file, serveFiles } from '../../src/files/index.ts'
import { bytesOf } from '../client/download/file-server.ts'
import { run } from './program.ts'

let folder = ''
const page = '<h1>ahoy</h1>'
const style = 'body { color: navy }\n'.repeat(500)
const film = bytesOf(2_000_000)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-site-'))
  mkdirSync(join(folder, 'sub dir'))
  writeFileSync(join(folder, 'index.html'), page)
  writeFileSync(join(folder, 'style.css'), style)
  writeFileSync(join(folder, 'style.css.br'), brotliCompressSync(style))
  writeFileSync(join(folder, 'film.bin'), film)
  writeFileSync(join(folder, 'sub dir', 'ü.txt'), 'inside')
})

afterAll(() => rmSync(folder, { recursive: true }))

/** Hono's own, with its callbacks as a runtime gives them. */
const theirs = (options: Partial<ServeStaticOptions> = {}) =>
  serveStatic({
    root: folder,
    join,
    isDir: async (path) => (await stat(path).catch(() => undefined))?.isDirectory(),
    getContent: (path) =>
      readFile(path).then(
        (bytes) => new Uint8Array(bytes),
        () => null,
      ),
    ...options,
  })

test('its static files, and ours beside: the same bytes, whoever serves them', async () => {
  const app = new Hono()
  app.use(secureHeaders())
  app.use('/tagged/*', etag())
  app.use(
    '/theirs/*',
    theirs({ precompressed: true, rewriteRequestPath: (path) => path.replace('/theirs', '') }),
  )
  app.use('/tagged/*', theirs({ rewriteRequestPath: (path) => path.replace('/tagged', '') }))
  const ours = serveFiles(folder, { prefix: '/ours/', precompressed: true })
  app.get('/ours/*', (c) => ours(c.req.raw, c.env))
  app.mount('/mounted', serveFiles(folder) as never)
  app.notFound((c) => c.text('nothing here', 404))
  await using program = await run(app.fetch)
  const { request } = program
  for (const place of ['theirs', 'ours', 'mounted']) {
    const index = await request(`/${place}/`)
    expect([index.headers.get('content-type'), await index.text()]).toEqual([
      expect.stringMatching(/^text\/html; ?charset=utf-8$/i),
      page,
    ])
    expect(index.headers.get('x-frame-options')).toBe('SAMEORIGIN')
    const styled = await request(`/${place}/style.css`, {
      headers: { 'Accept-Encoding': 'br' },
      decode: false,
    })
    expect(styled.headers.get('content-encoding')).toBe(place === 'mounted' ? undefined : 'br')
    const body = Buffer.from(await styled.bytes())
    expect(body.equals(place === 'mounted' ? Buffer.from(style) : brotliCompressSync(style))).toBe(true)
    expect(Buffer.from(await (await request(`/${place}/film.bin`)).bytes()).equals(film)).toBe(true)
    expect(await (await request(`/${place}/nowhere`)).text()).not.toBe(page)
    const head = await request(`/${place}/film.bin`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      'application/octet-stream',
      '',
    ])
  }
  expect(await (await request('/theirs/nowhere')).text()).toBe('nothing here')
  for (const place of ['ours', 'mounted']) {
    const part = await request(`/${place}/film.bin`, { headers: { Range: 'bytes=1500000-1500009' } })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1500000-1500009/2000000'])
    expect(Buffer.from(await part.bytes()).equals(film.subarray(1_500_000, 1_500_010))).toBe(true)
    expect(await (await request(`/${place}/sub%20dir/%C3%BC.txt`)).text()).toBe('inside')
  }
  const tagged = await request('/tagged/style.css')
  const tag = tagged.headers.get('etag')!
  expect(await tagged.text()).toBe(style)
  expect((await request('/tagged/style.css', { headers: { 'If-None-Match': tag } })).status).toBe(304)
  expect(program.errors).toEqual([])
})

test.each([
  ["the framework's compression, our files", compress(), (handler: Hono['fetch']) => handler],
  ['our compression, their files', undefined, (handler: Hono['fetch']) => compressed(handler as never)],
])('%s: coded once, ranges not at all', async (name, middleware, wrap) => {
  const app = new Hono()
  if (middleware) app.use(middleware)
  app.use(trimTrailingSlash())
  app.get('/one', () => file(join(folder, 'style.css')))
  app.get('/*', middleware ? (c) => serveFiles(folder, { precompressed: true })(c.req.raw) : theirs())
  await using program = await run(wrap(app.fetch))
  const { request } = program
  const ask = (path: string, coding: string, headers = {}) =>
    request(path, { headers: { 'Accept-Encoding': coding, ...headers }, decode: false })
  for (const path of ['/one', '/style.css']) {
    const coded = await ask(path, 'gzip')
    expect(coded.headers.get('content-encoding'), name).toBe('gzip')
    expect(coded.headers.get('vary')).toMatch(/Accept-Encoding/i)
    expect(gunzipSync(await coded.bytes()).toString()).toBe(style)
    const plain = await ask(path, 'identity')
    expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([undefined, style])
  }
  expect((await ask('/one/', 'identity')).redirects).toHaveLength(1)
  if (middleware) {
    // What is coded already is not coded again.
    const beside = await ask('/style.css', 'br, gzip')
    expect([beside.headers.get('content-encoding'), Buffer.from(await beside.bytes())]).toEqual([
      'br',
      brotliCompressSync(style),
    ])
    const part = await ask('/style.css', 'gzip', { Range: 'bytes=0-9' })
    expect([part.status, part.headers.get('content-encoding'), await part.text()]).toEqual([
      206,
      undefined,
      style.slice(0, 10),
    ])
  }
  expect(program.errors).toEqual([])
})
