import {
  createEventStream,
  defineHandler,
  getCookie,
  getQuery,
  getRequestIP,
  getRouterParam,
  H3,
  handleCors,
  HTTPError,
  readBody,
  redirect,
  setCookie,
} from 'h3'
import { expect, test } from 'vitest'

import { form, json, run } from './program.ts'

/** Registers the tests; a file runs them on the globals as they are then. */
export function testH3(): void {
  test('routing, parameters, queries, JSON, redirects, errors', async () => {
    const app = new H3({ silent: true })
      .get('/', () => 'home')
      .get('/users/:id', (event) => ({
        id: getRouterParam(event, 'id', { decode: true }),
        query: { ...getQuery(event) },
        agent: event.req.headers.get('user-agent'),
        path: event.url.pathname,
      }))
      .post('/json', async (event) => {
        event.res.status = 201
        event.res.headers.set('X-Made', 'yes')
        return { got: await readBody(event) }
      })
      .get('/old', () => redirect('/new', 301))
      .get('/bytes', () => Buffer.from('bytes'))
      .get('/nothing', () => null)
      .get('/response', () => new Response('own', { status: 203, headers: { a: '1' } }))
      .get('/refused', () => {
        throw new HTTPError({ status: 418, message: 'teapot' })
      })
      .get('/throws', () => {
        throw new Error('secret')
      })
    const program = await run(app.fetch)
    await using _ = program
    const { ask } = program
    expect(await (await ask('/')).text()).toBe('home')
    expect(await (await ask('/users/%C3%BC?q=a&q=b')).json()).toEqual({
      id: 'ü',
      query: { q: ['a', 'b'] },
      agent: 'node',
      path: '/users/%C3%BC',
    })
    const made = await ask('/json', json({ a: 1 }))
    expect([made.status, made.headers.get('x-made'), await made.json()]).toEqual([
      201,
      'yes',
      { got: { a: 1 } },
    ])
    const old = await ask('/old')
    expect([old.status, old.headers.get('location')]).toEqual([301, '/new'])
    expect(await (await ask('/bytes')).text()).toBe('bytes')
    expect(await (await ask('/nothing')).text()).toBe('')
    const own = await ask('/response')
    expect([own.status, own.headers.get('a'), await own.text()]).toEqual([203, '1', 'own'])
    expect([(await ask('/refused')).status, (await ask('/nowhere')).status]).toEqual([418, 404])
    const thrown = await ask('/throws')
    expect([thrown.status, (await thrown.text()).includes('secret')]).toEqual([500, false])
    expect(program.errors).toEqual([])
  })

  test('streams, events, cookies, forms, CORS', async () => {
    const app = new H3()
      .get(
        '/stream',
        () =>
          new ReadableStream({
            async start(controller) {
              for (let at = 0; at < 3; at++) {
                controller.enqueue(Buffer.from(`${at}`))
                await new Promise((resolve) => setImmediate(resolve))
              }
              controller.close()
            },
          }),
      )
      .get('/events', (event) => {
        const events = createEventStream(event)
        const push = async (): Promise<void> => {
          await events.push('first')
          await events.push({ event: 'tick', data: 'second', id: '2' })
          await events.close()
        }
        void push()
        return events.send()
      })
      .get('/cookies', (event) => {
        setCookie(event, 'a', 'b c', { path: '/' })
        setCookie(event, 'd', 'e')
        return getCookie(event, 'x') ?? 'none'
      })
      .post('/form', async (event) => {
        const data = await event.req.formData()
        const file = data.get('file') as File
        return { name: data.get('name'), file: [file.name, file.type, file.size] }
      })
      .post('/echo', (event) => event.req.body)
      .post('/text', async (event) => `${await event.req.text()} ${event.req.method}`)
      .all(
        '/shared',
        defineHandler(
          (event) => handleCors(event, { origin: ['http://there'] }) || getRequestIP(event) || 'shared',
        ),
      )
    const program = await run(app.fetch)
    await using _ = program
    const { ask } = program
    expect(await (await ask('/stream')).text()).toBe('012')
    expect(await (await ask('/events')).text()).toMatch(/^data: first\n\n[^]*data: second\n\n$/)
    const cookies = await ask('/cookies', { headers: { Cookie: 'x=1' } })
    expect([cookies.headers.getSetCookie(), await cookies.text()]).toEqual([
      ['a=b%20c; Path=/', 'd=e; Path=/'],
      '1',
    ])
    const posted = await ask('/form', { method: 'POST', body: form(200_000) })
    expect(await posted.json()).toEqual({ name: 'ünï', file: ['a b.bin', 'application/x-test', 200_000] })
    const large = Buffer.alloc(500_000, 'fairlead ')
    const echoed = await ask('/echo', { method: 'POST', body: large })
    expect(Buffer.from(await echoed.arrayBuffer()).equals(large)).toBe(true)
    expect(await (await ask('/text', { method: 'POST', body: 'ü' })).text()).toBe('ü POST')
    const shared = await ask('/shared', {
      method: 'OPTIONS',
      headers: { Origin: 'http://there', 'Access-Control-Request-Method': 'PUT' },
    })
    expect([shared.status, shared.headers.get('access-control-allow-origin')]).toEqual([204, 'http://there'])
    expect(program.errors).toEqual([])
  })
}
