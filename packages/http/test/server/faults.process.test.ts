import { BrokenError, ClosedError, SocketError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { Exchange } from '../../src/index.ts'
import { watchStrays } from '../faults/harness.ts'
import { ask, client, emptied, head, quiet, Signal, until, ways } from './ways.ts'

watchStrays()

const never = new Promise<never>(() => {})
const closing = head('GET / HTTP/1.1', 'Connection: close')

describe.each(ways)('faults over $name', (way) => {
  test.each([
    ['in silence', ''],
    ['in a head', 'GET / HTTP/1.1\r\nHost: a'],
    ['in a body that is read', head('POST /read HTTP/1.1', 'Content-Length: 9') + 'ab'],
    ['in a body that is not', head('POST /wait HTTP/1.1', 'Content-Length: 9') + 'ab'],
    ['while the handler runs', head('GET /wait HTTP/1.1')],
    ['while the answer streams', head('GET /stream HTTP/1.1')],
    ['while the answer waits for its source', head('GET /pending HTTP/1.1')],
    ['while more requests wait', head('GET /stream HTTP/1.1').repeat(3)],
    ['on an idle connection', head('GET /now HTTP/1.1')],
  ])('a client that vanishes %s leaves nothing', async (_, text) => {
    let cancelled = 0
    let returned = 0
    const forever = async function* (): AsyncGenerator<Buffer> {
      try {
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve))
          yield Buffer.alloc(1000)
        }
      } finally {
        returned++
      }
    }
    const aborts: unknown[] = []
    const begun = new Signal()
    await using server = await way.listen(async (exchange) => {
      exchange.signal.addEventListener('abort', () => aborts.push(exchange.signal.reason))
      begun.fire()
      switch (exchange.request.target) {
        case '/read':
          return void (await exchange.request.body.text())
        case '/stream':
          return exchange.respond(200, {}, forever())
        case '/pending':
          return exchange.respond(200, {}, new ReadableStream({ cancel: () => void cancelled++ }))
        case '/now':
          return exchange.respond(200)
        default:
          return never
      }
    })
    const peer = await client(way, server)
    peer.write(text)
    if (text.endsWith('\r\n\r\n') || text.startsWith('POST')) await begun.fired
    await quiet()
    peer.connection.destroy()
    await emptied(server)
    await quiet()
    if (text.includes('/stream')) expect(returned).toBe(1)
    if (text.includes('/pending')) expect(cancelled).toBe(1)
    const inExchange = /stream|pending|wait|read/.test(text)
    expect(aborts).toHaveLength(inExchange ? 1 : 0)
  })

  test.each(['at once', 'later'])(
    'an answer on a connection that was just destroyed, %s, is none',
    async (when) => {
      const outcome: unknown[] = []
      const told: unknown[] = []
      await using server = await way.listen(
        async (exchange) => {
          if (when === 'later') await quiet()
          for (const connection of server.connections) connection.destroy()
          outcome.push(await exchange.respond(200, {}, 'lost').catch((error: unknown) => error))
        },
        { onError: (error) => void told.push(error) },
      )
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1') + head('GET /2 HTTP/1.1'))
      await until(() => outcome.length > 0)
      await emptied(server)
      await quiet()
      expect(outcome).toEqual([expect.any(ClosedError)])
      const answers = { '2xx': 0, '5xx': 0 }
      expect(server.stats()).toMatchObject({
        answers,
        requests: 1,
        active: 0,
        aborted: 1,
        refused: {},
        bytesOut: 0,
      })
      expect(told).toEqual([])
    },
  )

  test.each([
    ['head', 'GET / HTTP/1.1\r\nHost'],
    ['body', head('POST / HTTP/1.1', 'Content-Length: 9') + 'ab'],
  ])('a client that stops sending in the middle of a %s gets 400', async (_, text) => {
    await using server = await way.listen(async (exchange) => void (await exchange.request.body.text()))
    const peer = await client(way, server)
    peer.write(text)
    peer.connection.end()
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([400])
    await emptied(server)
  })

  test('a client that stops sending after an early answer keeps that answer', async () => {
    await using server = await way.listen((exchange) => exchange.respond(403, {}, 'early'))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 9') + 'ab')
    await peer.replies(1)
    peer.connection.end()
    expect((await peer.allReplies()).map(({ body }) => body)).toEqual(['early'])
    await emptied(server)
  })

  const failing: [string, (exchange: Exchange) => void | Promise<void>][] = [
    [
      'throws',
      () => {
        throw new Error('a secret')
      },
    ],
    ['rejects at once', async () => Promise.reject(new Error('a secret'))],
    [
      'rejects later',
      async () => {
        await quiet()
        throw new Error('a secret')
      },
    ],
    [
      'throws what is no error',
      () => {
        // oxlint-disable-next-line no-throw-literal
        throw { toString: () => never } as unknown as Error
      },
    ],
    [
      'throws in the reader of the body',
      ({ request: { body } }) =>
        body.handle({
          onData: () => {
            throw new Error('a secret')
          },
        }),
    ],
  ]

  test.each(failing)('a handler that %s costs one exchange', async (_, handler) => {
    const told: unknown[] = []
    const onError = (error: unknown): void => {
      told.push(error)
      throw new Error('of the one who is told')
    }
    await using server = await way.listen(
      (exchange) => (exchange.request.target === '/ok' ? exchange.respond(200, {}, 'ok') : handler(exchange)),
      { onError },
    )
    const other = await client(way, server)
    const text = await ask(way, server, head('POST / HTTP/1.1', 'Content-Length: 2') + 'ab')
    expect(text).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n[^]*Connection: close\r\n/)
    expect(text).not.toContain('secret')
    expect(told).toHaveLength(1)
    other.write(head('GET /ok HTTP/1.1'))
    expect((await other.replies(1))[0]?.body).toBe('ok')
  })

  test('a handler that throws after it answered changes nothing', async () => {
    const told: unknown[] = []
    await using server = await way.listen(
      async (exchange) => {
        await exchange.respond(200, {}, exchange.request.target)
        throw new Error('afterthought')
      },
      { onError: (error) => void told.push(error) },
    )
    const peer = await client(way, server)
    peer.write(head('GET /1 HTTP/1.1') + head('GET /2 HTTP/1.1'))
    expect((await peer.replies(2)).map(({ body }) => body)).toEqual(['/1', '/2'])
    expect(told).toHaveLength(2)
  })

  test('a handler that throws while its answer streams cuts it', async () => {
    await using server = await way.listen(async (exchange) => {
      void exchange.respond(200, {}, new ReadableStream({ start: (it) => it.enqueue(Buffer.from('half')) }))
      await quiet()
      throw new Error('in the middle')
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await peer.toEnd()
    expect(peer.reason?.kind).toBe('error')
    expect(peer.text).toContain('half')
    await emptied(server)
  })

  test('a handler that never settles costs nothing but its connection', async () => {
    await using server = await way.listen((exchange) =>
      exchange.request.target === '/never' ? never : exchange.respond(200, {}, 'ok'),
    )
    const stuck = await client(way, server)
    stuck.write(head('GET /never HTTP/1.1') + head('GET /ok HTTP/1.1'))
    expect(await ask(way, server, closing)).toMatch(/ok$/)
    expect(stuck.text).toBe('')
    stuck.connection.destroy()
  })

  test.each(['awaited', 'forgotten'])(
    'an answer to a client that is gone fails quietly when it is %s',
    async (how) => {
      const begun = new Signal()
      const gate = new Signal()
      const outcome: Promise<unknown>[] = []
      const told: unknown[] = []
      await using server = await way.listen(
        async (exchange) => {
          begun.fire()
          await gate.fired
          const done = exchange.respond(200, {}, how === 'awaited' ? 'x' : new Response('x').body)
          outcome.push(done.catch((error: unknown) => error))
          if (how === 'awaited') await done
        },
        { onError: (error) => void told.push(error) },
      )
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1'))
      await begun.fired
      peer.connection.destroy()
      await emptied(server)
      gate.fire()
      await quiet()
      const error = await outcome[0]
      expect(error instanceof ClosedError || error instanceof BrokenError).toBe(true)
      expect(told).toEqual([])
    },
  )

  test('a handler that rejects after its client is gone ends nothing', async () => {
    const begun = new Signal()
    const gate = new Signal()
    await using server = await way.listen(async () => {
      begun.fire()
      await gate.fired
      throw new Error('too late')
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await begun.fired
    peer.connection.destroy()
    gate.fire()
    await emptied(server)
  })

  test.each([
    [400, 'GET / HTTP/1.1\r\n\r\n'],
    [400, 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
    [400, head('GET / HTTP/1.1', 'A : b')],
    [400, head('POST / HTTP/1.1', 'Content-Length: 1', 'Transfer-Encoding: chunked')],
    [400, head('POST / HTTP/1.1', 'Content-Length: +1')],
    [400, head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + 'xyz\r\n'],
    [400, head('GET / HTTP/1.1', `A: b\0c`)],
    [413, head('POST / HTTP/1.1', 'Content-Length: 999999999999')],
    [414, `GET /${'a'.repeat(9000)} HTTP/1.1\r\n`],
    [431, head('GET / HTTP/1.1', `A: ${'b'.repeat(20_000)}`)],
    [431, head('GET / HTTP/1.1', ...Array.from({ length: 101 }, (_, at) => `A${at}: b`))],
    [501, head('POST / HTTP/1.1', 'Transfer-Encoding: gzip, chunked')],
    [505, 'GET / HTTP/2.0\r\n\r\n'],
  ])('what is refused gets %d and a close', async (status, text) => {
    await using server = await way.listen(async (exchange) => {
      await exchange.request.body.text()
      await exchange.respond(200)
    })
    const peer = await client(way, server)
    peer.write(text)
    const [reply] = await peer.allReplies()
    expect(reply).toMatchObject({ status, headers: { connection: 'close' } })
    expect(reply?.headers['date']).toBeDefined()
    await emptied(server)
  })

  test('bad bytes behind a request whose answer streams do not cut that answer', async () => {
    const gate = new Signal()
    await using server = await way.listen((exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          yield 'one '
          exchange.request.body.text().catch(() => gate.fire())
          await gate.fired
          yield 'two'
        })(),
      ),
    )
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked') + 'nonsense\r\n')
    expect((await peer.allReplies())[0]).toMatchObject({ status: 200, body: 'one two' })
  })

  test('requests beyond what an iterating reader takes are refused, not kept', async () => {
    await using server = await way.listen()
    const peers = await Promise.all(Array.from({ length: 140 }, () => client(way, server)))
    for (const peer of peers) peer.write(head('GET / HTTP/1.1'))
    await Promise.all(
      peers.slice(128).map(async (peer) => expect((await peer.replies(1))[0]?.status).toBe(503)),
    )
    for (const peer of peers) peer.connection.destroy()
    await emptied(server)
  })

  test('one who closes connections of the listener ends their exchanges', async () => {
    const begun = new Signal()
    const gate = new Signal()
    const outcome: Promise<unknown>[] = []
    await using server = await way.listen(async (exchange) => {
      begun.fire()
      await gate.fired
      outcome.push(exchange.respond(200).catch((error: unknown) => error))
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await begun.fired
    for (const connection of server.connections) void connection.close()
    gate.fire()
    await emptied(server)
    expect(SocketError.is(await outcome[0])).toBe(true)
  })
})
