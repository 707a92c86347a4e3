import { setTimeout } from 'node:timers/promises'

import { ClosedError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { RawClient } from './client.ts'
import { client, emptied, head, quiet, Signal, until, ways } from './ways.ts'

/** Options that keep what `onError` is told. */
function watched(): { told: unknown[]; onError: (error: unknown) => void } {
  const told: unknown[] = []
  return { told, onError: (error) => void told.push(error) }
}

/** Asks, and ends once the request has been heard. */
function askAndEnd(peer: RawClient, heard: Promise<void>): Promise<void> {
  peer.write(head('GET / HTTP/1.1'))
  return heard.then(() => peer.connection.end())
}

describe.each(ways)('a client that ends over $name', (way) => {
  test('aborts the signal, gets its answer, and is not gone', async () => {
    const [heard, aborted] = [new Signal(), new Signal()]
    const seen: unknown[] = []
    const { told, onError } = watched()
    const server = await way.listen(
      async (exchange) => {
        exchange.signal.addEventListener('abort', aborted.fire)
        heard.fire()
        await aborted.fired
        seen.push(exchange.signal.reason, exchange.abandoned)
        await exchange.respond(200, {}, 'still here')
        seen.push(exchange.abandoned)
      },
      { onError },
    )
    const peer = await client(way, server)
    await askAndEnd(peer, heard.fired)
    const replies = await peer.allReplies()
    expect(replies).toMatchObject([{ status: 200, headers: { connection: 'close' }, body: 'still here' }])
    expect(seen).toEqual([expect.any(ClosedError), false, false])
    expect((seen[0] as Error).message).toBe('Request aborted: the client has ended')
    await emptied(server)
    expect(told).toEqual([])
    expect(server.stats()).toMatchObject({ aborted: 0, active: 0, answers: { '2xx': 1 } })
    await server.close()
  })

  test('is told of by a signal that is asked for later, too', async () => {
    const [heard, gate] = [new Signal(), new Signal()]
    const seen: boolean[] = []
    const server = await way.listen(async (exchange) => {
      heard.fire()
      await gate.fired
      seen.push(exchange.signal.aborted)
      await exchange.respond(200)
    })
    const peer = await client(way, server)
    await askAndEnd(peer, heard.fired)
    await quiet()
    gate.fire()
    await peer.allReplies()
    expect(seen).toEqual([true])
    await server.close()
  })

  test('before its answer, which another request was to follow, is told only once that one is handled', async () => {
    const gates = [new Signal(), new Signal()]
    const seen: boolean[] = []
    let at = 0
    const server = await way.listen(async (exchange) => {
      const gate = gates[at++]
      await gate?.fired
      seen.push(exchange.signal.aborted)
      await exchange.respond(200)
    })
    const peer = await client(way, server)
    peer.write(head('GET /1 HTTP/1.1') + head('GET /2 HTTP/1.1'))
    peer.connection.end()
    await until(() => at === 1)
    await quiet()
    gates[0]?.fire()
    await until(() => at === 2)
    await quiet()
    gates[1]?.fire()
    expect((await peer.allReplies()).map(({ status }) => status)).toEqual([200, 200])
    expect(seen).toEqual([false, true])
    await server.close()
  })

  test('still gets a stream to its end', async () => {
    const [heard, gate] = [new Signal(), new Signal()]
    const server = await way.listen((exchange) =>
      exchange.respond(
        200,
        {},
        (async function* () {
          heard.fire()
          yield 'one '
          await gate.fired
          yield 'two'
        })(),
      ),
    )
    const peer = await client(way, server)
    await askAndEnd(peer, heard.fired)
    await quiet()
    gate.fire()
    expect((await peer.allReplies()).map(({ body }) => body)).toEqual(['one two'])
    await server.close()
  })

  test('and is reset then is gone', async () => {
    const [heard, abandoned] = [new Signal(), new Signal()]
    const server = await way.listen(async (exchange) => {
      heard.fire()
      await until(() => exchange.abandoned)
      abandoned.fire()
    })
    const peer = await client(way, server)
    await askAndEnd(peer, heard.fired)
    await quiet()
    // What is written to a closed connection finds that out; a reset says it.
    for (const connection of server.connections) connection.destroy()
    await abandoned.fired
    expect(server.stats()).toMatchObject({ aborted: 1, active: 0 })
    await server.close()
  })

  test.each<[string, (signal: AbortSignal) => Promise<unknown>, number]>([
    ['the reason', (signal) => rejectedBy(signal), 0],
    ['an AbortError', (signal) => setTimeout(2 ** 30, undefined, { signal }), 0],
    ['anything else', (signal) => rejectedBy(signal).catch(() => Promise.reject(new Error('bad'))), 1],
  ])('and then %s of the handler: 500, which is told only where it is news', async (_, work, count) => {
    for (const how of ['listen', 'serve'] as const) {
      const heard = new Signal()
      const { told, onError } = watched()
      const run = async (signal: AbortSignal): Promise<never> => {
        setImmediate(heard.fire)
        await work(signal)
        return expect.unreachable()
      }
      const server = await (how === 'listen'
        ? way.listen((exchange) => run(exchange.signal), { onError })
        : way.serve((request) => run(request.signal), { onError }))
      const peer = await client(way, server)
      await askAndEnd(peer, heard.fired)
      expect((await peer.allReplies()).map(({ status }) => status)).toEqual([500])
      expect(told).toHaveLength(count)
      await emptied(server)
      await server.close()
    }
  })
})

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}
