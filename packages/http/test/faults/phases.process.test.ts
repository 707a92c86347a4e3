import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { connect as secure } from 'node:tls'

import type { ByteConnection, CloseReason } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { type Exchange, type HttpListener, type HttpListenOptions, listen } from '../../src/index.ts'
import { a } from '../server/tls-certificates.ts'
import { client, head, portOf, quiet, Signal, until, type Way, ways } from '../server/ways.ts'
import { chunked, never, settled, watchStrays } from './harness.ts'

watchStrays()

/** Why each connection of `server` ended, each as often as it was told. */
function reasonsOf(server: HttpListener): CloseReason[] {
  const reasons: CloseReason[] = []
  const seen = new WeakSet<ByteConnection>()
  const look = (): void => {
    for (const connection of server.connections) {
      if (seen.has(connection)) continue
      seen.add(connection)
      void connection.closed.then((reason) => reasons.push(reason))
    }
  }
  void until(() => (look(), server.state === 'closed'))
  return reasons
}

const offer = head('GET /takeover HTTP/1.1', 'Connection: Upgrade', 'Upgrade: other')

/** What a client has sent when it vanishes, and how many requests of it were heard. */
const phases: [string, string, number][] = [
  ['accepted and silent', '', 0],
  ['in a request line', 'GET /wai', 0],
  ['in the fields', 'GET /wait HTTP/1.1\r\nHost: exa', 0],
  ['in an empty line', '\r', 0],
  ['in a body that is read', head('POST /read HTTP/1.1', 'Content-Length: 9') + 'ab', 1],
  ['in a body that nobody reads', head('POST /wait HTTP/1.1', 'Content-Length: 9') + 'ab', 1],
  ['in a chunk size', head('POST /read HTTP/1.1', 'Transfer-Encoding: chunked') + '1\r\na\r\n1', 1],
  ['in the trailers', head('POST /read HTTP/1.1', 'Transfer-Encoding: chunked') + '0\r\nA: ', 1],
  ['before a 100 was used', head('POST /read HTTP/1.1', 'Content-Length: 9', 'Expect: 100-continue'), 1],
  ['before the answer', head('GET /wait HTTP/1.1'), 1],
  ['while the answer is on its way', head('GET /endless HTTP/1.1'), 1],
  ['while the answer waits for more', head('GET /pending HTTP/1.1'), 1],
  ['after the answer', head('GET /ok HTTP/1.1'), 1],
  ['after the last answer', head('GET /ok HTTP/1.1', 'Connection: close'), 1],
  ['after a refusal', 'nonsense\r\n\r\n', 0],
  ['in a body that was answered', head('POST /ok HTTP/1.1', 'Content-Length: 9') + 'ab', 1],
  ['after it was taken over', offer, 1],
  ['after it was taken over, and something was said', offer + 'something', 1],
  ['with an offer that nobody answers', offer.replace('/takeover', '/wait'), 1],
]

async function answer(exchange: Exchange): Promise<void> {
  switch (exchange.request.target) {
    case '/read':
      await exchange.request.body.bytes()
      return exchange.respond(200)
    case '/ok':
      return exchange.respond(200, {}, 'ok')
    case '/endless':
      return exchange.respond(
        200,
        {},
        (async function* () {
          for (;;) {
            await new Promise((resolve) => setImmediate(resolve))
            yield Buffer.alloc(10_000)
          }
        })(),
      )
    case '/pending':
      return exchange.respond(200, {}, new ReadableStream())
    case '/takeover':
      return exchange.takeOver().connection.handle({ onData() {} })
    default:
      return never
  }
}

/** Has `server` do what it does with `text`, as far as it gets. */
async function reach(way: Way, server: HttpListener, text: string, requests: number) {
  const peer = await client(way, server)
  await until(() => server.connections.size === 1)
  if (text !== '') peer.write(text)
  await until(() => server.stats().bytesIn >= text.length && server.stats().requests === requests)
  await quiet()
  return peer
}

const start = (way: Way, options?: HttpListenOptions): Promise<HttpListener> => way.listen(answer, options)

