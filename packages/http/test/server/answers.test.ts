import { BusyError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { Fields } from '../../src/codec/index.ts'
import type { Exchange } from '../../src/index.ts'
import { ask, client, emptied, head, quiet, Signal, until, ways } from './ways.ts'

async function* pieces(...all: string[]): AsyncGenerator<string> {
  for (const piece of all) {
    await new Promise((resolve) => setImmediate(resolve))
    yield piece
  }
}

const closing = head('GET / HTTP/1.1', 'Connection: close')

describe.each(ways)('answers over $name', (way) => {
  test('205 has no content, whatever was given', async () => {
    const given = [null, 'text', new ReadableStream({ start: (it) => it.close() })]
    await using server = await way.listen((exchange) => exchange.respond(205, {}, given.shift() ?? null))
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1').repeat(3))
    const replies = await peer.replies(3)
    expect(replies.map(({ status, body, headers }) => [status, body, headers['content-length']])).toEqual(
      Array.from({ length: 3 }, () => [205, '', '0']),
    )
  })

  test('text and bytes carry their length, and a Date', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(200, {}, exchange.request.target === '/text' ? 'grüß' : new Uint8Array([1, 2])),
    )
    const peer = await client(way, server)
    peer.write(head('GET /text HTTP/1.1') + head('GET /bytes HTTP/1.1'))
    const [text, bytes] = await peer.replies(2)
    expect(text).toMatchObject({
      headers: { 'content-length': '6' },
      body: Buffer.from('grüß').toString('latin1'),
    })
    expect(bytes).toMatchObject({ headers: { 'content-length': '2' }, body: '\u0001\u0002' })
    expect(Date.parse(text?.headers['date'] ?? '')).toBeGreaterThan(0)
  })

  test('a Date of the application is kept, and Fields are written as they stand', async () => {
    const fields = new Fields(['dATE', 'Sun, 06 Nov 1994 08:49:37 GMT', 'X-One', '1', 'x-one', '2'])
    await using server = await way.listen((exchange) => exchange.respond(200, fields, 'x'))
    const text = await ask(way, server, closing)
    expect(text).toContain('\r\ndATE: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-One: 1\r\nx-one: 2\r\n')
    expect(text.match(/^date:/gim)).toHaveLength(1)
  })

  test('what an application says of the connection is heard, and written once', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(200, { Connection: exchange.request.target.slice(1).replaceAll('-and-', ', ') }),
    )
    const peer = await client(way, server)
    peer.write(head('GET /keep-alive HTTP/1.1') + head('GET /Upgrade-and-keep-alive HTTP/1.1'))
    peer.write(head('GET /x-and-CLOSE HTTP/1.1'))
    await peer.allReplies()
    const lines = peer.text.split('\r\n').filter((line) => line.startsWith('Connection'))
    expect(lines).toEqual(['Connection: Upgrade', 'Connection: x', 'Connection: close'])
  })

  test('HEAD, 204 and 304 have no body, and HEAD tells of the one that GET has', async () => {
    await using server = await way.listen((exchange) => {
      const status = Number(exchange.request.target.slice(1))
      return exchange.respond(status, {}, 'body')
    })
    const peer = await client(way, server)
    for (const line of ['HEAD /200', 'GET /204', 'GET /304', 'GET /200']) peer.write(head(`${line} HTTP/1.1`))
    const replies = await peer.replies(4, 'HEAD')
    expect(replies.map(({ body }) => body)).toEqual(['', '', '', 'body'])
    expect(replies.map(({ headers }) => headers['content-length'])).toEqual(['4', undefined, undefined, '4'])
  })

  test('a stream that HEAD forbids is let go of', async () => {
    const cancelled = new Signal()
    await using server = await way.listen((exchange) =>
      exchange.respond(200, { 'Content-Length': 9 }, new ReadableStream({ cancel: () => cancelled.fire() })),
    )
    const peer = await client(way, server)
    peer.write(head('HEAD / HTTP/1.1'))
    expect((await peer.replies(1, 'HEAD'))[0]).toMatchObject({ headers: { 'content-length': '9' }, body: '' })
    await cancelled.fired
  })

  test('a stream goes out in chunks to 1.1, until the close to 1.0', async () => {
    await using server = await way.listen((exchange) =>
      exchange.respond(200, { 'Transfer-Encoding': 'chunked' }, pieces('ab', '', 'c')),
    )
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    const [reply] = await peer.replies(1)
    expect(reply).toMatchObject({ headers: { 'transfer-encoding': 'chunked' }, body: 'abc' })
    const old = await ask(way, server, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    expect(old).toMatch(/Connection: close\r\n\r\nabc$/)
    expect(old).not.toContain('chunked')
  })

  test('the head of a stream does not wait for its first piece', async () => {
    const gate = new Signal()
    await using server = await way.listen((exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          await gate.fired
          yield 'late'
        })(),
      ),
    )
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await peer.until(() => peer.text.endsWith('\r\n\r\n'))
    gate.fire()
    expect((await peer.replies(1))[0]?.body).toBe('late')
  })

  test('a stream that is all there goes out as text does', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, new Response('whole').body))
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    const [reply] = await peer.replies(1)
    expect(reply).toMatchObject({ headers: { 'content-length': '5' }, body: 'whole' })
    expect(reply?.headers['transfer-encoding']).toBeUndefined()
  })

  test('large text and bytes arrive whole', async () => {
    const large = 'x'.repeat(3_000_000)
    await using server = await way.listen((exchange) =>
      exchange.respond(200, {}, exchange.request.target === '/text' ? large : Buffer.from(large)),
    )
    const peer = await client(way, server)
    peer.write(head('GET /text HTTP/1.1') + head('GET /bytes HTTP/1.1', 'Connection: close'))
    const replies = await peer.allReplies()
    expect(replies.map(({ body }) => body === large)).toEqual([true, true])
    expect(replies[0]?.headers['content-length']).toBe('3000000')
  })

  const broken: [string, (exchange: Exchange) => Promise<void>][] = [
    [
      'shorter than its Content-Length',
      (exchange) => exchange.respond(200, { 'Content-Length': 9 }, pieces('ab', 'c')),
    ],
    [
      'longer than its Content-Length',
      (exchange) => exchange.respond(200, { 'Content-Length': 2 }, pieces('ab', 'c')),
    ],
    ['not of bytes', (exchange) => exchange.respond(200, {}, pieces('ab', 5 as unknown as string))],
    [
      'cut by what its source threw',
      (exchange) =>
        exchange.respond(
          200,
          {},
          (async function* () {
            yield* pieces('ab')
            throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
          })(),
        ),
    ],
  ]

  test.each(broken)('half an answer never looks whole: a stream %s', async (name, respond) => {
    const told: unknown[] = []
    const onError = (error: unknown): void => void told.push(error)
    await using server = await way.listen((exchange) => respond(exchange), { onError })
    for (const version of ['1.1', '1.0']) {
      const peer = await client(way, server)
      await until(() => server.connections.size === 1)
      const [served] = server.connections
      peer.write(head(`GET / HTTP/${version}`))
      // It is reset; whether the client's system tells of that, or of an end, is a matter of time.
      expect(await served?.closed).toMatchObject({ kind: 'error' })
      await peer.toEnd()
      expect(peer.text).not.toContain('\r\n0\r\n')
      // What is too long is cut at its length: the reset is all that tells.
      if (version === '1.1' && !name.startsWith('longer')) {
        await expect(peer.allReplies()).rejects.toThrow('the stream ended')
      }
    }
    expect(told).toHaveLength(2)
    expect(server.connections.size).toBe(0)
  })

  test('a stream that fails before it gave anything is answered with 500', async () => {
    const failing = new ReadableStream({ pull: () => Promise.reject(new Error('a secret')) })
    await using server = await way.listen((exchange) => exchange.respond(200, {}, failing))
    const text = await ask(way, server, head('GET / HTTP/1.1'))
    expect(text).toMatch(/^HTTP\/1\.1 500 /)
    expect(text).not.toContain('secret')
  })

  const refused: [string, (exchange: Exchange) => Promise<void>][] = [
    ['a field without a value', (exchange) => exchange.respond(200, { 'X-Id': undefined as never })],
    ['a field that is an object', (exchange) => exchange.respond(200, { 'X-Id': {} as never })],
    ['a status that there is not', (exchange) => exchange.respond(600)],
    ['a line in a value', (exchange) => exchange.respond(200, { A: 'b\r\nInjected: 1' })],
    ['a line in a name', (exchange) => exchange.respond(200, { 'A: b\r\nInjected': '1' })],
    ['a value beyond latin1', (exchange) => exchange.respond(200, { A: '☃' })],
    ['an interim status', (exchange) => exchange.respond(100)],
    ['no status', (exchange) => exchange.respond(Number.NaN)],
    ['two lengths', (exchange) => exchange.respond(200, { 'Content-Length': ['1', '1'] }, 'x')],
    ['a wrong length', (exchange) => exchange.respond(200, { 'Content-Length': 2 }, 'x')],
    ['a length of 204', (exchange) => exchange.respond(204, { 'Content-Length': 2 })],
    [
      'another coding',
      (exchange) => exchange.respond(200, { 'Transfer-Encoding': 'gzip, chunked' }, pieces('x')),
    ],
    ['a body that is none', (exchange) => exchange.respond(200, {}, 5 as unknown as string)],
    ['a locked stream', (exchange) => exchange.respond(200, {}, lockedStream())],
  ]

  test.each(refused)('what cannot be sent is refused, and the client gets 500: %s', async (_, respond) => {
    const outcomes: Promise<unknown>[] = []
    await using server = await way.listen((exchange) => {
      outcomes.push(respond(exchange).catch((error: unknown) => error))
    })
    const text = await ask(way, server, head('GET / HTTP/1.1'))
    expect(text).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/)
    expect(text).not.toMatch(/^Injected/m)
    const error = await outcomes[0]
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
  })

  test('names of every object are names like others, and each cookie has its line', async () => {
    const got: (string | undefined)[] = []
    await using echo = await way.listen((exchange) => {
      const { headers } = exchange.request
      got.push(headers.get('__proto__'), headers.get('constructor'), headers.get('toString'))
      const cookies = Array.from({ length: 40 }, (_, at) => `c${at}=${at}`)
      return exchange.respond(200, [
        ['__proto__', 'a'],
        ['constructor', 'b'],
        ...cookies.map((cookie) => ['Set-Cookie', cookie] as const),
      ])
    })
    const peer = await client(way, echo)
    peer.write(head('GET / HTTP/1.1', '__proto__: x', 'constructor: y'))
    const [reply] = await peer.replies(1)
    expect(got).toEqual(['x', 'y', undefined])
    expect(reply?.headers).toMatchObject({ constructor: 'b' })
    expect(Object.entries(reply?.headers ?? {})).toContainEqual(['__proto__', 'a'])
    expect(reply?.cookies).toHaveLength(40)
  })

  test('a request is answered once', async () => {
    const second = new Signal()
    const outcomes: unknown[] = []
    await using server = await way.listen(async (exchange) => {
      await exchange.respond(200, {}, 'first')
      expect(exchange.answered).toBe(true)
      await exchange
        .respond(200, {}, new ReadableStream({ cancel: () => second.fire() }))
        .catch((error: unknown) => {
          outcomes.push(error)
        })
    })
    expect(await ask(way, server, closing)).toMatch(/first$/)
    await second.fired
    expect(outcomes[0]).toBeInstanceOf(BusyError)
  })

  test('a client that does not read bounds what is buffered, and holds the source', async () => {
    let given = 0
    await using server = await way.listen((exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          for (; given < 2000; given++) yield Buffer.alloc(50_000, 120)
        })(),
      ),
    )
    const connection = await way.connect(server)
    connection.write(head('GET / HTTP/1.1'))
    await until(() => given > 0)
    for (let before = -1; before !== given; await quiet()) before = given
    expect(given).toBeLessThan(1500)
    for (const { buffered } of server.connections) expect(buffered).toBeLessThan(200_000)
    connection.destroy()
    await emptied(server)
  })

  test('an answer of many pieces resolves when the connection has taken it', async () => {
    const done = new Signal()
    await using server = await way.listen(async (exchange) => {
      await exchange.respond(200, {}, pieces('a', 'b'))
      done.fire()
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    expect((await peer.replies(1))[0]?.body).toBe('ab')
    await done.fired
  })
})

function lockedStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>()
  stream.getReader()
  return stream
}
