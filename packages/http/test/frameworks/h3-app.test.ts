import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'

import {
  bodyLimit,
  createEventStream,
  type EventStream,
  fromWebHandler,
  getRouterParam,
  getValidatedQuery,
  H3,
  html,
  HTTPError,
  iterable,
  noContent,
  onError,
  onRequest,
  onResponse,
  proxyRequest,
  readValidatedBody,
  redirect,
  requireBasicAuth,
  serveStatic,
  useSession,
  withBase,
} from 'h3'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { serveFiles } from '../../src/files/index.ts'
import { bytesOf } from '../client/download/file-server.ts'
import { until } from '../server/ways.ts'
import { cookiesOf, eventsOf, run } from './program.ts'

interface Note {
  readonly id: number
  readonly text: string
}

/** Notes behind an API, whose readers hear of each. */
function notes() {
  const all = new Map<number, Note>()
  const listeners = new Set<EventStream>()
  const told: string[] = []
  const isNote = (value: unknown): value is { text: string } =>
    typeof (value as { text?: unknown } | undefined)?.text === 'string'
  const api = new H3()
    .get('/notes', async (event) => {
      const { most } = await getValidatedQuery(event, ({ most = '10' }: { most?: string }) =>
        /^\d+$/.test(most) ? { most: Number(most) } : false,
      )
      return [...all.values()].slice(0, most)
    })
    .get('/notes/:id', (event) => {
      const note = all.get(Number(getRouterParam(event, 'id')))
      if (!note)
        throw new HTTPError({ status: 404, message: 'no such note', data: { id: event.url.pathname } })
      return note
    })
    .post('/notes', async (event) => {
      const { text } = await readValidatedBody(event, (body: unknown) => (isNote(body) ? body : false))
      const note = { id: all.size + 1, text }
      all.set(note.id, note)
      for (const stream of listeners)
        await stream.push({ id: String(note.id), event: 'note', data: note.text })
      event.res.status = 201
      event.res.headers.set('Location', `/api/notes/${note.id}`)
      return note
    })
    .delete('/notes/:id', (event) => {
      all.delete(Number(getRouterParam(event, 'id')))
      return noContent()
    })
    .get('/feed', (event) => {
      const stream = createEventStream(event)
      listeners.add(stream)
      stream.onClosed(() => listeners.delete(stream))
      return stream
    })
  const app = new H3({ silent: true })
    .use(onRequest((event) => void told.push(`> ${event.url.pathname}`)))
    .use(onResponse((response) => void told.push(`< ${response.status}`)))
    .use(onError((error) => void told.push(`! ${error.status}`)))
    .use('/api/**', bodyLimit(1_000))
    .mount('/api', api)
    .get('/secret', async (event) => {
      await requireBasicAuth(event, { username: 'ann', password: 'secret' })
      return 'inside'
    })
    .get('/count', async (event) => {
      const session = await useSession<{ count?: number }>(event, { password: 'x'.repeat(32) })
      await session.update(({ count = 0 }) => ({ count: count + 1 }))
      return { count: session.data.count }
    })
    .get('/page', () => html`<p>${'<b>'}</p>`)
    .get('/old', () => redirect('/page'))
    .get('/numbers', () =>
      iterable(async function* numbers() {
        for (let at = 0; at < 5; at++) {
          yield `${at}\n`
          await new Promise((resolve) => setImmediate(resolve))
        }
      }),
    )
  return { app, listeners, told }
}

test('notes: what is made, read, refused and removed', async () => {
  const { app, told } = notes()
  await using program = await run(app.fetch)
  const { request } = program
  const made = await request('/api/notes', { json: { text: 'ünïcode \u{1f6a2}' } })
  expect([made.status, made.headers.get('location'), await made.json()]).toEqual([
    201,
    '/api/notes/1',
    { id: 1, text: 'ünïcode \u{1f6a2}' },
  ])
  expect(await (await request('/api/notes?most=1')).json()).toEqual([{ id: 1, text: 'ünïcode \u{1f6a2}' }])
  const refused = [
    await request('/api/notes', { json: { text: 1 } }),
    await request('/api/notes?most=x'),
    await request('/api/notes', { json: { text: 'x'.repeat(1_000) } }),
    await request('/api/notes/7'),
    await request('/api/notes/1', { method: 'PATCH', body: '' }),
  ]
  expect(refused.map(({ status }) => status)).toEqual([400, 400, 413, 404, 404])
  expect(await refused[3]!.json()).toMatchObject({
    status: 404,
    message: 'no such note',
    data: { id: '/api/notes/7' },
  })
  const gone = await request('/api/notes/1', { method: 'DELETE' })
  expect([gone.status, await gone.text()]).toEqual([204, ''])
  expect(await (await request('/api/notes')).json()).toEqual([])
  expect(told.slice(0, 2)).toEqual(['> /api/notes', '< 201'])
  expect(told).toContain('! 413')
  expect(program.errors).toEqual([])
})

test('sessions, guards, pages and redirects; what is made piece by piece', async () => {
  const { app } = notes()
  await using program = await run(app.fetch)
  const { request } = program
  const first = await request('/count')
  const Cookie = cookiesOf(first)
  expect(await first.json()).toEqual({ count: 1 })
  expect(await (await request('/count', { headers: { Cookie } })).json()).toEqual({ count: 2 })
  const outside = await request('/secret')
  expect([outside.status, outside.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringMatching(/^Basic/),
  ])
  const headers = { Authorization: `Basic ${btoa('ann:secret')}` }
  expect(await (await request('/secret', { headers })).text()).toBe('inside')
  const page = await request('/old')
  expect([page.redirects.length, await page.text()]).toEqual([1, '<p>&lt;b&gt;</p>'])
  expect(await (await request('/numbers')).text()).toBe('0\n1\n2\n3\n4\n')
  expect(program.errors).toEqual([])
})

