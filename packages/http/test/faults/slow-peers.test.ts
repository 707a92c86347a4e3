import { connect } from 'node:net'
import { connect as secure } from 'node:tls'

import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import {
  type Exchange,
  type HttpListener,
  type HttpListenOptions,
  listen,
  type OnExchange,
} from '../../src/index.ts'
import type { RawClient } from '../server/client.ts'
import { a } from '../server/tls-certificates.ts'
import { client, emptied, head, portOf, quiet, until, ways } from '../server/ways.ts'
import { settled, watchStrays } from './harness.ts'

watchStrays()
const clock = useManualClock()
const pause = 10_000

/** Sends a byte of `text` every ten seconds until the server has ended; returns how many it took. */
async function drip(server: HttpListener, peer: RawClient, text: string): Promise<number> {
  let sent = 0
  while (!peer.ended && peer.reason === undefined && sent < 12) {
    const before = server.stats().bytesIn
    peer.write(text[sent++ % text.length] ?? '')
    await until(() => server.stats().bytesIn > before || peer.ended || peer.reason !== undefined)
    await quiet()
    clock.advance(pause)
    await quiet()
  }
  return sent
}

/** Lets go; nobody turns the clock for those who linger. */
async function leave(server: HttpListener, ...peers: RawClient[]): Promise<void> {
  for (const peer of peers) peer.connection.destroy()
  await emptied(server)
}

/** All the ways in which an application reads a body. */
const readers: [string, OnExchange][] = [
  ['collects', async ({ request: { body } }) => void (await body.text())],
  [
    'iterates over',
    async ({ request: { body } }) => {
      for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0)
    },
  ],
  ['handles', ({ request: { body } }) => body.handle({ onData() {} })],
  [
    'pauses and resumes',
    ({ request: { body } }) =>
      body.handle({
        onData() {
          body.pause()
          setImmediate(() => body.resume())
        },
      }),
  ],
]

describe.each(ways)('9 one byte every ten seconds over $name', (way) => {
  test.each([
    ['a request line', `GET /${'a'.repeat(100)} HTTP/1.1\r\n`],
    ['fields', `GET / HTTP/1.1\r\nHost: example\r\nX: ${'a'.repeat(100)}\r\n`],
  ])('of %s is cut at the deadline of a head', async (_, text) => {
    await using server = await way.listen(() => expect.unreachable())
    const peer = await client(way, server)
    expect(await drip(server, peer, text)).toBe(2)
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([408])
    expect(server.stats()).toMatchObject({ timeouts: { headers: 1 }, refused: { 408: 1 }, requests: 0 })
    await leave(server, peer)
  })

  test('of empty lines is cut, too', async () => {
    await using server = await way.listen(() => expect.unreachable())
    const peer = await client(way, server)
    expect(await drip(server, peer, '\r\n\r\n')).toBe(2)
    expect(server.stats()).toMatchObject({ timeouts: { headers: 1 }, requests: 0 })
    await leave(server, peer)
  })

  test.each(readers)(
    'of a body that the application %s is cut at the deadline of bodies',
    async (_, read) => {
      const told: unknown[] = []
      await using server = await way.listen(read, { onError: (error) => void told.push(error) })
      const peer = await client(way, server)
      peer.write(head('POST / HTTP/1.1', 'Content-Length: 1000'))
      expect(await drip(server, peer, 'x')).toBe(3)
      expect((await peer.allReplies()).map(({ status }) => status)).toEqual([408])
      expect(server.stats()).toMatchObject({ timeouts: { body: 1 }, refused: { 408: 1 }, active: 0 })
      await leave(server, peer)
    },
  )

  test('of chunks is cut as one of bytes is', async () => {
    await using server = await way.listen(async ({ request: { body } }) => void (await body.text()))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Transfer-Encoding: chunked'))
    expect(await drip(server, peer, '1\r\nx\r\n')).toBe(3)
    expect(server.stats()).toMatchObject({ timeouts: { body: 1 } })
    await leave(server, peer)
  })

  test.each([
    ['text', async (request: Request) => new Response(await request.text())],
    [
      'a stream',
      async (request: Request) => {
        for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>)
          expect(chunk.byteLength).toBeGreaterThan(0)
        return new Response()
      },
    ],
  ])('of a body that a web-standard application reads as %s is cut', async (_, handler) => {
    await using server = await way.serve(handler)
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 1000'))
    expect(await drip(server, peer, 'x')).toBe(3)
    expect(server.stats()).toMatchObject({ timeouts: { body: 1 }, active: 0 })
    await leave(server, peer)
  })

  test('of a body that was answered, and is only dropped, is cut', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, 'early'))
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 1000'))
    await peer.replies(1)
    expect(await drip(server, peer, 'x')).toBeLessThanOrEqual(3)
    await leave(server, peer)
  })

  test('is cut while an answer flows the other way', async () => {
    let let_go = 0
    await using server = await way.listen((exchange) => {
      void exchange.request.body.text().catch(() => {})
      const source = async function* (): AsyncGenerator<string> {
        try {
          for (;;) {
            await new Promise((resolve) => setImmediate(resolve))
            yield 'a piece'
          }
        } finally {
          let_go++
        }
      }
      return exchange.respond(200, {}, source())
    })
    const peer = await client(way, server)
    peer.write(head('POST / HTTP/1.1', 'Content-Length: 1000'))
    await peer.until(() => peer.text.includes('a piece'))
    const aborted = (): number => server.stats().aborted
    for (let sent = 0; sent < 5 && aborted() === 0; sent++) {
      const before = server.stats().bytesIn
      peer.write('x')
      await until(() => server.stats().bytesIn > before)
      await quiet()
      clock.advance(pause)
    }
    // The answer that is on its way stands, and the request is known to be broken.
    expect(server.stats()).toMatchObject({ aborted: 1, timeouts: { body: 1 } })
    await leave(server, peer)
    await until(() => let_go === 1)
  })

  test('of a head is cut behind requests that were answered one by one', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200))
    const peer = await client(way, server)
    const whole = head('GET / HTTP/1.1')
    // Each rest of a head, with the beginning of the next: nobody is ever idle, and nobody is slow.
    for (let count = 1; count <= 5; count++) {
      peer.write(count === 1 ? whole + 'G' : whole.slice(1) + 'G')
      await peer.replies(count)
      clock.advance(pause)
      await quiet()
      expect(peer.ended).toBe(false)
    }
    expect(await drip(server, peer, 'ET / HTTP/1.1')).toBeLessThanOrEqual(2)
    expect((await peer.allReplies()).at(-1)?.status).toBe(408)
    await leave(server, peer)
  })
})

