import { connect } from 'node:net'

import { TimeoutError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import type { Exchange, HttpListener } from '../../src/index.ts'
import type { RawClient } from './client.ts'
import { client, emptied, head, portOf, quiet, Signal, until, ways } from './ways.ts'

const clock = useManualClock()
const second = 1_000

/** Writes, and waits until the server has read it. */
async function arrive(server: HttpListener, peer: RawClient, text: string): Promise<void> {
  const before = server.stats().bytesIn
  peer.write(text)
  await until(() => server.stats().bytesIn >= before + text.length || server.connections.size === 0)
}

/** Lets closing connections go; nobody turns the clock for them any more. */
function leave(server: HttpListener, ...peers: RawClient[]): Promise<void> {
  for (const peer of peers) peer.connection.destroy()
  return emptied(server)
}

const endless = (exchange: Exchange): Promise<void> =>
  exchange.respond(
    200,
    {},
    (async function* () {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve))
        yield Buffer.alloc(16_384, 120)
      }
    })(),
  )

describe.each(ways)('timeouts over $name', (way) => {
  test('a connection that sends nothing, or nothing more, is closed without a word', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200))
    const silent = await client(way, server)
    const idle = await client(way, server)
    await until(() => server.connections.size === 2)
    await arrive(server, idle, head('GET / HTTP/1.1'))
    await idle.replies(1)
    clock.advance(14 * second)
    await quiet()
    expect(silent.ended).toBe(false)
    clock.advance(2 * second)
    expect(await silent.toEnd()).toBe('')
    clock.advance(55 * second)
    await quiet()
    // Longer than the 60 seconds of a load balancer, which is to be the one that closes.
    expect(idle.ended).toBe(false)
    clock.advance(2 * second)
    expect(await idle.allReplies()).toHaveLength(1)
    expect(server.stats()).toMatchObject({ timeouts: { headers: 1, idle: 1 }, refused: {} })
    await emptied(server)
  })

  test('each request gives an idle connection its time again', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200))
    const peer = await client(way, server)
    for (let count = 1; count <= 3; count++) {
      await arrive(server, peer, head('GET / HTTP/1.1'))
      await peer.replies(count)
      clock.advance(60 * second)
    }
    await quiet()
    expect(peer.ended).toBe(false)
    await leave(server, peer)
  })

  test.each(['at a stretch', 'after an answer', 'behind another request'])(
    'a head that does not end gets 408, sent byte by byte %s',
    async (how) => {
      await using server = await way.listen((exchange) => exchange.respond(200))
      const peer = await client(way, server)
      const before = how === 'at a stretch' ? '' : head('GET / HTTP/1.1')
      if (how === 'after an answer') {
        await arrive(server, peer, before)
        await peer.replies(1)
        clock.advance(60 * second)
      }
      await arrive(server, peer, `${how === 'behind another request' ? before : ''}GET / HTTP/1.1\r\nX: `)
      let seconds = 0
      for (; !peer.ended && seconds < 30; seconds++) {
        clock.advance(second)
        await quiet()
        if (!peer.ended) await arrive(server, peer, 'y')
      }
      expect(seconds).toBe(15)
      expect((await peer.allReplies()).at(-1)).toMatchObject({
        status: 408,
        headers: { connection: 'close' },
      })
      expect(server.stats()).toMatchObject({ timeouts: { headers: 1 }, refused: { 408: 1 } })
      await leave(server, peer)
    },
  )

  test.each(['does not come', 'comes byte by byte'])('a body that %s gets 408', async (how) => {
    const errors: unknown[] = []
    const signals: AbortSignal[] = []
    await using server = await way.listen(async (exchange) => {
      signals.push(exchange.signal)
      await exchange.request.body.text().catch((error: unknown) => errors.push(error))
    })
    const peer = await client(way, server)
    await arrive(server, peer, head('POST / HTTP/1.1', 'Content-Length: 100000') + 'a')
    await quiet()
    let seconds = 0
    for (; !peer.ended && seconds < 60; seconds++) {
      clock.advance(second)
      await quiet()
      if (!peer.ended && how !== 'does not come') await arrive(server, peer, 'y')
    }
    expect(seconds).toBe(30)
    expect(await peer.allReplies()).toMatchObject([{ status: 408 }])
    expect(errors).toMatchObject([{ phase: 'body' }])
    expect(signals[0]?.reason).toBe(errors[0])
    expect(server.stats()).toMatchObject({ timeouts: { body: 1 }, aborted: 1, active: 0 })
    await leave(server, peer)
  })

  test.each(['does not come', 'comes kibibyte by kibibyte'])(
    'what is left of a body that was answered early, and %s, is not waited for long',
    async (how) => {
      await using server = await way.listen((exchange) => exchange.respond(200, {}, 'early'))
      const peer = await client(way, server)
      await arrive(server, peer, head('POST / HTTP/1.1', 'Transfer-Encoding: chunked'))
      await peer.replies(1)
      let seconds = 0
      for (; !peer.ended && seconds < 60; seconds++) {
        clock.advance(second)
        await quiet()
        if (!peer.ended && how !== 'does not come') {
          await arrive(server, peer, `400\r\n${'y'.repeat(1024)}\r\n`)
        }
      }
      expect(seconds).toBe(2)
      expect(await peer.allReplies()).toMatchObject([{ status: 200, body: 'early' }])
      expect(server.stats()).toMatchObject({ timeouts: { body: 1 }, aborted: 0 })
      await leave(server, peer)
    },
  )

  test('a body that comes slowly, but comes, is waited for; so is one that nobody reads yet', async () => {
    const gate = new Signal()
    await using server = await way.listen(async (exchange) => {
      await gate.fired
      await exchange.respond(200, {}, String((await exchange.request.body.bytes()).byteLength))
    })
    const peer = await client(way, server)
    await arrive(server, peer, head('POST / HTTP/1.1', 'Content-Length: 12000'))
    await quiet()
    clock.advance(100 * second)
    gate.fire()
    for (let count = 0; count < 6; count++) {
      await quiet()
      clock.advance(20 * second)
      await arrive(server, peer, 'y'.repeat(2000))
    }
    expect((await peer.replies(1))[0]?.body).toBe('12000')
    await leave(server, peer)
  })

  test.each([
    ['streamed', 1],
    ['whole', 1],
    ['small', 20_000],
  ])('a client that does not read its %s answer is cut off', async (kind, count) => {
    await using server = await way.listen((exchange) => {
      if (kind === 'small') return exchange.respond(200, {}, 'x'.repeat(60_000))
      return kind === 'whole' ? exchange.respond(200, {}, Buffer.alloc(2 ** 26)) : endless(exchange)
    })
    const connection = await way.connect(server)
    connection.write(head('GET / HTTP/1.1').repeat(count))
    await until(() => server.stats().bytesOut > 0)
    for (let before = -1; before !== server.stats().bytesOut; await quiet()) before = server.stats().bytesOut
    const [served] = server.connections
    clock.advance(50 * second)
    await quiet()
    expect(served?.state).toBe('open')
    clock.advance(20 * second)
    await emptied(server)
    await quiet()
    expect(server.stats()).toMatchObject({ timeouts: { write: 1 }, active: 0 })
    connection.destroy()
  })

  test('one that does not read is cut off, too, while it sends', async () => {
    await using server = await way.listen((exchange) => {
      exchange.request.body.handle({ onData() {} })
      return endless(exchange)
    })
    const connection = await way.connect(server)
    connection.write(head('POST / HTTP/1.1', 'Content-Length: 10000000'))
    await until(() => server.stats().bytesOut > 0)
    let seconds = 0
    for (; server.connections.size > 0 && seconds < 100; seconds++) {
      await quiet()
      if (connection.state === 'open') connection.write('y'.repeat(2000))
      await quiet()
      clock.advance(second)
    }
    expect(seconds).toBeLessThan(70)
    await quiet()
    expect(server.stats()).toMatchObject({ timeouts: { write: 1, body: 0 } })
    connection.destroy()
  })

  test('a client that reads slowly gets all of it', async () => {
    const size = 4 * 1024 * 1024
    await using server = await way.listen((exchange) => exchange.respond(200, {}, Buffer.alloc(size, 120)))
    const connection = await way.connect(server)
    connection.write(head('GET / HTTP/1.1', 'Connection: close'))
    let got = 0
    for await (const chunk of connection) {
      got += chunk.byteLength
      if (got < size && (got / 65_536) % 8 < 1) {
        await quiet()
        clock.advance(10 * second)
      }
    }
    expect(got).toBeGreaterThan(size)
    connection.destroy()
  })

  test('a client that keeps sending after the last answer is let go', async () => {
    await using server = await way.listen((exchange) => exchange.respond(401))
    const peer = await client(way, server, { stay: true })
    await arrive(server, peer, head('POST / HTTP/1.1', 'Content-Length: 1000000'))
    expect((await peer.replies(1))[0]?.status).toBe(401)
    let ticks = 0
    for (; server.connections.size > 0 && ticks < 100; ticks++) {
      if (peer.connection.state === 'open') peer.write('y')
      await quiet()
      clock.advance(250)
    }
    expect(ticks).toBeLessThan(12)
    peer.connection.destroy()
  })

  describe('of the handler', () => {
    test.each(['does nothing', 'reads what comes'])('one that %s is answered for, with 503', async (how) => {
      const told: unknown[] = []
      const signals: AbortSignal[] = []
      const late = new Signal()
      const outcome: Promise<unknown>[] = []
      await using server = await way.listen(
        async (exchange) => {
          signals.push(exchange.signal)
          if (how !== 'does nothing') exchange.request.body.handle({ onData() {} })
          await late.fired
          outcome.push(exchange.respond(200).catch((error: unknown) => error))
        },
        { handlerTimeout: 10 * second, onError: (error) => void told.push(error) },
      )
      const peer = await client(way, server)
      await arrive(server, peer, head('POST / HTTP/1.1', 'Content-Length: 1000000'))
      let seconds = 0
      for (; !peer.ended && seconds < 30; seconds++) {
        // What nobody reads is left with the client.
        if (how === 'does nothing') peer.write('y')
        else await arrive(server, peer, 'y'.repeat(2000))
        clock.advance(second)
        await quiet()
      }
      expect(seconds).toBe(10)
      expect(await peer.allReplies()).toMatchObject([{ status: 503, headers: { connection: 'close' } }])
      expect(signals[0]?.reason).toBeInstanceOf(TimeoutError)
      expect(signals[0]?.reason).toMatchObject({ phase: 'handler' })
      expect(told).toEqual([signals[0]?.reason])
      expect(server.stats()).toMatchObject({ timeouts: { handler: 1 }, refused: { 503: 1 }, aborted: 0 })
      late.fire()
      await quiet()
      expect(await outcome[0]).toBeInstanceOf(Error)
      await leave(server, peer)
    })

    test.each(['listen', 'serve'] as const)(
      'one that rejects because of it is told of once: %s',
      async (how) => {
        const told: unknown[] = []
        const options = { handlerTimeout: 10 * second, onError: (error: unknown) => void told.push(error) }
        const begun = new Signal()
        const rejected: unknown[] = []
        const run = async (signal: AbortSignal): Promise<never> => {
          const reason = new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          )
          begun.fire()
          return reason.catch((error: unknown) => {
            rejected.push(error)
            throw error
          })
        }
        await using server = await (how === 'listen'
          ? way.listen((exchange) => run(exchange.signal), options)
          : way.serve((request) => run(request.signal), options))
        const peer = await client(way, server)
        await arrive(server, peer, head('GET / HTTP/1.1'))
        await begun.fired
        await quiet()
        clock.advance(10 * second)
        expect((await peer.allReplies()).map(({ status }) => status)).toEqual([503])
        await quiet()
        expect(rejected).toHaveLength(1)
        expect(told).toEqual([expect.any(TimeoutError)])
        await leave(server, peer)
      },
    )

    test('an answer that has begun is cut, and its source let go of', async () => {
      const cancelled: unknown[] = []
      const signals: AbortSignal[] = []
      await using server = await way.listen(
        (exchange) => {
          signals.push(exchange.signal)
          return exchange.respond(
            200,
            {},
            new ReadableStream<Uint8Array>({
              start: (controller) => controller.enqueue(Buffer.from('begun')),
              cancel: (reason) => void cancelled.push(reason),
            }),
          )
        },
        { handlerTimeout: 10 * second },
      )
      const peer = await client(way, server)
      peer.write(head('GET / HTTP/1.1'))
      await peer.until(() => peer.text.includes('begun'))
      clock.advance(11 * second)
      await emptied(server)
      await peer.until(() => true)
      expect(peer.text).not.toMatch(/\r\n0\r\n\r\n$/)
      expect(signals[0]?.reason).toMatchObject({ phase: 'handler' })
      await until(() => cancelled.length === 1)
      expect(server.stats()).toMatchObject({ timeouts: { handler: 1 }, aborted: 0, active: 0 })
      peer.connection.destroy()
    })

    test('one that answers in time has it anew for each request', async () => {
      const gates = [new Signal(), new Signal(), new Signal()]
      let at = 0
      await using server = await way.listen(
        async (exchange) => {
          await gates[at++]?.fired
          await exchange.respond(200)
        },
        { handlerTimeout: 10 * second },
      )
      const peer = await client(way, server)
      for (const [index, gate] of gates.entries()) {
        await arrive(server, peer, head('GET / HTTP/1.1'))
        clock.advance(8 * second)
        gate.fire()
        await peer.replies(index + 1)
        clock.advance(20 * second)
      }
      expect(server.stats()).toMatchObject({ timeouts: { handler: 0 }, answers: { '2xx': 3 } })
      await leave(server, peer)
    })

    test('without the option, nobody hurries it', async () => {
      const gate = new Signal()
      await using server = await way.listen(async (exchange) => {
        await gate.fired
        await exchange.respond(200)
      })
      const peer = await client(way, server)
      await arrive(server, peer, head('GET / HTTP/1.1'))
      clock.advance(1000 * second)
      gate.fire()
      expect((await peer.replies(1))[0]?.status).toBe(200)
      await leave(server, peer)
    })
  })

  test.each(['interimResponses', 'bodyBytes', 'headBits', '__proto__'])(
    'limits.%s is none of a server, and refused by name',
    async (name) => {
      const limits = Object.fromEntries([[name, 1]])
      await expect(way.listen(undefined, { limits })).rejects.toThrow(
        new TypeError(`Invalid option limits.${name}: there is no such limit`),
      )
    },
  )

  test('a time or a limit that is none is refused by name, before anything listens', async () => {
    const options = [
      { headersTimeout: -1 },
      { bodyTimeout: 1.5 },
      { handlerTimeout: Number.NaN },
      { maxBodySize: -1 },
      { limits: { headBytes: Number.NaN } },
    ]
    for (const option of options) {
      const [name = ''] = Object.keys(option)
      await expect(way.listen(undefined, option)).rejects.toThrow(new RegExp(`Invalid option ${name}`))
    }
    await using server = await way.listen(undefined, { bodyTimeout: Infinity, maxBodySize: Infinity })
    expect(server.accepting).toBe(true)
  })
})

test('a client that reads a byte every ten seconds is cut at its deadline', async () => {
  const way = ways.find(({ name }) => name === 'tcp')!
  await using server = await way.listen(endless)
  let bytes = 0
  // One byte at a time from the system, and no more before it is asked for.
  const onread = { buffer: Buffer.alloc(1), callback: () => (bytes++, false) }
  const socket = connect({ port: portOf(server), host: '127.0.0.1', onread })
  socket.on('error', () => {})
  socket.write(head('GET / HTTP/1.1'))
  await until(() => bytes > 0)
  for (let before = -1; before !== server.stats().bytesOut; await quiet()) before = server.stats().bytesOut
  let seconds = 0
  for (; server.connections.size > 0 && seconds < 200; seconds += 10) {
    clock.advance(10 * second)
    const before = bytes
    socket.resume()
    await until(() => bytes > before || socket.destroyed)
    await quiet()
  }
  expect(seconds).toBeLessThanOrEqual(80)
  expect(bytes).toBeLessThan(20)
  await quiet()
  expect(server.stats()).toMatchObject({ timeouts: { write: 1 } })
  socket.destroy()
})
