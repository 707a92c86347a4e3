import { getEventListeners } from 'node:events'

import type { ByteConnection } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { type IncomingResponse, IncomingResponse as Response } from '../../src/index.ts'
import { quiet, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, rawWays, standing } from './raw-server.ts'

const reason = new Error('enough')

/** An aborted signal is left without listeners, as is one that is never aborted. */
function heard(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length
}

describe('an abort rejects with the reason of the signal, and frees everything at once', () => {
  test('before anything has begun', async () => {
    await using server = await raw.open(() => answer())
    await using client = server.client()
    for (const why of [reason, 'text', 7, { any: 'thing' }]) {
      const error = await failure(client.request('/', { signal: AbortSignal.abort(why) }))
      expect(error).toBe(why)
    }
    await quiet()
    expect([server.peers.length, client.stats()]).toMatchObject([0, { requests: 0, active: 0, origins: {} }])
  })

  test('before anything has begun, with a stream that is let go of', async () => {
    let cancelled = 0
    const body = new ReadableStream({ cancel: () => void cancelled++ })
    await using server = await raw.open(() => answer())
    await using client = server.client()
    expect(await failure(client.request('/', { body, signal: AbortSignal.abort(reason) }))).toBe(reason)
    await quiet()
    expect(cancelled).toBe(1)
  })

  test('while an interceptor thinks', async () => {
    const gone = new AbortController()
    await using server = await raw.open(() => answer())
    await using client = server.client({
      interceptors: [
        async (request, next) => {
          gone.abort(reason)
          await quiet()
          return next(request)
        },
      ],
    })
    expect(await failure(client.request('/', { signal: gone.signal }))).toBe(reason)
    await quiet()
    expect([server.peers.length, client.stats()]).toMatchObject([0, { active: 0, origins: {} }])
  })

  test('while it waits for a connection', async () => {
    const gone = new AbortController()
    await using server = await raw.open()
    await using client = server.client({ maxConnections: 1 })
    const busy = failure(client.request('/busy'))
    await until(() => server.peers[0]?.asked.length === 1)
    const waiting = failure(client.request('/', { signal: gone.signal }))
    expect([standing(client), heard(gone.signal)]).toEqual([{ ...nothing, connections: 1, queued: 1 }, 1])
    gone.abort(reason)
    expect([await waiting, heard(gone.signal)]).toEqual([reason, 0])
    expect([standing(client), server.peers[0]!.gone]).toEqual([{ ...nothing, connections: 1 }, false])
    client.destroy()
    await busy
    expect(client.stats()).toMatchObject({ active: 0, failed: 2 })
  })

  test('while it connects', async () => {
    const gone = new AbortController()
    let seen: AbortSignal | undefined
    await using server = await raw.open()
    await using client = server.client({
      connect: ({ signal }) => {
        seen = signal
        return new Promise<ByteConnection>(() => {})
      },
    })
    const waiting = failure(client.request('/', { signal: gone.signal }))
    await until(() => seen !== undefined)
    gone.abort(reason)
    expect([await waiting, heard(gone.signal), seen!.aborted]).toEqual([reason, 0, true])
    await quiet()
    expect(client.stats()).toMatchObject({ active: 0, failed: 1, origins: {} })
  })

  test('while TLS is set up', async () => {
    const gone = new AbortController()
    await using server = await rawWays[1]!.open()
    server.accept = (connection) => {
      taken.push(connection)
      connection.handle({ onData() {}, onClose: () => void left++ })
    }
    const taken: ByteConnection[] = []
    let left = 0
    await using client = server.client()
    const waiting = failure(client.request(server.url.replace('http', 'https'), { signal: gone.signal }))
    await until(() => taken.length === 1)
    gone.abort(reason)
    expect([await waiting, heard(gone.signal)]).toEqual([reason, 0])
    await until(() => left === 1)
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
  })

  test.each(rawWays)('while a stream is sent over $name', async (way) => {
    const gone = new AbortController()
    let cancelled: unknown
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('first')),
      cancel: (why) => void (cancelled = why),
    })
    await using server = await way.open()
    await using client = server.client()
    const sending = failure(client.request('/', { body, signal: gone.signal }))
    await until(() => server.peers[0]?.text.includes('first') === true)
    gone.abort(reason)
    expect([await sending, heard(gone.signal)]).toEqual([reason, 0])
    await until(() => server.peers[0]!.gone && cancelled !== undefined)
    expect(client.stats()).toMatchObject({ active: 0, failed: 1, retries: 0, origins: {} })
  })

  test('while a server takes nothing of a large body', async () => {
    const gone = new AbortController()
    await using server = await raw.open()
    server.paused = true
    await using client = server.client()
    const sending = failure(client.request('/', { body: Buffer.alloc(4_000_000), signal: gone.signal }))
    await server.peer()
    await quiet()
    gone.abort(reason)
    expect([await sending, heard(gone.signal)]).toEqual([reason, 0])
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
  })

  test('while its body waits to be wanted', async () => {
    const gone = new AbortController()
    let cancelled = 0
    const body = new ReadableStream({ cancel: () => void cancelled++ })
    await using server = await raw.open()
    await using client = server.client()
    const waiting = failure(client.request('/', { body, expectContinue: true, signal: gone.signal }))
    await until(() => server.peers[0]?.text.endsWith('\r\n\r\n') === true)
    gone.abort(reason)
    expect([await waiting, heard(gone.signal)]).toEqual([reason, 0])
    await until(() => server.peers[0]!.gone && cancelled === 1)
    expect(client.stats()).toMatchObject({ active: 0, failed: 1, origins: {} })
  })

  test.each(rawWays)('while it waits for an answer over $name', async (way) => {
    const gone = new AbortController()
    await using server = await way.open()
    await using client = server.client()
    const waiting = failure(client.request('/', { signal: gone.signal }))
    await until(() => server.peers[0]?.asked.length === 1)
    gone.abort(reason)
    expect([await waiting, heard(gone.signal)]).toEqual([reason, 0])
    await until(() => server.peers[0]!.gone)
    expect(client.stats()).toMatchObject({ active: 0, failed: 1, retries: 0, origins: {} })
  })

  const readers: [string, (got: IncomingResponse) => Promise<unknown>][] = [
    ['text', (got) => got.text()],
    ['bytes', (got) => got.bytes()],
    ['json', (got) => got.json()],
    [
      'iteration',
      async (got) => {
        for await (const chunk of got) void chunk
      },
    ],
    ['body.text', (got) => got.body.text()],
    [
      'stream',
      async (got) => {
        const reader = got.stream().getReader()
        while (!(await reader.read()).done);
      },
    ],
    [
      'handle',
      (got) =>
        new Promise((_resolve, reject) =>
          got.body.handle({
            onData() {},
            onClose: (why) => reject(why.kind === 'error' ? why.error : new Error(why.kind)),
          }),
        ),
    ],
  ]
  test.each(readers)('in the middle of the body, read by %s', async (_how, read) => {
    const gone = new AbortController()
    await using server = await raw.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'),
    )
    await using client = server.client()
    const got = await client.request('/', { signal: gone.signal })
    const reading = failure(read(got))
    await quiet()
    gone.abort(reason)
    expect([await reading, heard(gone.signal)]).toEqual([reason, 0])
    await until(() => server.peers[0]!.gone)
    expect(client.stats()).toMatchObject({ active: 0, failed: 1, origins: {} })
  })

  test.each(readers)('before the body is read, by %s, with some of it there', async (_how, read) => {
    const gone = new AbortController()
    await using server = await raw.open((_asked, peer) =>
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall'),
    )
    await using client = server.client()
    const got = await client.request('/', { signal: gone.signal })
    gone.abort(reason)
    expect(await failure(read(got))).toBe(reason)
    await until(() => server.peers[0]!.gone)
  })

  test('on the way from one redirect to the next', async () => {
    const gone = new AbortController()
    await using server = await raw.open((asked) => {
      if (asked.target !== '/') return undefined
      return 'HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n'
    })
    await using client = server.client()
    const waiting = failure(client.request('/', { signal: gone.signal }))
    await until(() => server.peers[0]?.asked.length === 2)
    gone.abort(reason)
    expect([await waiting, heard(gone.signal)]).toEqual([reason, 0])
  })

  test('of an upgrade', async () => {
    const gone = new AbortController()
    await using server = await raw.open()
    await using client = server.client()
    const waiting = failure(client.upgrade('/', { protocol: 'x', signal: gone.signal }))
    await until(() => server.peers[0]?.asked.length === 1)
    gone.abort(reason)
    expect([await waiting, heard(gone.signal)]).toEqual([reason, 0])
  })
})