/** A client of the system that takes a byte at a time, and none before it is asked to. */
function sip(server: HttpListener, text: string) {
  const state = { bytes: 0 }
  const onread = { buffer: Buffer.alloc(1), callback: () => (state.bytes++, false) }
  const socket = connect({ port: portOf(server), host: '127.0.0.1', onread })
  socket.on('error', () => {})
  socket.write(text)
  return { state, socket }
}

const large = 'y'.repeat(20_000_000)
const answers: [string, string, (exchange: Exchange) => Promise<void>][] = [
  ['text', head('GET / HTTP/1.1'), (exchange) => exchange.respond(200, {}, large)],
  [
    'text, the last of its connection',
    head('GET / HTTP/1.1', 'Connection: close'),
    (exchange) => exchange.respond(200, {}, large),
  ],
  [
    'a stream',
    head('GET / HTTP/1.1'),
    (exchange) => exchange.respond(200, {}, new Blob([large]).stream() as ReadableStream<Uint8Array>),
  ],
  [
    'small answers to many requests',
    head('GET / HTTP/1.1').repeat(3000),
    (exchange) => exchange.respond(200, {}, large.slice(0, 16_000)),
  ],
]

describe('9 slow reading', () => {
  test.each(answers)('of %s is cut at its deadline', async (_, text, answer) => {
    await using server = await listen({ port: 0, idleGrace: 0 }, answer)
    const { state, socket } = sip(server, text)
    await until(() => state.bytes > 0)
    for (let before = -1; before !== server.stats().bytesOut; await quiet()) before = server.stats().bytesOut
    let seconds = 0
    for (; server.connections.size > 0 && seconds < 200; seconds += 10) {
      clock.advance(pause)
      const before = state.bytes
      socket.resume()
      await until(() => state.bytes > before || socket.destroyed)
      // Requests go on on it, and do not help.
      if (!socket.destroyed) socket.write(head('GET / HTTP/1.1'))
      await quiet()
    }
    // Once its minute for what the system below still took, and once for what it did not.
    expect(seconds).toBeLessThanOrEqual(130)
    expect(server.stats()).toMatchObject({ timeouts: { write: 1 }, active: 0 })
    socket.destroy()
  })
})

test('9 one byte every ten seconds of a TLS hello is cut, and a byte of HTTP after the handshake, too', async () => {
  const options = { port: 0, idleGrace: 0, tls: a, handshakeTimeout: 30_000 }
  await using server = await listen(options, () => expect.unreachable())
  const socket = connect({ port: portOf(server), host: '127.0.0.1' })
  socket.on('error', () => {}).resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  // The beginning of a hello: a handshake record of 512 bytes.
  const hello = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
  let sent = 0
  await until(() => server.stats().connections?.pending === 1)
  for (; server.stats().connections?.pending === 1 && sent < 10; clock.advance(pause)) {
    await new Promise((resolve) => socket.write(hello.subarray(sent, ++sent), resolve))
    await quiet()
  }
  await closed
  expect(sent).toBeLessThanOrEqual(4)
  expect(server.stats()).toMatchObject({ requests: 0, connections: { refused: { handshake: 1 } } })
})