describe.each(ways)('1 reset over $name', (way) => {
  test.each(phases)('%s leaves nothing behind', async (_, text, requests) => {
    await using server = await start(way)
    const reasons = reasonsOf(server)
    const peer = await reach(way, server, text, requests)
    peer.connection.destroy(new Error('reset'))
    await settled(server)
    expect(reasons).toHaveLength(1)
    expect(server.stats().requests).toBe(requests)
    expect(await (await client(way, server)).connection.send(head('GET /ok HTTP/1.1'))).toBeUndefined()
  })

  test.each(phases)('%s, while the listener drains', async (_, text, requests) => {
    const server = await start(way, { idleGrace: 5_000 })
    const reasons = reasonsOf(server)
    const peer = await reach(way, server, text, requests)
    const closed = server.close({ grace: 10_000 })
    await quiet()
    peer.connection.destroy(new Error('reset'))
    await closed
    await settled(server)
    expect(reasons).toHaveLength(1)
  })

  test.each(phases)('%s, as the listener is destroyed', async (_, text, requests) => {
    const server = await start(way)
    const reasons = reasonsOf(server)
    const peer = await reach(way, server, text, requests)
    server.destroy()
    peer.connection.destroy(new Error('reset'))
    await server.closed
    await settled(server)
    expect(reasons.length).toBeLessThanOrEqual(1)
  })

  test('in the turn in which it is taken over', async () => {
    const gate = new Signal()
    const outcome: unknown[] = []
    await using server = await way.listen(async (exchange) => {
      await gate.fired
      for (const connection of server.connections) connection.destroy()
      try {
        exchange.takeOver()
      } catch (error) {
        outcome.push(error)
      }
      await exchange.respond(200).catch((error: unknown) => outcome.push(error))
    })
    const peer = await client(way, server)
    peer.write(offer)
    await until(() => server.stats().requests === 1)
    gate.fire()
    await peer.toEnd()
    await settled(server)
    expect(outcome.length).toBeGreaterThan(0)
  })

  test('many at once, each in another phase', async () => {
    await using server = await start(way)
    const reasons = reasonsOf(server)
    const peers = await Promise.all(
      [...phases, ...phases, ...phases].map(async ([, text]) => {
        const peer = await client(way, server)
        if (text !== '') peer.write(text)
        return peer
      }),
    )
    await until(() => server.stats().requests === 3 * phases.reduce((sum, [, , count]) => sum + count, 0))
    await quiet()
    for (const peer of peers) peer.connection.destroy(new Error('reset'))
    await settled(server)
    expect(reasons).toHaveLength(peers.length)
  })

  test('cut at every byte of a conversation', async () => {
    const text =
      head('POST /read HTTP/1.1', 'Transfer-Encoding: chunked') +
      chunked('abcdef', 2) +
      head('GET /ok HTTP/1.1')
    await using server = await start(way)
    for (let at = 1; at <= text.length; at++) {
      const peer = await client(way, server)
      peer.write(text.slice(0, at))
      const before = server.stats().bytesIn
      await until(() => server.stats().bytesIn >= before)
      peer.connection.destroy(new Error('reset'))
    }
    await settled(server)
  })
})

/** Resets a connection of the system's: what the server hears is ECONNRESET. */
function reset(socket: Socket): void {
  socket.resetAndDestroy()
}

const handles = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(?:TCP|TLS).*W(?:RAP|rap)$/.test(name)).length

test('1 a reset of the system at any phase leaves no handle', async () => {
  const before = handles()
  const server = await listen({ port: 0, idleGrace: 0 }, answer)
  for (const [, text, requests] of phases) {
    const had = server.stats()
    const socket = connect({ port: portOf(server), host: '127.0.0.1' })
    socket.on('error', () => {}).resume()
    await until(() => server.connections.size === 1)
    if (text !== '') socket.write(text)
    await until(
      () =>
        server.stats().bytesIn >= had.bytesIn + text.length &&
        server.stats().requests === had.requests + requests,
    )
    await quiet()
    reset(socket)
    await settled(server)
  }
  await server.close()
  await until(() => handles() <= before)
})

describe('1 reset over TLS', () => {
  test.each([
    ['before a byte', 0],
    ['in the hello', 20],
  ])('in the handshake, %s', async (_, bytes) => {
    await using server = await listen({ port: 0, idleGrace: 0, tls: a }, answer)
    const socket = connect({ port: portOf(server), host: '127.0.0.1' })
    socket.on('error', () => {})
    await until(() => server.stats().connections?.pending === 1)
    if (bytes > 0) socket.write(Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1]), Buffer.alloc(bytes)]))
    await quiet()
    reset(socket)
    await until(() => server.stats().connections?.pending === 0)
    await settled(server)
    expect(server.stats()).toMatchObject({
      requests: 0,
      connections: { accepted: 0, refused: { handshake: 1 } },
    })
  })

  test.each(phases)('%s', async (_, text, requests) => {
    await using server = await listen({ port: 0, idleGrace: 0, tls: a }, answer)
    const reasons = reasonsOf(server)
    const raw = connect({ port: portOf(server), host: '127.0.0.1' })
    raw.on('error', () => {})
    const socket = secure({ socket: raw, rejectUnauthorized: false })
    socket.on('error', () => {}).resume()
    await until(() => server.connections.size === 1)
    if (text !== '') socket.write(text)
    await until(() => server.stats().bytesIn >= text.length && server.stats().requests === requests)
    await quiet()
    reset(raw)
    await settled(server)
    expect(reasons).toHaveLength(1)
  })
})
