import { ClosedError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import type { RequestError, RequestOptions } from '../../src/index.ts'
import { quiet, Signal, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, type RawServer, rawWays, standing } from './raw-server.ts'

/** Answers the first request of each connection, and does `then` to the second of the first connection. */
const once =
  (then: (peer: RawServer['peers'][number]) => void) =>
  (server: RawServer): void => {
    server.script = (asked, peer, count) => {
      if (peer === server.peers[0] && count > 1) return then(peer)
      return answer(asked.method === 'HEAD' ? '' : asked.target)
    }
  }

const closings: [string, (peer: RawServer['peers'][number]) => void][] = [
  ['ended', (peer) => peer.end()],
  ['reset', (peer) => peer.reset()],
]

describe.each(rawWays)('over $name, a reused connection', (way) => {
  for (const [how, close] of closings) {
    const safeToRepeat: [string, RequestOptions][] = [
      ['GET', {}],
      ['HEAD', { method: 'HEAD' }],
      ['OPTIONS', { method: 'OPTIONS' }],
      ['TRACE', { method: 'TRACE' }],
      ['DELETE', { method: 'DELETE' }],
      ['PUT with a body', { method: 'PUT', body: 'again' }],
      ['PUT with a large body', { method: 'PUT', body: 'x'.repeat(200_000) }],
      ['POST with Idempotency-Key', { method: 'POST', body: 'again', headers: { 'idempotency-KEY': '1' } }],
    ]
    test.each(safeToRepeat)(
      `that is ${how} before a byte of the answer: %s is sent again`,
      async (_what, options) => {
        await using server = await way.open()
        once(close)(server)
        await using client = server.client()
        await (await client.request('/first')).text()
        const got = await client.request('/again', options)
        expect([got.status, got.attempts, got.reused]).toEqual([200, 2, false])
        if (options.body !== undefined) expect(server.peers[1]!.asked[0]!.body === options.body).toBe(true)
        await got.text()
        expect(client.stats()).toMatchObject({ requests: 2, retries: 1, failed: 0, active: 0 })
        expect(server.peers).toHaveLength(2)
        expect(standing(client)).toEqual({ ...nothing, connections: 1, idle: 1 })
      },
    )

    const dangerous: [string, () => RequestOptions, boolean][] = [
      ['POST', () => ({ method: 'POST', body: 'once' }), false],
      ['PATCH', () => ({ method: 'PATCH', body: 'once' }), false],
      ['a method of their own', () => ({ method: 'LAUNCH' }), false],
      ['GET with retry off', () => ({ retry: false }), true],
      ['PUT of a stream', () => ({ method: 'PUT', body: new Blob(['once']).stream() }), true],
    ]
    test.each(dangerous)(
      `that is ${how} before a byte of the answer: %s is not`,
      async (_what, options, retryable) => {
        await using server = await way.open()
        once(close)(server)
        await using client = server.client()
        await (await client.request('/first')).text()
        const error = await failure<RequestError>(client.request('/again', options()))
        expect(error).toMatchObject({
          name: 'RequestError',
          code: expect.stringMatching(/^ERR_FAIRLEAD_(BROKEN|CLOSED)$/) as string,
          phase: 'headers',
          reused: true,
          attempts: 1,
          retryable,
        })
        expect(error.bytesWritten).toBe(
          server.peers[0]!.text.length - server.peers[0]!.text.lastIndexOf(`${error.method} /again`),
        )
        expect(client.stats()).toMatchObject({ retries: 0, failed: 1, active: 0 })
        expect(server.peers).toHaveLength(1)
      },
    )
  }

  test('that is closed behind the first byte of the answer: nothing is sent again', async () => {
    await using server = await way.open()
    once((peer) => {
      peer.write('H')
      peer.end()
    })(server)
    await using client = server.client()
    await (await client.request('/first')).text()
    const error = await failure<RequestError>(client.request('/again'))
    expect(error).toMatchObject({ phase: 'headers', reused: true, retryable: false, attempts: 1 })
    expect([server.peers.length, client.stats().retries]).toEqual([1, 0])
  })

  test('that is closed behind a 1xx answer: nothing is sent again', async () => {
    await using server = await way.open()
    once((peer) => {
      peer.write('HTTP/1.1 102 Processing\r\n\r\n')
      peer.end()
    })(server)
    await using client = server.client()
    await (await client.request('/first')).text()
    expect(await failure(client.request('/again'))).toMatchObject({ retryable: false, attempts: 1 })
    expect([server.peers.length, client.stats().retries]).toEqual([1, 0])
  })

  test('that is closed in the middle of the head is not the client’s to try again', async () => {
    await using server = await way.open()
    once((peer) => {
      peer.write('HTTP/1.1 200 OK\r\nContent-')
      setImmediate(() => peer.reset())
    })(server)
    await using client = server.client()
    await (await client.request('/first')).text()
    const error = await failure<RequestError>(client.request('/again'))
    // A reset may overtake the bytes before it, and then none came.
    if (error.attempts === 1) expect(error.retryable).toBe(false)
  })
})

test('a fresh connection that is closed before an answer is an error, which says that GET may be sent again', async () => {
  await using server = await raw.open((_asked, peer) => peer.end())
  await using client = server.client()
  const get = await failure<RequestError>(client.request('/a?secret#f'))
  expect(get).toMatchObject({
    name: 'RequestError',
    code: 'ERR_FAIRLEAD_BROKEN',
    phase: 'headers',
    method: 'GET',
    url: 'http://raw.example/a',
    reused: false,
    attempts: 1,
    retryable: true,
    bytesWritten: server.peers[0]!.text.length,
    peer: { kind: 'memory' },
  })
  expect(get.message).toBe(
    `Cannot GET http://raw.example/a: The server closed the connection before it answered (headers; ${get.bytesWritten} bytes were sent; safe to retry)`,
  )
  const post = await failure<RequestError>(client.request('/', { body: 'once' }))
  expect([post.retryable, post.message]).toEqual([false, expect.stringMatching(/; not safe to retry\)$/)])
  expect(server.peers).toHaveLength(2)
})

