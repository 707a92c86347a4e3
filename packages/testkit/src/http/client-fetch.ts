import assert from 'node:assert/strict'

import * as http from '@fairlead/http'
import { RequestError } from '@fairlead/http'
import * as tcp from '@fairlead/tcp'

import { feature, type Feature } from '../check.ts'
import { portOf } from '../tcp/meeting.ts'
import { failureOf, soon, turn, until } from '../wait.ts'
import { client, raw } from './client-meeting.ts'
import { ask, Gate, head, open, pieces, serve, wire } from './meeting.ts'

export const clientFetchFeatures: readonly Feature[] = [
  feature('what is fetched is a Response of the package, and of the runtime', async (broom) => {
    const served = await open(broom, (exchange) =>
      exchange.respond(201, { 'Set-Cookie': ['a=1', 'b=2'], 'X-A': 'b' }, pieces('{"ahoy"', ':true}')),
    )
    const asking = client(broom, served)
    const got = await asking.fetch(`${served.origin}/a?b#c`)
    assert.ok(got instanceof Response)
    assert.ok(got instanceof http.Response)
    assert.deepEqual(
      [got.status, got.statusText, got.ok, got.type, got.redirected, got.url],
      [201, 'Created', true, 'basic', false, `${served.origin}/a?b`],
    )
    assert.deepEqual([got.headers.getSetCookie(), got.headers.get('x-a')], [['a=1', 'b=2'], 'b'])
    assert.deepEqual([got.bodyUsed, await got.json(), got.bodyUsed], [false, { ahoy: true }, true])
    await assert.rejects(got.text(), TypeError)
    const readers: ((response: Response) => Promise<string>)[] = [
      (response) => response.text(),
      async (response) => Buffer.from(await response.arrayBuffer()).toString(),
      async (response) => (await response.blob()).text(),
      (response) => new Response(response.body).text(),
      async (response) => {
        let text = ''
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
          text += Buffer.from(chunk).toString()
        }
        return text
      },
      async (response) => {
        const clone = response.clone()
        const both = await Promise.all([clone.text(), response.text()])
        assert.equal(both[0], both[1])
        return both[0]
      },
    ]
    for (const [index, read] of readers.entries()) {
      assert.deepEqual(
        [index, await read((await http.fetch(served.origin)) as Response)],
        [index, '{"ahoy":true}'],
      )
    }
  }),

  feature('whatever can be fetched with is sent', async (broom) => {
    const served = await open(broom, async (exchange) => {
      const { method, headers, body } = exchange.request
      const type = headers.get('content-type')?.replace(/boundary=.*/, '')
      await exchange.respond(200, { 'X-Told': `${method} ${type} ${headers.get('x-a')}` }, await body.text())
    })
    const { origin } = served
    const stream = (): ReadableStream => new Blob(['ahoy']).stream()
    const form = new FormData()
    form.set('note', 'ahoy')
    const cases: [Parameters<typeof http.fetch>, string][] = [
      [[origin, { method: 'post', body: 'ahoy' }], 'POST text/plain;charset=UTF-8'],
      [[origin, { method: 'PUT', body: new Blob(['ahoy'], { type: 'image/png' }) }], 'PUT image/png'],
      [
        [origin, { method: 'PUT', body: new URLSearchParams('ahoy') }],
        'PUT application/x-www-form-urlencoded;charset=UTF-8',
      ],
      [[origin, { method: 'PUT', body: Buffer.from('ahoy') }], 'PUT undefined'],
      [[origin, { method: 'PUT', body: stream(), duplex: 'half' }], 'PUT undefined'],
      [[origin, { method: 'PUT', body: form }], 'PUT multipart/form-data; '],
      [
        [new Request(origin, { method: 'PUT', body: 'ahoy', headers: { 'Content-Type': 'text/x' } })],
        'PUT text/x',
      ],
      [
        [new http.Request(origin, { method: 'PUT', body: new URLSearchParams('ahoy') })],
        'PUT application/x-www-form-urlencoded;charset=UTF-8',
      ],
    ]
    for (const [[input, init], told] of cases) {
      const headers = { 'X-A': 'b' }
      const given = input instanceof Request ? init : { ...init, headers }
      const got = await soon(client(broom, served).fetch(input, given), `${told} is answered`)
      const text = await got.text()
      assert.match(text, /ahoy/)
      assert.equal(got.headers.get('x-told'), `${told} ${input instanceof Request ? undefined : 'b'}`)
    }
  }),

  feature('text in a request of the runtime is plain', async (broom) => {
    const served = await open(broom, (exchange) =>
      exchange.respond(200, {}, exchange.request.headers.get('content-type') ?? 'none'),
    )
    const got = await client(broom, served).fetch(new Request(served.origin, { method: 'PUT', body: 'ahoy' }))
    assert.equal((await got.text()).toLowerCase(), 'text/plain;charset=utf-8')
  }),

  feature('redirects are followed, shown or refused', async (broom) => {
    const served = await open(broom, (exchange) =>
      exchange.request.target === '/'
        ? exchange.respond(302, { Location: '/there' })
        : exchange.respond(200, {}, exchange.request.target),
    )
    const { origin } = served
    const asking = client(broom, served)
    const followed = await asking.fetch(origin)
    assert.deepEqual(
      [followed.url, followed.redirected, await followed.text()],
      [`${origin}/there`, true, '/there'],
    )
    const shown = await asking.fetch(origin, { redirect: 'manual' })
    assert.deepEqual([shown.status, shown.headers.get('location')], [302, '/there'])
    await assert.rejects(asking.fetch(origin, { redirect: 'error' }), TypeError)
  }),

  feature('an abort rejects with its reason: before, while it waits, and in the body', async (broom) => {
    const server = await raw(broom, ({ target }) =>
      target === '/body' ? 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf' : undefined,
    )
    const asking = client(broom, server)
    const reason = new Error('enough')
    const before = asking.fetch(server.origin, { signal: AbortSignal.abort(reason) })
    assert.equal(await failureOf(before, 'the request'), reason)
    const aborter = new AbortController()
    const waiting = failureOf(asking.fetch(server.origin, { signal: aborter.signal }), 'the request')
    await server.peer(0)
    aborter.abort(reason)
    assert.equal(await waiting, reason)
    const other = new AbortController()
    const got = await asking.fetch(`${server.origin}/body`, { signal: other.signal })
    const reading = failureOf(got.text(), 'the text')
    await turn(3)
    other.abort()
    assert.equal(((await reading) as Error).name, 'AbortError')
    await server.deserted()
  }),

  feature('what fails is a TypeError, and its cause says what happened', async (broom) => {
    const listener = await tcp.listen({})
    const port = portOf(listener)
    await listener.close()
    const asking = client(broom, { origin: 'http://a.example' })
    const error = await failureOf(asking.fetch(`http://127.0.0.1:${port}/`), 'the request')
    assert.ok(error instanceof TypeError)
    assert.ok(error.cause instanceof RequestError)
    assert.equal(error.cause.code, 'ERR_FAIRLEAD_CONNECT')
    assert.match(error.message, /Cannot GET http:\/\/127\.0\.0\.1/)
    for (const wrong of ['nowhere', 'http://a:b@c.example/', 'ftp://a.example/']) {
      assert.ok((await failureOf(asking.fetch(wrong), wrong)) instanceof TypeError)
    }
    assert.equal(await (await asking.fetch('data:text/plain,ahoy')).text(), 'ahoy')
  }),

  feature('what is fetched is given on by serve, as it is or changed', async (broom) => {
    const behind = await serve(broom, async (request) => {
      const text = `${request.method} ${await request.text()}`
      return new Response(text, { status: 202, headers: { 'X-A': 'b' } })
    })
    const asking = client(broom, behind)
    const handlers: Record<string, (request: Request) => Promise<Response>> = {
      '/same': async (request) =>
        await asking.fetch(behind.origin, { method: 'POST', body: await request.text() }),
      '/copy': async (request) => {
        const got = await asking.fetch(behind.origin, { method: 'POST', body: await request.text() })
        return new Response(got.body, got)
      },
      '/given': async (request) => await asking.fetch(`${behind.origin}/`, request),
      '/clone': async (request) => (await asking.fetch(`${behind.origin}/`, request)).clone(),
    }
    const served = await serve(broom, (request) => handlers[new URL(request.url).pathname]!(request))
    const wired = await wire(broom, served)
    for (const target of Object.keys(handlers))
      wired.write(head(`POST ${target}`, 'Content-Length: 4') + 'ahoy')
    const answers = await wired.answers(4)
    assert.deepEqual(
      answers.map(({ status, body, fields }) => [status, body, fields.get('x-a')]),
      answers.map(() => [202, 'POST ahoy', 'b']),
    )
  }),

  feature('a body that is fetched is pulled as it is read, and cancelled through serve', async (broom) => {
    let made = 0
    const released = new Gate()
    const behind = await serve(broom, () => {
      const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
        made++
        await turn()
        controller.enqueue(new Uint8Array(256 * 1024))
      }
      return new Response(new ReadableStream({ pull, cancel: () => released.open() }))
    })
    const asking = client(broom, behind)
    const served = await serve(broom, async () => await asking.fetch(behind.origin))
    const wired = await wire(broom, served)
    wired.write(head('GET /'))
    await wired.heard('\r\n\r\n')
    wired.connection.pause()
    let held = 0
    while (held !== made && made < 512) {
      held = made
      // Long enough for many a pull, were there any.
      await turn(400)
    }
    assert.ok(made < 512, 'it never stopped')
    wired.connection.resume()
    await until(() => made > held + 8, 'it goes on')
    wired.connection.destroy()
    await soon(released.opened, 'it is cancelled')
    await until(() => behind.server.connections.size === 0, 'the connection behind is gone')
  }),

  feature('a gateway of fetch and serve says nothing of codings that were taken off', async (broom) => {
    const { gzipSync } = await import('node:zlib')
    const behind = await open(broom, (exchange) =>
      exchange.respond(200, { 'Content-Encoding': 'gzip' }, gzipSync('ahoy')),
    )
    const asking = client(broom, behind)
    const served = await serve(broom, async () => await asking.fetch(behind.origin))
    const [answer] = await ask(broom, served, head('GET /', 'Connection: close'))
    assert.deepEqual([answer?.body, answer?.fields.get('content-encoding')], ['ahoy', undefined])
  }),
]
