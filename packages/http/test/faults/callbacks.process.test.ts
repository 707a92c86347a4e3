import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'

import { SocketError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { AnswerBody, Exchange, HttpListener, HttpListenOptions, OnExchange } from '../../src/index.ts'
import { client, emptied, head, quiet, Signal, until, type Way, ways } from '../server/ways.ts'
import { never, settled, watchStrays } from './harness.ts'

watchStrays()

/** What must not be looked at. */
const trap = new Proxy(new Error('trap'), {
  get(target, name) {
    if (name === 'message' || name === 'code') throw new Error('spite')
    return Reflect.get(target, name) as unknown
  },
})
const thrown: [string, unknown][] = [
  ['an error', new Error('a secret')],
  ['nothing', undefined],
  ['what cannot be shown', Object.create(null)],
  ['what throws when it is looked at', trap],
]

function raise(what: unknown): never {
  throw what
}

const post = (target: string): string =>
  head(`POST ${target} HTTP/1.1`, 'Content-Length: 3', 'TE: trailers') + 'abc'

/** Serves `handler`, and at /ok what shows that others go on: one connection from before, and one from behind. */
async function costsOne(
  way: Way,
  handler: OnExchange,
  text = post('/'),
  options: HttpListenOptions & { leave?: boolean; prepare?: (server: HttpListener) => void } = {},
): Promise<string> {
  const { leave, prepare, ...rest } = options
  const server = await way.listen(
    (exchange) => (exchange.request.target === '/ok' ? exchange.respond(200, {}, 'ok') : handler(exchange)),
    { onError: () => {}, ...rest },
  )
  prepare?.(server)
  const other = await client(way, server)
  const victim = await client(way, server)
  victim.write(text)
  if (leave) await quiet()
  else await until(() => victim.ended || victim.reason !== undefined)
  victim.connection.destroy()
  other.write(head('GET /ok HTTP/1.1'))
  expect((await other.replies(1))[0]?.body).toBe('ok')
  const later = await client(way, server)
  later.write(head('GET /ok HTTP/1.1', 'Connection: close'))
  expect((await later.allReplies())[0]?.body).toBe('ok')
  other.connection.destroy()
  await settled(server)
  await server.close({ grace: 0 })
  return victim.text
}

/** A stream of one piece that then does as `end` says. */
const pieceThen = (end: () => never | Promise<never>): AsyncIterable<string> => ({
  async *[Symbol.asyncIterator]() {
    yield 'piece'
    await quiet()
    await end()
  },
})

describe.each(ways)('2 callbacks over $name', (way) => {
  describe.each(thrown)('that throw %s cost one connection', (_, what) => {
    const handlers: [string, OnExchange, RegExp][] = [
      ['onExchange', () => raise(what), /^HTTP\/1.1 500 /],
      ['onExchange, by rejecting', () => Promise.reject(what), /^HTTP\/1.1 500 /],
      [
        'the onData of a body',
        ({ request: { body } }) => body.handle({ onData: () => raise(what) }),
        /^HTTP\/1.1 500 /,
      ],
      [
        'the onData of a body, by rejecting',
        ({ request: { body } }) => body.handle({ onData: () => Promise.reject(what) }),
        /^HTTP\/1.1 500 /,
      ],
      [
        'the onEnd of a body',
        ({ request: { body } }) => body.handle({ onData() {}, onEnd: () => raise(what) }),
        /^HTTP\/1.1 500 /,
      ],
      [
        'a getter of fields',
        (exchange) => void exchange.respond(200, { get 'X-A'(): string { return raise(what) } }), // prettier-ignore
        /^HTTP\/1.1 500 /,
      ],
      [
        'fields as they are iterated over',
        (exchange) => void exchange.respond(200, { [Symbol.iterator]: () => raise(what) }),
        /^HTTP\/1.1 500 /,
      ],
      [
        'the opening of a stream',
        (exchange) => void exchange.respond(200, {}, { [Symbol.asyncIterator]: () => raise(what) }),
        /^HTTP\/1.1 500 /,
      ],
      [
        'the first piece of a stream',
        (exchange) =>
          void exchange.respond(200, {}, { [Symbol.asyncIterator]: () => ({ next: () => raise(what) }) }),
        /^HTTP\/1.1 500 /,
      ],
      [
        'a later piece of a stream',
        (exchange) =>
          void exchange.respond(
            200,
            {},
            pieceThen(() => raise(what)),
          ),
        /^HTTP\/1.1 200 [^]*piece\r\n$/,
      ],
      [
        'the pull of a web stream',
        (exchange) => void exchange.respond(200, {}, new ReadableStream({ pull: () => raise(what) })),
        /^HTTP\/1.1 500 |^$/,
      ],
      [
        'a function of trailers',
        (exchange) => void exchange.respond(200, {}, 'body', { trailers: () => raise(what) }),
        /^HTTP\/1.1 200 (?![^]*\r\n0\r\n)|^HTTP\/1.1 500 /,
      ],
      [
        'whoever took the connection over',
        (exchange) => {
          if (exchange.request.hasBody) return raise(what)
          exchange.takeOver().connection.handle({ onData: () => raise(what) }, Buffer.from('x'))
        },
        /^/,
      ],
    ]

    test.each(handlers)('%s', async (_name, handler, answer) => {
      const text = await costsOne(way, handler)
      expect(text).toMatch(answer)
      expect(text).not.toContain('secret')
    })

    test('onUpgrade', async () => {
      const offer = head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: other')
      const prepare = (server: HttpListener): void => void server.onUpgrade(() => raise(what))
      expect(await costsOne(way, () => {}, offer, { prepare })).toMatch(/^HTTP\/1.1 500 /)
    })

    test('onUpgrade, behind takeOver', async () => {
      const offer = head('GET / HTTP/1.1', 'Connection: Upgrade', 'Upgrade: other')
      const prepare = (server: HttpListener): void =>
        void server.onUpgrade((exchange) => {
          exchange.takeOver()
          return raise(what)
        })
      expect(await costsOne(way, () => {}, offer, { prepare })).toBe('')
    })

    test('onError', async () => {
      const onError = (): never => raise(what)
      expect(await costsOne(way, () => raise(new Error('first')), post('/'), { onError })).toMatch(/ 500 /)
    })

    test('onError, by rejecting', async () => {
      const onError = (() => Promise.reject(what)) as () => void
      expect(await costsOne(way, () => raise(new Error('first')), post('/'), { onError })).toMatch(/ 500 /)
    })

    test('the onClose of a body', async () => {
      const handler: OnExchange = ({ request: { body } }) =>
        body.handle({ onData() {}, onClose: () => raise(what) })
      const text = head('POST / HTTP/1.1', 'Content-Length: 9') + 'abc'
      await costsOne(way, handler, text, { leave: true })
    })

    test('waitUntil', async () => {
      const told: unknown[] = []
      const server = await way.listen(
        (exchange) => {
          exchange.waitUntil(Promise.reject(what))
          return exchange.respond(200)
        },
        { onError: (error) => void told.push(error) },
      )
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1', 'Connection: close'))
      expect((await peer.allReplies())[0]?.status).toBe(200)
      expect(told).toEqual([what])
      await server.close()
    })

    test.each(['return', 'cancel', 'destroy'])('the %s of a stream that is let go of', async (how) => {
      const called = new Signal()
      const fail = (): never => {
        called.fire()
        return raise(what)
      }
      const endless = async (): Promise<IteratorResult<string>> => {
        await new Promise((resolve) => setImmediate(resolve))
        return { value: 'piece', done: false }
      }
      const body: AnswerBody =
        how === 'cancel'
          ? new ReadableStream({ cancel: fail })
          : Object.assign(
              {
                [Symbol.asyncIterator]: () => ({
                  next: endless,
                  ...(how === 'return' ? { return: fail } : {}),
                }),
              },
              how === 'destroy' ? { destroy: fail } : {},
            )
      await costsOne(way, (exchange) => void exchange.respond(200, {}, body), post('/'), { leave: true })
      await called.fired
    })

    test('the handler of serve', async () => {
      const server = await way.serve(({ url }) => (url.endsWith('/ok') ? new Response('ok') : raise(what)), {
        onError: () => {},
      })
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1'))
      expect((await peer.allReplies())[0]?.status).toBe(500)
      const other = await client(way, server)
      other.write(head('GET /ok HTTP/1.1', 'Connection: close'))
      expect((await other.allReplies())[0]?.body).toBe('ok')
      await settled(server)
      await server.close()
    })

    test('the stream of a Response', async () => {
      const streams = [
        () => new ReadableStream({ start: () => raise(what) }),
        () => new ReadableStream({ pull: () => raise(what) }),
        () => new ReadableStream({ start: (controller) => controller.error(what) }),
      ]
      for (const stream of streams) {
        const server = await way.serve(({ url }) => new Response(url.endsWith('/ok') ? 'ok' : stream()), {
          onError: () => {},
        })
        const peer = await client(way, server)
        peer.write(head('GET / HTTP/1.1'))
        await peer.toEnd()
        expect(peer.text).toMatch(/^HTTP\/1.1 500 |^$|^HTTP\/1.1 200 (?![^]*\r\n0\r\n)/)
        const other = await client(way, server)
        other.write(head('GET /ok HTTP/1.1', 'Connection: close'))
        expect((await other.allReplies())[0]?.body).toBe('ok')
        await settled(server)
        await server.close()
      }
    })
  })

  test.each(['HEAD', '204', 'a refused field', 'a second answer', 'a client that is gone'])(
    'a file that is not there costs nothing where nobody reads it: %s',
    async (why) => {
      const file = (): AnswerBody => createReadStream('/there/is/no/such/file')
      const gate = new Signal()
      const server = await way.listen(async (exchange) => {
        if (why === 'a second answer') await exchange.respond(200, {}, 'first')
        if (why === 'a client that is gone') await gate.fired
        const fields = why === 'a refused field' ? { 'X-A': 'a\nb' } : {}
        await exchange.respond(why === '204' ? 204 : 200, fields, file()).catch(() => {})
      })
      const peer = await client(way, server)
      peer.write(head(`${why === 'HEAD' ? 'HEAD' : 'GET'} / HTTP/1.1`))
      await until(() => server.stats().requests === 1)
      peer.connection.destroy()
      await emptied(server)
      gate.fire()
      // The file system says so in a turn of its own.
      await new Promise((resolve) => createReadStream('/there/is/none').once('error', resolve))
      await quiet()
      await settled(server)
      await server.close()
    },
  )

  test('a stream that fails as it is destroyed costs nothing', async () => {
    const destroyed = new Signal()
    const stream = new Readable({
      read() {},
      destroy(_error, done) {
        done(new Error('not even that'))
        destroyed.fire()
      },
    })
    const server = await way.listen((exchange) => exchange.respond(200, {}, stream))
    const peer = await client(way, server)
    peer.write(head('HEAD / HTTP/1.1'))
    expect((await peer.replies(1, 'HEAD'))[0]?.status).toBe(200)
    await destroyed.fired
    peer.connection.destroy()
    await settled(server)
    await server.close()
  })

  const forever: [string, OnExchange][] = [
    ['onExchange', () => never],
    ['the onData of a body', ({ request: { body } }) => body.handle({ onData: () => never })],
    [
      'a piece of a stream',
      (exchange) =>
        void exchange.respond(
          200,
          {},
          pieceThen(() => never),
        ),
    ],
    ['the first piece', (exchange) => void exchange.respond(200, {}, new ReadableStream())],
    [
      'the return of a stream',
      (exchange) =>
        void exchange.respond(
          200,
          {},
          {
            [Symbol.asyncIterator]: () => ({ next: () => never, return: () => never }),
          },
        ),
    ],
    [
      'the cancel of a web stream',
      (exchange) => void exchange.respond(200, {}, new ReadableStream({ cancel: () => never })),
    ],
    ['waitUntil', (exchange) => (exchange.waitUntil(never), exchange.respond(200))],
  ]

  test.each(forever)(
    '%s that never settles costs its connection, and a close its grace',
    async (_, handler) => {
      await costsOne(way, handler, post('/'), { leave: true })
    },
  )

  test('a close ends in its grace with everybody stuck', async () => {
    const handlers = forever.map(([, handler]) => handler)
    const server = await way.listen((exchange) =>
      handlers[Number(exchange.request.target.slice(1))]?.(exchange),
    )
    const peers = await Promise.all(handlers.map(() => client(way, server)))
    for (const [at, peer] of peers.entries()) peer.write(post(`/${at}`))
    await until(() => server.stats().requests === handlers.length)
    await server.close({ grace: 20 })
    expect(server.state).toBe('closed')
    await settled(server)
  })

  test('what is given to waitUntil and is no promise of the runtime is waited for, or is nothing', async () => {
    // oxlint-disable-next-line no-thenable
    const later = Object.defineProperty({}, 'then', { value: (resolve: () => void) => resolve() })
    // oxlint-disable-next-line no-thenable
    const spiteful = Object.defineProperty({}, 'then', { get: () => raise(new Error('spite')) })
    const given: unknown[] = [undefined, null, 5, {}, later, spiteful]
    const server = await way.listen(
      (exchange: Exchange) => {
        for (const value of given) exchange.waitUntil(value as Promise<unknown>)
        return exchange.respond(200)
      },
      { onError: () => {} },
    )
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', 'Connection: close'))
    expect((await peer.allReplies())[0]?.status).toBe(200)
    // Nothing is left to be waited for; a close that waited would be cut off by the test's own time.
    await server.close({ grace: 1_000_000 })
  })

  test('a listener that is destroyed ends what was injected', async () => {
    const server = await way.listen(() => never)
    const answer = server.inject('/').catch((error: unknown) => error)
    await until(() => server.stats().requests === 1)
    server.destroy()
    const waited = quiet().then(() => 'still waiting')
    expect(await Promise.race([answer, waited])).toBeInstanceOf(SocketError)
  })

  test('a proxy that is trusted and tells nonsense costs nothing', async () => {
    const trustProxy = { from: ['127.0.0.1', 'unix'], fields: 'Forwarded' } as const
    const server = await way.serve(({ url }) => new Response(url), { trustProxy })
    const nonsense = ['for="', 'for=[::1', 'host="\\"', `for=${','.repeat(5000)}`, 'for=1;;;=', 'host=a b']
    for (const text of nonsense) {
      const peer = await client(way, server)
      peer.write(head('GET /x HTTP/1.1', `Forwarded: ${text}`, 'Connection: close'))
      expect((await peer.allReplies())[0]).toMatchObject({ status: 200, body: 'http://example/x' })
    }
    await server.close()
  })
})
