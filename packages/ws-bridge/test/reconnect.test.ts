import { type CloseReason, ConnectError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { reconnect, type ReconnectingClient, type ReconnectOptions } from '@fairlead/ws-bridge/reconnect'
import { describe, expect, test } from 'vitest'

import { comesBack } from '../src/client/comes-back.ts'
import { startProxy } from './client/proxies.ts'
import { accepting, answering, failureOf, talk, urlBy, ways } from './client/servers.ts'
import { echo, quiet, read, until, urlOf } from './harness.ts'

/** Delays of next to nothing, without end. */
const quick = { base: 1, cap: 2, maxAttempts: 1_000_000 }
/** Longer than any test. */
const long = { base: 2_000_000_000, cap: 2_000_000_000, random: () => 0.5 }
const ignore = { onData() {} }

/** The next connection that a client makes. */
async function next<C>(client: ReconnectingClient<C>): Promise<C> {
  for await (const connection of client) return connection
  throw new Error('it ended')
}

describe.each(ways)('reconnect over $name', (way) => {
  const { listening, connecting } = way

  test('comes back when its connections are cut, and when the server was away', async () => {
    await using server = await websocket.listen({ port: 0, ...listening }, echo)
    const answers: string[] = []
    const options = { ...connecting, backoff: quick, stableAfter: 0 }
    const client = reconnect(urlBy(way, server), options, (connection, attempt) => {
      connection.write(`${attempt}`)
      return { onData: (text) => void answers.push(text) }
    })
    await until(() => answers.length === 1)
    for (let count = 2; count <= 4; count++) {
      await server.suspend()
      for (const connection of server.connections) connection.destroy()
      await quiet()
      await server.resume()
      await until(() => answers.length === count)
    }
    await client.close()
    expect(await client.closed).toEqual({ kind: 'local' })
    await until(() => server.connections.size === 0)
  })

  test('gives up in its first handshake when it is closed, and leaves no connection', async () => {
    await using server = await tcp.listen({ port: 0, ...listening }, () => ignore)
    const client = reconnect(urlBy(way, server), { ...connecting, backoff: long })
    await until(() => server.connections.size === 1)
    await client.close()
    expect(await client.closed).toEqual({ kind: 'local' })
    await until(() => server.connections.size === 0)
  })
})

describe('the Close frame of the server', () => {
  const goOn = [1000, 1001, 1011, 1012, 1013, 1014]
  const end = [1002, 1003, 1007, 1008, 1009, 1010, 3000, 3008, 3999, 4000, 4401, 4999]

  /** A server that closes each connection so, and a client of it that gives up before long. */
  async function sentAway(code: number | undefined, options: ReconnectOptions = {}) {
    let count = 0
    await using server = await answering((asked, connection) => {
      count++
      const payload = code === undefined ? [] : [code >> 8, code & 255, 0x62, 0x79, 0x65]
      connection.write(
        Buffer.concat([Buffer.from(accepting(asked)), Buffer.of(0x88, payload.length, ...payload)]),
      )
    })
    const given = { backoff: { ...quick, maxAttempts: 2 }, ...options }
    const client = reconnect(urlOf(server), given, () => ignore)
    const reason = await client.closed
    await server.close({ grace: 0 })
    return { count, reason, client }
  }

  test.each(goOn)('%i is followed by another connection', async (code) => {
    const { count, reason } = await sentAway(code)
    expect(count).toBe(3)
    expect(reason).toMatchObject({ kind: 'error', error: { name: 'ConnectError' } })
  })

  test('without a code is, too', async () => {
    expect(await sentAway(undefined)).toMatchObject({ count: 3, reason: { kind: 'error' } })
  })

  test.each(end)('%i is the last word, and why the client is closed', async (code) => {
    const { count, reason, client } = await sentAway(code)
    expect(count).toBe(1)
    expect(reason).toEqual({ kind: 'remote', code, text: 'bye' })
    await expect(client.send('ahoy')).rejects.toThrow('Cannot send: client is closed')
  })

  test('means what retryClosed says', async () => {
    const reasons: CloseReason[] = []
    const retryClosed = (reason: CloseReason): boolean => reasons.push(reason) < 2
    expect(await sentAway(1008, { retryClosed })).toMatchObject({ count: 2, reason: { code: 1008 } })
    expect(await sentAway(1001, { retryClosed })).toMatchObject({ count: 1, reason: { code: 1001 } })
    expect(reasons).toEqual([1008, 1008, 1001].map((code) => ({ kind: 'remote', code, text: 'bye' })))
  })

  test('costs the client when retryClosed throws', async () => {
    const mine = new Error('mine')
    const retryClosed = (): never => {
      throw mine
    }
    const { count, reason } = await sentAway(1001, { retryClosed })
    expect(count).toBe(1)
    expect(reason).toMatchObject({ kind: 'error', error: { name: 'BrokenError', cause: mine } })
  })

  test('is not asked about what ended otherwise', () => {
    const error = new ConnectError('Cannot connect')
    const reasons: CloseReason[] = [
      { kind: 'local' },
      { kind: 'local', code: 4000 },
      { kind: 'remote' },
      { kind: 'timeout', phase: 'idle' },
      { kind: 'error', error },
    ]
    expect(reasons.map(comesBack)).toEqual([true, true, true, true, true])
  })

  test('ends an iteration quietly', async () => {
    let count = 0
    await using server = await websocket.listen({ port: 0 }, (connection) => {
      void connection.close({ code: ++count < 3 ? 1012 : 4000 })
    })
    const client = reconnect(urlOf(server), { backoff: quick })
    let taken = 0
    for await (const connection of client) {
      taken++
      expect(await read(connection)).toEqual([])
    }
    expect([taken, await client.closed]).toEqual([3, { kind: 'remote', code: 4000 }])
  })
})

describe('an answer to the handshake', () => {
  /** A server that answers so at first, and then as it should. */
  async function refusing(status: number, options: ReconnectOptions = {}) {
    const answers = [status, status]
    await using server = await answering((asked, connection) => {
      const refused = answers.shift()
      if (refused === undefined) connection.write(accepting(asked))
      else connection.write(`HTTP/1.1 ${refused} No\r\nContent-Length: 0\r\n\r\n`)
    })
    const client = reconnect(urlOf(server), { backoff: quick, ...options })
    const met = await next(client).catch(() => undefined)
    await client.close({ grace: 0 })
    await server.close({ grace: 0 })
    return { met: met !== undefined, reason: await client.closed, left: answers.length }
  }

  test.each([408, 425, 429, 500, 502, 503, 504])('of %i is asked for again', async (status) => {
    expect(await refusing(status)).toMatchObject({ met: true, left: 0, reason: { kind: 'local' } })
  })

  test.each([200, 301, 400, 401, 403, 404, 426])('of %i ends the client', async (status) => {
    const { met, left, reason } = await refusing(status)
    expect([met, left]).toEqual([false, 1])
    expect(reason).toMatchObject({ kind: 'error', error: { name: 'RefusedError', status, retryable: false } })
  })

  test('means what retry says', async () => {
    const seen: unknown[] = []
    const retry = (error: unknown): boolean => seen.push((error as { status?: number }).status) > 0
    expect(await refusing(401, { retry })).toMatchObject({ met: true })
    expect(await refusing(503, { retry: () => false })).toMatchObject({ met: false, left: 1 })
    expect(seen).toEqual([401, 401])
  })

  test('that is no WebSocket ends the client, and one that is lost does not', async () => {
    const answers = ['', 'HTTP/1.1 101', 'SSH-2.0\r\n']
    await using server = await answering((_, connection) => {
      const answer = answers.shift()
      if (answer) connection.write(answer)
      void quiet().then(() => connection.destroy())
    })
    const client = reconnect(urlOf(server), { backoff: quick })
    expect(await client.closed).toMatchObject({
      kind: 'error',
      error: { name: 'ConnectError', retryable: false },
    })
    expect(answers).toEqual([])
  })

  test('of a proxy that may pass is asked for again', async () => {
    await using server = await websocket.listen({ port: 0 }, echo)
    const answers: (string | undefined)[] = ['HTTP/1.1 502 No\r\n\r\n', 'HTTP/1.1 503 No\r\n\r\n']
    await using proxy = await startProxy(() => answers.shift())
    const client = reconnect(urlOf(server), { backoff: quick, proxy: proxy.url })
    expect(await talk(await next(client))).toBe('ahoy')
    expect(proxy.asked).toHaveLength(3)
    await client.close()
    await using strict = await startProxy(() => 'HTTP/1.1 407 Who\r\n\r\n')
    const refused = reconnect(urlOf(server), { backoff: quick, proxy: strict.url })
    expect(await refused.closed).toMatchObject({ kind: 'error', error: { code: 'ERR_FAIRLEAD_HTTP_PROXY' } })
  })
})

describe('a reconnecting client', () => {
  test('waits with full jitter, and says so', async () => {
    const server = await tcp.listen({ port: 0 })
    await server.close()
    const delays: number[] = []
    const numbers = [0, 0.5, 0.999, 0.5]
    const client = reconnect(urlOf(server), {
      backoff: { base: 4, cap: 10, maxAttempts: 4, random: () => numbers.shift() ?? 0 },
      onRetry: (delay, reason) => {
        delays.push(delay)
        expect(reason).toMatchObject({ kind: 'error', error: { name: 'ConnectError', phase: 'connect' } })
      },
    })
    await client.closed
    expect(delays).toEqual([0, 4, 10, 5])
  })

  test('sends in order what waited for a connection', async () => {
    const server = await websocket.listen({ port: 0 })
    const heard: string[] = []
    const client = reconnect(urlOf(server), { backoff: quick, whileDisconnected: 'wait' }, () => ignore)
    const sent = Promise.all(['one', 'two', 'three'].map((text) => client.send(text)))
    for await (const connection of server) {
      for (const text of await read(connection, 3)) heard.push(text)
      break
    }
    await sent
    expect(heard).toEqual(['one', 'two', 'three'])
    await client.close({ grace: 0 })
    await server.close({ grace: 0 })
  })

  test('takes up the TLS session of the connection before', async () => {
    const [, way] = ways
    await using server = await websocket.listen({ port: 0, ...way.listening }, echo)
    const resumed: unknown[] = []
    const client = reconnect(urlBy(way, server), { ...way.connecting, backoff: quick })
    for await (const connection of client) {
      resumed.push(connection.tls?.resumed)
      expect(await talk(connection)).toBe('ahoy')
      connection.destroy()
      if (resumed.length === 2) break
    }
    expect(resumed).toEqual([false, true])
    await client.close()
  })

  test('ends its attempts when its signal is aborted: before, while it waits, and not what stands', async () => {
    const why = new Error('enough')
    await using server = await websocket.listen({ port: 0 }, echo)
    const aborted = { signal: AbortSignal.abort(why) }
    expect(() => reconnect(urlOf(server), aborted)).toThrow(why)
    const none = await tcp.listen({ port: 0 })
    await none.close()
    const waits = new AbortController()
    let delayed = 0
    const waiting = reconnect(urlOf(none), {
      backoff: long,
      signal: waits.signal,
      onRetry: () => void delayed++,
    })
    await until(() => delayed === 1)
    waits.abort(why)
    expect(await waiting.closed).toEqual({ kind: 'local' })
    const stands = new AbortController()
    const client = reconnect(urlOf(server), { backoff: quick, signal: stands.signal })
    const connection = await next(client)
    stands.abort(why)
    expect(await talk(connection)).toBe('ahoy')
    await connection.close()
    expect(await client.closed).toEqual({ kind: 'local' })
    await until(() => server.connections.size === 0)
  })

  test('carries the kind of messages that it is told', async () => {
    await using server = await websocket.listen({ port: 0, messages: 'binary' }, echo)
    const client = reconnect(urlOf(server), { messages: 'binary' })
    const connection = await next(client)
    await connection.send(Buffer.from('ahoy'))
    expect((await read(connection, 1)).map((bytes) => Buffer.from(bytes))).toEqual([Buffer.from('ahoy')])
    await client.close()
  })

  test.each<[string, object, RegExp]>([
    ['nowhere?secret', {}, /^Invalid URL: it is not an absolute one$/],
    ['http://h', {}, /^Invalid URL: the scheme/],
    ['ws://h', { backof: {} }, /^Invalid option backof: there is no such option$/],
    ['ws://h', { protocol: 'x' }, /^Invalid option protocol: there is no such option$/],
    ['ws://h', { retryClosed: true }, /^Invalid option retryClosed: must be a function$/],
    ['ws://h', { retry: true }, /^Invalid option retry: must be a function$/],
    ['ws://h', { signal: true }, /^Invalid option signal: must be an AbortSignal$/],
    ['ws://h', { protocols: ['a b'] }, /^Invalid option protocols: /],
    ['ws://h', { backoff: { base: 0 } }, /^Invalid option base: /],
    ['ws://h', { handshakeTimeout: -1 }, /^Invalid option handshakeTimeout: /],
  ])('is not made for %s with %j', (url, options, message) => {
    const attempt = (): unknown => reconnect(url, options)
    expect(attempt).toThrow(message)
  })

  test('is closed when what is under it cannot be asked for', async () => {
    const client = reconnect('ws://127.0.0.1:1', { proxy: 'socks5://u:secret@h' })
    const reason = await client.closed
    expect(reason).toMatchObject({ kind: 'error', error: { name: 'ConnectError', retryable: false } })
    expect(JSON.stringify(reason)).not.toContain('secret')
    const error = await failureOf(client.send('ahoy'))
    expect(error.message).toMatch(/SOCKS/)
  })
})
