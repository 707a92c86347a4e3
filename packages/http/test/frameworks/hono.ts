import { Hono } from 'hono'
import { basicAuth } from 'hono/basic-auth'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { deleteCookie, getCookie, getSignedCookie, setCookie, setSignedCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { etag } from 'hono/etag'
import { HTTPException } from 'hono/http-exception'
import { logger } from 'hono/logger'
import { proxy } from 'hono/proxy'
import { secureHeaders } from 'hono/secure-headers'
import { stream, streamSSE, streamText } from 'hono/streaming'
import { timing } from 'hono/timing'
import { expect, test } from 'vitest'

import type { ServeContext } from '../../src/index.ts'
import { form, json, run } from './program.ts'

/** Registers the tests; a file runs them on the globals as they are then. */
export function testHono(): void {
  test('routing, parameters, queries, JSON, redirects, what is not found', async () => {
    const app = new Hono()
    app.get('/', (c) => c.text('home'))
    app.get('/users/:id', (c) =>
      c.json({ id: c.req.param('id'), q: c.req.queries('q'), agent: c.req.header('user-agent') }),
    )
    app.post('/json', async (c) => c.json({ got: await c.req.json<unknown>() }, 201, { 'X-Made': 'yes' }))
    app.put('/bytes', async (c) =>
      c.body(await c.req.arrayBuffer(), 200, { 'Content-Type': 'application/x' }),
    )
    app.get('/html', (c) => c.html('<p>ü</p>'))
    app.get('/empty', (c) => c.body(null, 204))
    app.get('/old', (c) => c.redirect('/new', 301))
    app.get('/files/*', (c) => c.text(c.req.path))
    app.all('/any', (c) => c.text(c.req.method))
    const inner = new Hono()
      .get('/', (c) => c.text('inner'))
      .get('/:deep', (c) => c.text(c.req.param('deep')))
    app.route('/inner', inner)
    app.notFound((c) => c.json({ missing: c.req.path }, 404))
    await using program = await run(app.fetch)
    const { ask, url } = program
    expect(await (await ask('/')).text()).toBe('home')
    expect(await (await ask('/users/%C3%BC?q=a&q=b%20c')).json()).toEqual({
      id: 'ü',
      q: ['a', 'b c'],
      agent: 'node',
    })
    const made = await ask('/json', json({ a: ['ü', 1] }))
    expect([made.status, made.headers.get('x-made'), await made.json()]).toEqual([
      201,
      'yes',
      { got: { a: ['ü', 1] } },
    ])
    const bytes = await ask('/bytes', { method: 'PUT', body: Buffer.alloc(200_000, 7) })
    expect(Buffer.from(await bytes.arrayBuffer()).equals(Buffer.alloc(200_000, 7))).toBe(true)
    const html = await ask('/html')
    expect([html.headers.get('content-type'), await html.text()]).toEqual([
      'text/html; charset=UTF-8',
      '<p>ü</p>',
    ])
    expect((await ask('/empty')).status).toBe(204)
    const old = await ask('/old')
    expect([old.status, old.headers.get('location')]).toEqual([301, '/new'])
    expect(await (await ask('/files/a%20b/../c')).text()).toBe('/files/c')
    for (const method of ['DELETE', 'PATCH', 'OPTIONS', 'REPORT'])
      expect(await (await ask('/any', { method })).text()).toBe(method)
    expect([await (await ask('/inner')).text(), await (await ask('/inner/x')).text()]).toEqual(['inner', 'x'])
    const missing = await fetch(`${url}/nowhere`)
    expect([missing.status, await missing.json()]).toEqual([404, { missing: '/nowhere' }])
    const head = await ask('/users/1', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), await head.text()]).toEqual([
      200,
      'application/json',
      '',
    ])
    expect(program.errors).toEqual([])
  })

  test("errors are the application's, and its context is ours", async () => {
    const later: string[] = []
    const app = new Hono<{ Bindings: ServeContext }>()
    app.get('/throws', () => {
      throw new Error('secret')
    })
    app.get('/refuses', () => {
      throw new HTTPException(418, { message: 'teapot' })
    })
    app.get('/later', (c) => {
      c.executionCtx.waitUntil(Promise.resolve().then(() => later.push('done')))
      c.executionCtx.passThroughOnException()
      return c.json({ address: c.env.remoteAddress.kind, url: c.req.url })
    })
    app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('handled', 500)))
    await using program = await run(app.fetch)
    const { ask, url, errors } = program
    const thrown = await ask('/throws')
    expect([thrown.status, await thrown.text()]).toEqual([500, 'handled'])
    const refused = await ask('/refuses')
    expect([refused.status, await refused.text()]).toEqual([418, 'teapot'])
    expect(await (await ask('/later')).json()).toEqual({ address: 'ip', url: `${url}/later` })
    expect([later, errors]).toEqual([['done'], []])
  })

  test('streams, text by the piece, and events', async () => {
    const app = new Hono()
    app.get('/bytes', (c) =>
      stream(c, async (out) => {
        for (let at = 0; at < 20; at++) await out.write(Buffer.alloc(10_000, at))
      }),
    )
    app.get('/text', (c) =>
      streamText(c, async (out) => {
        await out.writeln('a')
        await out.sleep(1)
        await out.write('b')
      }),
    )
    app.get('/events', (c) =>
      streamSSE(c, async (out) => {
        for (let id = 0; id < 3; id++) {
          await out.writeSSE({ data: `d${id}`, event: 'tick', id: String(id) })
          await out.sleep(1)
        }
      }),
    )
    app.get('/piped', (c) => stream(c, (out) => out.pipe(new Blob(['piped']).stream())))
    app.post('/echo', (c) => c.body(c.req.raw.body as never))
    let aborted!: () => void
    const gone = new Promise<void>((resolve) => (aborted = resolve))
    app.get('/endless', (c) =>
      streamText(c, async (out) => {
        out.onAbort(aborted)
        while (!out.aborted) {
          await out.write('x')
          await out.sleep(1)
        }
      }),
    )
    await using program = await run(app.fetch)
    const { ask } = program
    const bytes = Buffer.from(await (await ask('/bytes')).arrayBuffer())
    expect([bytes.length, bytes[0], bytes.at(-1)]).toEqual([200_000, 0, 19])
    expect(await (await ask('/text')).text()).toBe('a\nb')
    const events = await ask('/events')
    expect([events.headers.get('content-type'), await events.text()]).toEqual([
      'text/event-stream',
      [0, 1, 2].map((id) => `event: tick\ndata: d${id}\nid: ${id}\n\n`).join(''),
    ])
    expect(await (await ask('/piped')).text()).toBe('piped')
    const large = Buffer.alloc(1_000_000, 'fairlead ')
    const echoed = await ask('/echo', { method: 'POST', body: large })
    expect(Buffer.from(await echoed.arrayBuffer()).equals(large)).toBe(true)
    const controller = new AbortController()
    const endless = await ask('/endless', { signal: controller.signal })
    await endless.body!.getReader().read()
    controller.abort()
    await gone
    expect(program.errors).toEqual([])
  })

  test('cookies and uploads', async () => {
    const app = new Hono()
    app.get('/cookies', async (c) => {
      setCookie(c, 'plain', 'a b', { path: '/', httpOnly: true })
      await setSignedCookie(c, 'signed', 'value', 'secret')
      deleteCookie(c, 'gone')
      return c.json({ all: getCookie(c), signed: await getSignedCookie(c, 'secret', 'signed') })
    })
    app.post('/upload', async (c) => {
      const { name, file } = await c.req.parseBody()
      const upload = file as File
      return c.json({
        name,
        file: [upload.name, upload.type, upload.size],
        proto: Object.keys(await c.req.parseBody()).toSorted(),
      })
    })
    app.post('/form', async (c) => c.json([...(await c.req.formData())]))
    app.post('/limited', bodyLimit({ maxSize: 10, onError: (c) => c.text('large', 413) }), async (c) =>
      c.text(await c.req.text()),
    )
    await using program = await run(app.fetch)
    const { ask } = program
    const first = await ask('/cookies', { headers: { Cookie: 'x=1; y=%20' } })
    expect(await first.json()).toEqual({ all: { x: '1', y: ' ' } })
    const cookies = first.headers.getSetCookie()
    expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual(['plain', 'signed', 'gone'])
    const again = await ask('/cookies', { headers: { Cookie: cookies[1]!.split(';')[0]! } })
    expect(await again.json()).toMatchObject({ signed: 'value' })
    const upload = await ask('/upload', { method: 'POST', body: form(300_000) })
    expect(await upload.json()).toMatchObject({
      name: 'ünï',
      file: ['a b.bin', 'application/x-test', 300_000],
    })
    const posted = await ask('/form', {
      method: 'POST',
      body: new URLSearchParams([
        ['a', '1'],
        ['a', 'ü'],
      ]),
    })
    expect(await posted.json()).toEqual([
      ['a', '1'],
      ['a', 'ü'],
    ])
    expect((await ask('/limited', { method: 'POST', body: 'x'.repeat(11) })).status).toBe(413)
    expect(await (await ask('/limited', { method: 'POST', body: 'short' })).text()).toBe('short')
    expect(program.errors).toEqual([])
  })

  test('middlewares that change requests and responses', async () => {
    const lines: string[] = []
    const app = new Hono()
    app.use(
      logger((line) => void lines.push(line)),
      timing(),
      secureHeaders(),
    )
    app.use('/tagged', etag())
    app.use('/packed', compress())
    app.use('/shared', cors({ origin: 'http://there', credentials: true }))
    app.use('/guarded', basicAuth({ username: 'a', password: 'b' }))
    app.get('/tagged', (c) => c.text('tagged'))
    app.get('/packed', (c) => c.text('packed '.repeat(1000)))
    app.get('/shared', (c) => c.text('shared'))
    app.get('/guarded', (c) => c.text('guarded'))
    app.use('/changed', async (c, next) => {
      await next()
      c.res = new Response(`${await c.res.text()}, changed`, c.res)
      c.header('X-After', 'yes')
      c.res.headers.append('Set-Cookie', 'late=1')
    })
    app.get('/changed', (c) => c.text('first', 203, { 'X-First': '1' }))
    await using behind = await run(app.fetch)
    const front = new Hono().all('/*', (c) => proxy(behind.url + c.req.path, c.req))
    await using program = await run(front.fetch)
    for (const { ask } of [behind, program]) {
      const tagged = await ask('/tagged')
      const tag = tagged.headers.get('etag') ?? ''
      expect([await tagged.text(), tag.length > 10, tagged.headers.get('x-frame-options')]).toEqual([
        'tagged',
        true,
        'SAMEORIGIN',
      ])
      expect((await ask('/tagged', { headers: { 'If-None-Match': tag } })).status).toBe(304)
      expect(await (await ask('/packed', { headers: { 'Accept-Encoding': 'gzip' } })).text()).toHaveLength(
        7000,
      )
      const shared = await ask('/shared', {
        method: 'OPTIONS',
        headers: { Origin: 'http://there', 'Access-Control-Request-Method': 'PUT' },
      })
      expect([shared.status, shared.headers.get('access-control-allow-origin')]).toEqual([
        204,
        'http://there',
      ])
      expect((await ask('/guarded')).status).toBe(401)
      expect(
        await (await ask('/guarded', { headers: { Authorization: `Basic ${btoa('a:b')}` } })).text(),
      ).toBe('guarded')
      const changed = await ask('/changed')
      expect([
        changed.status,
        changed.headers.get('x-first'),
        changed.headers.get('x-after'),
        changed.headers.getSetCookie(),
        await changed.text(),
      ]).toEqual([203, '1', 'yes', ['late=1'], 'first, changed'])
    }
    expect(
      (await behind.ask('/packed', { headers: { 'Accept-Encoding': 'gzip' } })).headers.get(
        'content-encoding',
      ),
    ).toBe('gzip')
    expect(lines.filter((line) => line.includes('/tagged'))).toHaveLength(8)
    expect([...behind.errors, ...program.errors]).toEqual([])
  })

  test('app.request() needs no server', async () => {
    const app = new Hono().post('/a', async (c) => c.json(await c.req.json<unknown>(), 201))
    const answer = await app.request('/a', json([1]))
    expect([answer.status, await answer.json(), answer instanceof Response]).toEqual([201, [1], true])
  })
}
