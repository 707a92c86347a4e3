import { BrokenError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { client, head, quiet, Signal, until, ways } from './ways.ts'

describe.each(ways)('shutdown over $name', (way) => {
  test('what is under way is answered, and told to close; what is idle does not hold it up', async () => {
    const begun = new Signal()
    const gate = new Signal()
    const server = await way.listen(async (exchange) => {
      begun.fire()
      if (exchange.request.target === '/slow') await gate.fired
      await exchange.respond(200, {}, exchange.request.target)
    })
    const idle = await client(way, server)
    const fresh = await client(way, server)
    idle.write(head('GET /now HTTP/1.1'))
    await idle.replies(1)
    const slow = await client(way, server)
    slow.write(head('GET /slow HTTP/1.1') + head('GET /dropped HTTP/1.1'))
    await until(() => server.connections.size === 3)
    await quiet()
    const closed = server.close({ grace: 10_000 })
    await idle.toEnd()
    await fresh.toEnd()
    expect(slow.ended).toBe(false)
    gate.fire()
    expect(await slow.allReplies()).toMatchObject([{ body: '/slow', headers: { connection: 'close' } }])
    await closed
    expect(await server.closed).toEqual({ kind: 'local' })
  })

  test('an idle connection has a moment for one more request', async () => {
    const server = await way.listen((exchange) => exchange.respond(200, {}, exchange.request.target), {
      idleGrace: 250,
    })
    const peer = await client(way, server)
    peer.write(head('GET /1 HTTP/1.1'))
    await peer.replies(1)
    const closed = server.close()
    await quiet()
    peer.write(head('GET /2 HTTP/1.1'))
    const replies = await peer.allReplies()
    expect(replies.map(({ body }) => body)).toEqual(['/1', '/2'])
    expect(replies[1]?.headers['connection']).toBe('close')
    await closed
  })

  describe('by a clock that is turned by hand', () => {
    const clock = useManualClock()

    test('without end to its grace, an idle connection is kept as long as the listener has', async () => {
      const server = await way.listen((exchange) => exchange.respond(200, {}, exchange.request.target), {
        idleGrace: Infinity,
      })
      const peers = await Promise.all([client(way, server), client(way, server), client(way, server)])
      const [used, fresh, unused] = peers
      used.write(head('GET /1 HTTP/1.1'))
      await used.replies(1)
      await until(() => server.connections.size === 3)
      const closed = server.close({ grace: 60_000 })
      await quiet()
      clock.advance(10_000)
      await quiet()
      expect(peers.map(({ ended }) => ended)).toEqual([false, false, false])
      used.write(head('POST /2 HTTP/1.1', 'Content-Length: 2') + 'ab')
      fresh.write(head('GET /3 HTTP/1.1'))
      expect((await used.allReplies()).at(-1)).toMatchObject({ body: '/2', headers: { connection: 'close' } })
      expect(await fresh.allReplies()).toMatchObject([{ body: '/3', headers: { connection: 'close' } }])
      expect(unused.ended).toBe(false)
      unused.connection.end()
      await closed
      expect(unused.text).toBe('')
    })

    test('a client in the middle of a head finishes', async () => {
      const server = await way.listen((exchange) => exchange.respond(200, {}, 'done'))
      const peer = await client(way, server)
      const text = head('GET / HTTP/1.1')
      peer.write(text.slice(0, 20))
      await quiet()
      const closed = server.close()
      await quiet()
      clock.advance(1_000)
      await quiet()
      peer.write(text.slice(20))
      expect(await peer.allReplies()).toMatchObject([{ body: 'done', headers: { connection: 'close' } }])
      await closed
    })
  })

  test('idle clients that never end do not hold it up', async () => {
    const server = await way.listen((exchange) => exchange.respond(200))
    const peer = await client(way, server, { stay: true })
    peer.write(head('GET / HTTP/1.1'))
    await peer.replies(1)
    const before = performance.now()
    await server.close({ grace: 15_000 })
    expect(performance.now() - before).toBeLessThan(3_000)
    peer.connection.destroy()
  })

  test('when the grace runs out the rest is destroyed', async () => {
    const begun = new Signal()
    const aborted = new Signal()
    const server = await way.listen((exchange) => {
      exchange.signal.addEventListener('abort', () => aborted.fire())
      begun.fire()
      return new Promise(() => {})
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    await begun.fired
    await server.close({ grace: 50 })
    await aborted.fired
    expect(server.connections.size).toBe(0)
    await peer.toEnd()
    expect(peer.text).toBe('')
  })

  test('closing twice, inside a handler, and destroying end in the same state', async () => {
    const server = await way.listen(async (exchange) => {
      void server.close()
      await quiet()
      await exchange.respond(200, {}, 'last')
      void server.close({ grace: 1000 })
    })
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1'))
    expect(await peer.allReplies()).toMatchObject([{ body: 'last', headers: { connection: 'close' } }])
    await server.closed
    server.destroy()
    expect(server.state).toBe('closed')

    const other = await way.listen(() => new Promise(() => {}))
    const gone = await client(way, other)
    gone.write(head('GET / HTTP/1.1'))
    await quiet()
    other.destroy(new Error('enough'))
    expect(await other.closed).toMatchObject({ kind: 'error' })
    await gone.toEnd()
  })

  test.each(['before it', 'behind it'])(
    'an answer in the turn of a close that is asked for %s is the last',
    async (when) => {
      const server = await way.listen((exchange) => {
        if (when === 'before it') {
          void server.close()
          return exchange.respond(200, {}, 'last')
        }
        const answered = exchange.respond(200, {}, pieces())
        void server.close()
        return answered
      })
      const peer = await client(way, server)
      peer.write(head('GET /1 HTTP/1.1') + head('GET /2 HTTP/1.1'))
      expect(await peer.allReplies()).toMatchObject([{ body: 'last', headers: { connection: 'close' } }])
      await server.closed
    },
  )

  describe('of injected requests', () => {
    test('waits for those that are under way', async () => {
      const gate = new Signal()
      const server = await way.listen(async (exchange) => {
        await gate.fired
        await exchange.respond(200, {}, 'late')
      })
      const asked = server.inject('/')
      await until(() => server.stats().active === 1)
      let over = false
      const closed = server.close({ grace: 10_000 }).then(() => (over = true))
      await quiet()
      expect([over, server.state]).toEqual([false, 'closing'])
      gate.fire()
      const response = await asked
      expect([response.headers.get('connection'), await response.text()]).toEqual(['close', 'late'])
      await closed
      expect(server.state).toBe('closed')
    })

    test.each(['the grace runs out', 'it is destroyed'])('cuts them when %s', async (how) => {
      const aborted = new Signal()
      const server = await way.listen((exchange) => {
        exchange.signal.addEventListener('abort', () => aborted.fire())
        return new Promise(() => {})
      })
      const asked = server.inject('/').catch((error: unknown) => error)
      await until(() => server.stats().active === 1)
      if (how === 'it is destroyed') server.destroy()
      else await server.close({ grace: 50 })
      await aborted.fired
      expect(await asked).toBeInstanceOf(BrokenError)
      await server.closed
      expect(server.stats().active).toBe(0)
    })
  })

  describe('with work behind the answer', () => {
    test('waits for it, and tells what it rejects with', async () => {
      const gates = [new Signal(), new Signal()]
      const told: unknown[] = []
      const server = await way.listen(
        async (exchange) => {
          exchange.waitUntil(gates[0]!.fired.then(() => exchange.waitUntil(gates[1]!.fired.then(raise))))
          await exchange.respond(200, {}, 'ok')
        },
        { onError: (error, exchange) => void told.push(error, exchange.request.target) },
      )
      const peer = await client(way, server)
      peer.write(head('GET /work HTTP/1.1'))
      expect((await peer.replies(1))[0]?.body).toBe('ok')
      let over = false
      const closed = server.close({ grace: 10_000 }).then(() => (over = true))
      await peer.toEnd()
      await until(() => server.connections.size === 0)
      for (const gate of gates) {
        await quiet()
        expect([over, server.state, server.accepting]).toEqual([false, 'closing', false])
        gate.fire()
      }
      await closed
      expect(server.state).toBe('closed')
      expect(told).toEqual([expect.objectContaining({ message: 'of the work' }), '/work'])
    })

    test.each(['the grace runs out', 'a shorter grace runs out', 'it is destroyed', 'nobody waits any more'])(
      'waits no longer when %s',
      async (how) => {
        const server = await way.listen((exchange) => {
          exchange.waitUntil(new Promise(() => {}))
          return exchange.respond(200)
        })
        const peer = await client(way, server)
        peer.write(head('GET / HTTP/1.1'))
        await peer.replies(1)
        const abort = new AbortController()
        const grace = how === 'the grace runs out' ? 50 : 60_000
        const closed = server.close({ grace, signal: abort.signal })
        const outcome = closed.catch((error: unknown) => error)
        await peer.toEnd()
        await quiet()
        if (how === 'a shorter grace runs out') void server.close({ grace: 50 })
        if (how === 'it is destroyed') server.destroy()
        if (how === 'nobody waits any more') {
          abort.abort(new Error('enough'))
          expect(await outcome).toMatchObject({ message: 'enough' })
          expect(server.state).toBe('closing')
          server.destroy()
        }
        await outcome
        await server.closed
        expect(server.state).toBe('closed')
      },
    )

    test('does not hold the connection up', async () => {
      await using server = await way.listen((exchange) => {
        exchange.waitUntil(quiet())
        return exchange.respond(200, {}, exchange.request.target)
      })
      const peer = await client(way, server)
      peer.write(head('GET /1 HTTP/1.1') + head('GET /2 HTTP/1.1'))
      expect((await peer.replies(2)).map(({ body }) => body)).toEqual(['/1', '/2'])
    })
  })

  test('many starts and stops leave nothing', async () => {
    for (let count = 0; count < 100; count++) {
      const server = await way.listen((exchange) => exchange.respond(200))
      const peer = await client(way, server)
      if (count % 2) peer.write(head('GET / HTTP/1.1'))
      if (count % 4 > 1) await quiet()
      await server.close({ grace: 0 })
      expect(server.connections.size).toBe(0)
      peer.connection.destroy()
    }
  })

  test('suspended, it serves those who are there; resumed, the others, too', async () => {
    await using server = await way.listen((exchange) => exchange.respond(200, {}, 'ok'))
    const peer = await client(way, server)
    await until(() => server.connections.size === 1)
    await server.suspend()
    await expect(way.connect(server)).rejects.toThrow('Cannot connect')
    peer.write(head('GET / HTTP/1.1'))
    expect((await peer.replies(1))[0]?.body).toBe('ok')
    await server.resume()
    const late = await client(way, server)
    late.write(head('GET / HTTP/1.1'))
    expect((await late.replies(1))[0]?.body).toBe('ok')
  })
})

async function* pieces(): AsyncGenerator<string> {
  yield 'la'
  await quiet()
  yield 'st'
}

function raise(): never {
  throw new Error('of the work')
}