test('the second connection that is lost is the last', async () => {
  await using server = await raw.open()
  server.script = (asked, peer) => {
    if (asked.target === '/first') return answer()
    return peer.end()
  }
  await using client = server.client()
  await client.request('/first')
  const error = await failure<RequestError>(client.request('/again'))
  expect(error).toMatchObject({ attempts: 2, reused: false, retryable: true })
  expect(error.message).toMatch(/attempt 2; safe to retry\)$/)
  expect([server.peers.length, client.stats().retries]).toEqual([2, 1])
})

test('a request that could not be written goes out again, whatever its method', async () => {
  await using server = await raw.open(() => answer())
  let broken = 0
  const { connect } = server.options
  await using client = server.client({
    connect: async (target) => {
      const connection = await connect!(target)
      const { write } = connection
      connection.write = (...given) => {
        if (
          server.peers.length > 0 &&
          connection === first &&
          server.peers[0]!.asked.length > 0 &&
          broken++ === 0
        )
          throw new ClosedError('Cannot write: closed by the test')
        return write.apply(connection, given)
      }
      first ??= connection
      return connection
    },
  })
  let first: unknown
  await client.request('/first')
  const got = await client.request('/again', { method: 'POST', body: 'once' })
  expect([got.status, got.attempts, broken]).toEqual([200, 2, 1])
  expect(client.stats()).toMatchObject({ retries: 1, failed: 0 })
})

describe('while a request is sent again', () => {
  test('its client still knows of it', async () => {
    await using server = await raw.open()
    const held = new Signal()
    server.script = (asked, peer, count) => {
      if (peer === server.peers[0]) return count > 1 ? peer.end() : answer('first')
      void held.fired.then(() => peer.write(answer(asked.target)))
      return undefined
    }
    await using client = server.client({ maxConnections: 1 })
    await (await client.request('/first')).text()
    const again = client.request('/again')
    await until(() => server.peers[1]?.asked.length === 1)
    expect(standing(client)).toEqual({ ...nothing, connections: 1 })
    // There is one pool for the origin, and its limit holds.
    const behind = client.request('/behind')
    await quiet()
    expect([standing(client), server.peers.length]).toEqual([{ ...nothing, connections: 1, queued: 1 }, 2])
    held.fire()
    expect(await (await again).text()).toBe('/again')
    expect(await (await behind).text()).toBe('/behind')
  })

  test('close waits for it', async () => {
    await using server = await raw.open()
    const held = new Signal()
    server.script = (asked, peer, count) => {
      if (peer === server.peers[0]) return count > 1 ? peer.end() : answer('first')
      void held.fired.then(() => peer.write(answer(asked.target)))
      return undefined
    }
    await using client = server.client()
    await client.request('/first')
    const again = client.request('/again')
    await until(() => server.peers[1]?.asked.length === 1)
    const closed = client.close()
    await quiet()
    expect(client.state).toBe('closing')
    held.fire()
    expect(await (await again).text()).toBe('/again')
    await closed
  })

  test('destroy ends it', async () => {
    await using server = await raw.open()
    server.script = (_asked, peer, count) => {
      if (peer === server.peers[0]) return count > 1 ? peer.end() : answer('first')
      return undefined
    }
    await using client = server.client()
    await client.request('/first')
    const again = failure(client.request('/again'))
    await until(() => server.peers[1]?.asked.length === 1)
    client.destroy()
    expect(await again).toMatchObject({ code: 'ERR_FAIRLEAD_CLOSED', attempts: 2 })
    await until(() => server.peers[1]!.gone)
  })
})

test('with all connections in use, a request that is sent again gets a fresh one all the same', async () => {
  await using server = await raw.open()
  server.script = (asked, peer, count) => {
    if (asked.target === '/lose') {
      if (peer === server.peers[0] || count > 1) return peer.end()
      return answer('found')
    }
    return answer('first')
  }
  await using client = server.client({ maxConnections: 2 })
  await Promise.all([client.request('/'), client.request('/')])
  expect(standing(client)).toEqual({ ...nothing, connections: 2, idle: 2 })
  const got = await client.request('/lose')
  expect([await got.text(), got.attempts, got.reused]).toEqual(['found', 2, false])
})