/** Ways to answer with more than anybody takes who does not read. */
const floods: [string, string, OnExchange][] = [
  [
    'a stream',
    head('GET / HTTP/1.1'),
    (exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          for (;;) yield Buffer.alloc(50_000, 120)
        })(),
      ),
  ],
  [
    'a web stream',
    head('GET / HTTP/1.1'),
    (exchange) =>
      exchange.respond(200, {}, new ReadableStream({ pull: (it) => it.enqueue(Buffer.alloc(50_000, 120)) })),
  ],
  [
    'a stream of very large pieces',
    head('GET / HTTP/1.1'),
    (exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          for (;;) yield Buffer.alloc(5_000_000, 120)
        })(),
      ),
  ],
  [
    'small answers',
    head('GET / HTTP/1.1').repeat(20_000),
    (exchange) => exchange.respond(200, {}, 'x'.repeat(4000)),
  ],
  [
    'interim answers',
    head('GET / HTTP/1.1').repeat(20_000),
    (exchange) => {
      exchange.inform(103, { Link: 'x'.repeat(2000) })
      return exchange.respond(200)
    },
  ],
  [
    'refusals',
    head('POST / HTTP/1.1', 'Content-Length: 0').repeat(20_000),
    (exchange) => exchange.respond(404, {}, 'x'.repeat(4000)),
  ],
]

describe.each(ways)('3 the peer stops reading over $name', (way) => {
  test.each(floods)('%s: what waits is bounded, and cut after its time', async (_, text, answer) => {
    const server = await way.listen(answer)
    const peer = await client(way, server)
    peer.connection.pause()
    peer.write(text)
    await until(() => server.stats().bytesOut > 0)
    for (let before = -1; before !== server.stats().bytesOut; await quiet()) before = server.stats().bytesOut
    const [connection] = server.connections
    // The high-water mark, and one slice more.
    expect(connection?.buffered).toBeLessThan(512 * 1024)
    clock.advance(61_000)
    // Of a stream, the system may have taken some more in the meantime.
    for (let minutes = 0; minutes < 3 && server.connections.size > 0; minutes++) {
      await quiet()
      clock.advance(61_000)
    }
    await settled(server)
    expect(server.stats()).toMatchObject({ timeouts: { write: 1 }, active: 0 })
    peer.connection.destroy()
    await server.close({ grace: 0 })
  })
})

test('3 many peers that do not read hold so many times as much, and one that reads is served', async () => {
  const server = await listen({ port: 0, idleGrace: 0 }, (exchange) =>
    exchange.request.target === '/ok'
      ? exchange.respond(200, {}, 'ok')
      : exchange.respond(
          200,
          {},
          (async function* () {
            for (;;) yield Buffer.alloc(50_000, 120)
          })(),
        ),
  )
  const sockets = Array.from({ length: 25 }, () => {
    const socket = connect({ port: portOf(server), host: '127.0.0.1' })
    socket.on('error', () => {}).pause()
    socket.write(head('GET / HTTP/1.1'))
    return socket
  })
  await until(() => server.stats().requests === 25)
  for (let before = -1; before !== server.stats().bytesOut; await quiet()) before = server.stats().bytesOut
  let held = 0
  for (const connection of server.connections) held += connection.buffered
  expect(held).toBeLessThan(25 * 512 * 1024)
  const peer = await client(ways[1]!, server)
  peer.write(head('GET /ok HTTP/1.1', 'Connection: close'))
  expect((await peer.allReplies())[0]?.body).toBe('ok')
  for (const socket of sockets) socket.destroy()
  await settled(server)
  await server.close()
})

test('3 over TLS', async () => {
  const options: HttpListenOptions = { port: 0, idleGrace: 0, tls: a }
  const server = await listen(options, floods[0]![2])
  const socket = secure({ port: portOf(server), host: '127.0.0.1', rejectUnauthorized: false })
  socket.on('error', () => {}).pause()
  socket.write(head('GET / HTTP/1.1'))
  await until(() => server.stats().bytesOut > 0)
  for (let before = -1; before !== server.stats().bytesOut; await quiet()) before = server.stats().bytesOut
  const [connection] = server.connections
  expect(connection?.buffered).toBeLessThan(512 * 1024)
  for (let minutes = 0; minutes < 3 && server.connections.size > 0; minutes++) {
    clock.advance(61_000)
    await quiet()
  }
  await settled(server)
  expect(server.stats()).toMatchObject({ timeouts: { write: 1 } })
  socket.destroy()
  await server.close()
})