test('events: everybody hears each note, until they leave', async () => {
  const { app, listeners } = notes()
  await using program = await run(app.fetch)
  const { request } = program
  const feeds = [eventsOf(await request('/api/feed')), eventsOf(await request('/api/feed'))]
  await until(() => listeners.size === 2)
  for (const text of ['one', 'two\nlines']) await (await request('/api/notes', { json: { text } })).bytes()
  for (const feed of feeds) {
    expect(await feed.next()).toMatchObject({ id: '1', event: 'note', data: 'one' })
    expect(await feed.next()).toMatchObject({ id: '2', data: 'two\nlines' })
  }
  await feeds[0]!.leave()
  await until(() => listeners.size === 1)
  await (await request('/api/notes', { json: { text: 'three' } })).bytes()
  expect(await feeds[1]!.next()).toMatchObject({ id: '3', data: 'three' })
  await feeds[1]!.leave()
  await until(() => listeners.size === 0)
  expect(program.errors).toEqual([])
})

let folder = ''
const script = 'console.log("ahoy")\n'.repeat(300)
const film = bytesOf(1_500_000)

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-h3-'))
  writeFileSync(join(folder, 'index.html'), '<h1>ahoy</h1>')
  writeFileSync(join(folder, 'a b.js'), script)
  writeFileSync(join(folder, 'a b.js.gz'), gzipSync(script))
  writeFileSync(join(folder, 'a b.js.br'), brotliCompressSync(script))
  writeFileSync(join(folder, 'film.bin'), film)
})

afterAll(() => rmSync(folder, { recursive: true }))

test('its static assets, and our files behind its routes', async () => {
  const types: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' }
  const ours = serveFiles(folder, { precompressed: true, prefix: '/ours/' })
  const app = new H3({ silent: true })
    .get(
      '/theirs/**',
      withBase('/theirs', (event) =>
        serveStatic(event, {
          encodings: { br: '.br', gzip: '.gz' },
          getContents: async (id) => new Uint8Array(await readFile(join(folder, id))),
          async getMeta(id) {
            const facts = await stat(join(folder, id)).catch(() => undefined)
            if (!facts?.isFile()) return undefined
            return {
              size: facts.size,
              mtime: facts.mtimeMs,
              type: types[extname(id.replace(/\.(br|gz)$/, ''))]!,
            }
          },
        }),
      ),
    )
    .get('/ours/**', fromWebHandler(ours as never))
  await using program = await run(app.fetch)
  const { request } = program
  for (const place of ['theirs', 'ours']) {
    const index = await request(`/${place}/`)
    expect([index.headers.get('content-type')?.split(';')[0], await index.text()]).toEqual([
      'text/html',
      '<h1>ahoy</h1>',
    ])
    for (const [coding, bytes] of [
      ['br', brotliCompressSync(script)],
      ['gzip', gzipSync(script)],
    ] as const) {
      const headers = { 'Accept-Encoding': coding }
      const coded = await request(`/${place}/a%20b.js`, { headers, decode: false })
      expect(coded.headers.get('vary')).toMatch(/accept-encoding/i)
      expect([place, Buffer.from(await coded.bytes()).equals(bytes)]).toEqual([place, true])
    }
    const whole = await request(`/${place}/film.bin`)
    const since = whole.headers.get('last-modified')!
    expect([whole.headers.get('content-length'), Buffer.from(await whole.bytes()).equals(film)]).toEqual([
      '1500000',
      true,
    ])
    const again = await request(`/${place}/film.bin`, { headers: { 'If-Modified-Since': since } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const head = await request(`/${place}/film.bin`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '1500000', ''])
    expect((await request(`/${place}/nowhere`)).status).toBe(404)
    expect((await request(`/${place}/%2e%2e%2fetc/passwd`)).status).toBe(404)
  }
  const part = await request('/ours/film.bin', { headers: { Range: 'bytes=-10' } })
  expect([part.status, Buffer.from(await part.bytes()).equals(film.subarray(-10))]).toEqual([206, true])
  expect(program.errors).toEqual([])
})

test('its proxy stands before an application of ours', async () => {
  const behind = await run(async (request) => {
    if (request.method === 'POST') return new Response(request.body, { headers: { 'X-Behind': '1' } })
    return new Response(new URL(request.url).pathname, { headers: { 'Set-Cookie': 'a=b; Path=/' } })
  })
  await using _behind = behind
  const app = new H3({ silent: true }).all(
    '/api/**',
    withBase('/api', (event) => proxyRequest(event, behind.url + event.url.pathname)),
  )
  await using program = await run(app.fetch)
  const { request } = program
  const read = await request('/api/x')
  expect([read.status, await read.text(), read.headers.all('set-cookie')]).toEqual([
    200,
    '/x',
    ['a=b; Path=/'],
  ])
  const echoed = await request('/api/echo', { method: 'POST', body: film })
  expect(echoed.headers.get('x-behind')).toBe('1')
  expect(Buffer.from(await echoed.bytes()).equals(film)).toBe(true)
  expect([...behind.errors, ...program.errors]).toEqual([])
})