describe('an abort that comes too late', () => {
  test('does nothing to an answer that is there, nor to those behind it', async () => {
    const gone = new AbortController()
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client()
    const got = await client.request('/one', { signal: gone.signal })
    await until(() => got.complete)
    expect(heard(gone.signal)).toBe(0)
    gone.abort(reason)
    expect(await got.text()).toBe('/one')
    const next = await client.request('/two')
    expect([await next.text(), next.reused]).toEqual(['/two', true])
  })

  test('leaves nobody on a signal that serves many requests', async () => {
    const kept = new AbortController()
    await using server = await raw.open((asked, peer) => {
      if (asked.target === '/lost') return peer.end()
      return answer(asked.target)
    })
    await using client = server.client()
    for (let at = 0; at < 20; at++) {
      const got = await client.request(`/${at}`, { signal: kept.signal })
      if (at % 2 > 0) await got.text()
    }
    await failure(client.request('/lost', { signal: kept.signal }))
    await quiet()
    expect(heard(kept.signal)).toBe(0)
  })

  test('nor on one of an interceptor that answers itself', async () => {
    const kept = new AbortController()
    await using server = await raw.open()
    await using client = server.client({ interceptors: [async () => Response.of(200)] })
    await client.request('/', { signal: kept.signal })
    expect(heard(kept.signal)).toBe(0)
  })
})

test('AbortSignal.timeout rejects with its own TimeoutError', async () => {
  await using server = await raw.open()
  await using client = server.client()
  const error = await failure(client.request('/', { signal: AbortSignal.timeout(5) }))
  expect([error.name, error instanceof DOMException]).toEqual(['TimeoutError', true])
})
