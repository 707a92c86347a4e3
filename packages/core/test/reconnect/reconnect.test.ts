import { describe, expect, onTestFinished, test, vi } from 'vitest'

import type { ByteConnection, ConnectionHandler } from '../../src/connection.ts'
import { BrokenError, BusyError, ClosedError, ConnectError, ProtocolError } from '../../src/errors.ts'
import { pair } from '../../src/memory.ts'
import { reconnect, type ReconnectOptions } from '../../src/reconnect.ts'
import type { CloseReason } from '../../src/resource.ts'
import { quick, read, Server, turn } from './harness.ts'

const ignore: ConnectionHandler<Uint8Array> = { onData() {} }
const refused = new ConnectError('Cannot connect: nobody listens')
/** Longer than any test. */
const long = { base: 2_000_000_000, cap: 2_000_000_000, random: () => 0.5 }
const never = 2_147_483_647

describe('attempts', () => {
  test('the first is made at once, and one more after each end, whoever ended it', async () => {
    const server = new Server()
    const attempts: number[] = []
    const client = reconnect(server.connect, { backoff: quick, stableAfter: never }, (_, attempt) => {
      attempts.push(attempt)
      return ignore
    })
    expect(server.attempts).toBe(1)
    expect(client.connection).toBeUndefined()
    ;(await server.reader(1)).end()
    ;(await server.peer(2)).destroy()
    await server.peer(3)
    await expect.poll(() => client.connection?.state).toBe('open')
    client.connection?.destroy()
    await server.reader(4)
    await expect.poll(() => attempts).toEqual([1, 2, 3, 4])
    await client.close()
    expect(client.connection).toBeUndefined()
    expect(server.attempts).toBe(4)
  })

  test('a stable connection begins the waits anew', async () => {
    const server = new Server()
    const attempts: number[] = []
    const client = reconnect(server.connect, { backoff: quick, stableAfter: 0 }, (_, attempt) => {
      attempts.push(attempt)
      return ignore
    })
    for (let count = 1; count < 5; count++) (await server.peer(count)).destroy()
    await expect.poll(() => attempts).toEqual([1, 2, 2, 2, 2])
    client.destroy()
  })

  test('goes on until somebody is there', async () => {
    const server = new Server()
    server.refusal = refused
    const reasons: CloseReason[] = []
    const onRetry = (_: number, reason: CloseReason): void => {
      reasons.push(reason)
      if (reasons.length === 3) server.refusal = undefined
    }
    const client = reconnect(server.connect, { backoff: quick, onRetry }, () => ignore)
    await server.reader(1)
    expect(server.attempts).toBe(4)
    expect(reasons).toEqual([1, 2, 3].map(() => ({ kind: 'error', error: refused })))
    await client.close()
  })

  test('onRetry is told the wait and how the connection ended', async () => {
    const server = new Server()
    const told = new Promise((resolve) => {
      const onRetry = (delay: number, reason: CloseReason): void => resolve({ delay, reason })
      reconnect(server.connect, { backoff: long, onRetry }, () => ignore)
        .closed.then(resolve)
        .catch(() => {})
      void server.peer(1).then((peer) => peer.destroy())
    })
    expect(await told).toMatchObject({ delay: 1_000_000_000, reason: { kind: 'error' } })
  })

  test('5,000 clients whose server is gone at once spread over the whole of the first ceiling', async () => {
    let state = 1
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    const delays: number[] = []
    const clients = Array.from({ length: 5_000 }, () => {
      const server = new Server()
      const onRetry = (delay: number): void => void delays.push(delay)
      const client = reconnect(server.connect, { backoff: { random }, onRetry }, () => ignore)
      return { server, client }
    })
    for (const { server } of clients) (await server.peer(1)).destroy()
    await expect.poll(() => delays.length).toBe(5_000)
    for (const { client } of clients) client.destroy()
    const slots = Array.from({ length: 100 }, () => 0)
    for (const delay of delays) slots[Math.floor(delay / 10.01)]! += 1
    expect(Math.max(...slots)).toBeLessThan(100)
    expect(Math.min(...slots)).toBeGreaterThan(15)
  })
})

describe('giving up', () => {
  test('closes with the last ConnectError', async () => {
    const server = new Server()
    const errors = [1, 2, 3].map((count) => new ConnectError(`Cannot connect: ${count}`))
    const connect = (): Promise<ByteConnection> => {
      server.refusal = errors[server.attempts]
      return server.connect()
    }
    const options: ReconnectOptions = { backoff: { ...quick, maxAttempts: 2 }, whileDisconnected: 'wait' }
    const client = reconnect(connect, options)
    const sent = client.send('a').catch((error: unknown) => error)
    expect(await client.closed).toEqual({ kind: 'error', error: errors[2] })
    expect(client.state).toBe('closed')
    for (const failed of [sent, client.send('b').catch((error: unknown) => error)]) {
      expect(await failed).toBeInstanceOf(BrokenError)
      expect(await failed).toMatchObject({
        message: 'Cannot send: Cannot connect: 3',
        retryable: false,
        cause: errors[2],
      })
    }
    await expect(client[Symbol.asyncIterator]().next()).rejects.toBe(errors[2])
  })

  test('a server that accepts and drops is given up, too', async () => {
    const server = new Server()
    const connect = async (): Promise<ByteConnection> => {
      const connection = await server.connect()
      server.peers.at(-1)?.destroy()
      return connection
    }
    const client = reconnect(connect, { backoff: { ...quick, maxAttempts: 3 } }, () => ignore)
    const reason = await client.closed
    expect(server.attempts).toBe(4)
    expect(reason).toMatchObject({
      kind: 'error',
      error: { name: 'ConnectError', message: 'Cannot stay connected: gave up after 4 attempts' },
    })
    expect((reason as { error: Error }).error.cause).toBeInstanceOf(BrokenError)
  })

  test.each([
    new ProtocolError('Cannot connect: not a server', { side: 'remote' }),
    new TypeError('Invalid option port: no'),
    new RangeError('Invalid option port: no'),
  ])('at once, when trying again is of no use: %s', async (error) => {
    const server = new Server()
    server.refusal = error
    const client = reconnect(server.connect, { backoff: quick })
    const reason = (await client.closed) as CloseReason & { error: Error }
    expect(server.attempts).toBe(1)
    expect(error === reason.error || error === reason.error.cause).toBe(true)
  })

  test('retry has the last word', async () => {
    const server = new Server()
    server.refusal = new TypeError('fetch failed')
    const retry = (error: unknown): boolean => error instanceof TypeError && server.attempts < 3
    const client = reconnect(server.connect, { backoff: quick, retry })
    expect(await client.closed).toMatchObject({ error: { message: 'Cannot connect: fetch failed' } })
    expect(server.attempts).toBe(3)
  })

  test('an error of somebody else is tried again', async () => {
    const server = new Server()
    server.refusal = new Error('no token')
    const client = reconnect(server.connect, { backoff: { ...quick, maxAttempts: 1 } })
    expect(await client.closed).toMatchObject({ error: { message: 'Cannot connect: no token' } })
    expect(server.attempts).toBe(2)
  })
})

describe('callbacks that misbehave', () => {
  test.each<[string, () => never | Promise<never> | ConnectionHandler<Uint8Array>]>([
    [
      'throws',
      () => {
        throw new Error('out of spite')
      },
    ],
    ['rejects', () => Promise.reject(new Error('out of spite'))],
    [
      'has a handler that throws',
      () => ({
        onData() {
          throw new Error('out of spite')
        },
      }),
    ],
  ])('one that %s costs that connection', async (_, callback) => {
    const server = new Server()
    const reasons: CloseReason[] = []
    const onRetry = (_: number, reason: CloseReason): void => void reasons.push(reason)
    const client = reconnect(server.connect, { backoff: quick, onRetry }, () =>
      server.attempts === 1 ? callback() : ignore,
    )
    ;(await server.peer(1)).write('x')
    await server.reader(2)
    expect(reasons).toMatchObject([{ kind: 'error', error: { cause: { message: 'out of spite' } } }])
    expect(client.state).toBe('open')
    await client.close()
  })

  test('a session that returns gives its connection back', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick }, async (connection) => {
      await connection.send('hello')
    })
    expect(await read(await server.peer(1), 100)).toBe('hello')
    ;(await server.reader(1)).end()
    await server.peer(2)
    client.destroy()
  })

  test.each<[string, Partial<ReconnectOptions>]>([
    [
      'onRetry',
      {
        onRetry: () => {
          throw new Error('out of spite')
        },
      },
    ],
    ['onRetry', { onRetry: () => Promise.reject(new Error('out of spite')) }],
    [
      'Reconnecting',
      {
        retry: () => {
          throw new Error('out of spite')
        },
      },
    ],
    [
      'Reconnecting',
      {
        backoff: {
          random: () => {
            throw new Error('out of spite')
          },
        },
      },
    ],
  ])('one that is asked, or told of waiting, costs the client: %s', async (_, options) => {
    const server = new Server()
    server.refusal = refused
    const client = reconnect(server.connect, { backoff: long, ...options })
    expect(await client.closed).toMatchObject({ kind: 'error', error: { message: /out of spite/ } })
  })

  test('a connect that throws instead of rejecting is a failed attempt', async () => {
    const client = reconnect(
      () => {
        throw refused
      },
      { backoff: { ...quick, maxAttempts: 2 } },
    )
    expect(await client.closed).toEqual({ kind: 'error', error: refused })
  })

  test('an onRetry that never settles holds nothing up', async () => {
    const server = new Server()
    const client = reconnect(
      server.connect,
      { backoff: quick, onRetry: () => new Promise(() => {}) },
      () => ignore,
    )
    ;(await server.peer(1)).destroy()
    await server.reader(2)
    await client.close()
  })
})

describe('ending', () => {
  const ways = {
    close: (client: { close(): Promise<void> }) => client.close(),
    destroy: (client: { destroy(): void }) => client.destroy(),
    dispose: (client: AsyncDisposable) => client[Symbol.asyncDispose](),
  }
  const each = Object.entries(ways)

  test.each(each)(
    '%s while connecting ends the attempt, and drops a connection that comes too late',
    async (_, end) => {
      const [here, there] = pair()
      let finish: (connection: ByteConnection) => void = () => {}
      let signal: AbortSignal | undefined
      const client = reconnect<ByteConnection>((options) => {
        signal = options.signal
        return new Promise((resolve) => (finish = resolve))
      })
      await end(client)
      expect(client.state).toBe('closed')
      expect(await client.closed).toEqual({ kind: 'local' })
      expect(signal?.aborted).toBe(true)
      finish(here)
      await turn()
      expect(here.state).toBe('closed')
      expect(client.connection).toBeUndefined()
      there.destroy()
    },
  )

  test.each(each)(
    '%s while waiting clears the timer, which keeps the process alive until then',
    async (_, end) => {
      const server = new Server()
      server.refusal = refused
      const set = vi.spyOn(globalThis, 'setTimeout')
      const clear = vi.spyOn(globalThis, 'clearTimeout')
      onTestFinished(() => void vi.restoreAllMocks())
      const timer = (): NodeJS.Timeout | undefined => {
        const call = set.mock.calls.findIndex(([, delay]) => delay === 1_000_000_000)
        return set.mock.results[call]?.value as NodeJS.Timeout | undefined
      }
      const client = reconnect(server.connect, { backoff: long })
      while (!timer()) await turn()
      expect(timer()?.hasRef()).toBe(true)
      expect(clear).not.toHaveBeenCalledWith(timer())
      await end(client)
      expect(clear).toHaveBeenCalledWith(timer())
      expect(await client.closed).toEqual({ kind: 'local' })
      await turn()
      expect(server.attempts).toBe(1)
    },
  )

  test('close while connected is as polite as the connection, and the last one', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick }, () => ignore)
    const peer = await server.peer(1)
    await turn()
    await client.send('last words')
    const closing = client.close()
    expect(client.state).toBe('closing')
    await expect(client.send('more')).rejects.toThrow(ClosedError)
    expect(await read(peer, 100)).toBe('last words')
    expect(client.state).toBe('closing')
    peer.end()
    await closing
    await client.close()
    expect(await client.closed).toEqual({ kind: 'local' })
    expect(server.attempts).toBe(1)
  })

  test('close is bounded by its grace, a second one may shorten it, and destroy cuts it', async () => {
    const server = new Server()
    const first = reconnect(server.connect, {}, () => ignore)
    await server.peer(1)
    await turn()
    const closing = first.close()
    await first.close({ grace: 0 })
    await closing
    const second = reconnect(server.connect, {}, () => ignore)
    await server.peer(2)
    await turn()
    const cut = second.close()
    second.destroy()
    await cut
    expect(await second.closed).toEqual({ kind: 'local' })
    expect(() => second.close({ grace: -1 })).toThrow(RangeError)
  })

  test('the signal of close ends the waiting only', async () => {
    const server = new Server()
    const client = reconnect(server.connect, {}, () => ignore)
    const peer = await server.peer(1)
    await turn()
    await expect(client.close({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    expect(client.state).toBe('closing')
    peer.handle(ignore)
    await client.closed
  })

  test('destroy with an error is told to all', async () => {
    const server = new Server()
    const client = reconnect(server.connect, {}, () => ignore)
    const peer = await server.peer(1)
    peer.handle(ignore)
    await turn()
    const connection = client.connection
    client.destroy(refused)
    expect(client.state).toBe('closed')
    expect(client.connection).toBeUndefined()
    expect(await client.closed).toEqual({ kind: 'error', error: refused })
    expect(await connection?.closed).toEqual({ kind: 'error', error: refused })
    expect(await peer.closed).toMatchObject({ kind: 'error' })
  })

  test('in the callback itself', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick, whileDisconnected: 'wait' }, (connection) => {
      client.destroy()
      expect(connection.state).toBe('closed')
    })
    const sent = client.send('x')
    await expect(sent).rejects.toThrow(ClosedError)
    expect(await client.closed).toEqual({ kind: 'local' })
  })
})

describe('the signal', () => {
  const enough = new Error('enough')

  test('aborted already, nothing is begun', () => {
    const server = new Server()
    expect(() => reconnect(server.connect, { signal: AbortSignal.abort(enough) })).toThrow(enough)
    expect(server.attempts).toBe(0)
  })

  test('while connecting: ends the attempt and the client', async () => {
    const abort = new AbortController()
    const reasons: unknown[] = []
    const client = reconnect<ByteConnection>(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason)
            reject(signal.reason as Error)
          })
        }),
      { signal: abort.signal, whileDisconnected: 'wait' },
    )
    const sent = client.send('x')
    abort.abort(enough)
    await expect(sent).rejects.toBe(enough)
    expect(await client.closed).toEqual({ kind: 'local' })
    expect(reasons).toEqual([enough])
  })

  test('while waiting: ends the client', async () => {
    const server = new Server()
    server.refusal = refused
    const abort = new AbortController()
    const client = reconnect(server.connect, {
      backoff: long,
      signal: abort.signal,
      onRetry: () => void turn().then(() => abort.abort(enough)),
    })
    expect(await client.closed).toEqual({ kind: 'local' })
    expect(server.attempts).toBe(1)
  })

  test('while connected: the connection is left alone, and the last one', async () => {
    const server = new Server()
    const abort = new AbortController()
    const client = reconnect(server.connect, { backoff: quick, signal: abort.signal }, () => ignore)
    const peer = await server.peer(1)
    await turn()
    abort.abort(enough)
    await client.send('still here')
    expect(await read(peer, 10)).toBe('still here')
    expect(client.state).toBe('open')
    peer.handle(ignore)
    peer.end()
    expect(await client.closed).toEqual({ kind: 'remote' })
    expect(server.attempts).toBe(1)
    await expect(client.send('x')).rejects.toThrow(ClosedError)
  })
})

describe('send', () => {
  test('rejects while there is no connection, and says that it may be tried again', async () => {
    const server = new Server()
    server.refusal = refused
    const client = reconnect(server.connect, { backoff: long })
    await turn()
    const error = await client.send('x').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(BrokenError)
    expect(error).toMatchObject({ message: 'Cannot send: not connected', retryable: true, cause: refused })
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_BROKEN', phase: 'write' })
    // A rejection that nobody awaits ends nothing.
    void client.send('x')
    client.destroy()
  })

  test('waits for a connection when asked to, in order, behind what the callback sends', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick, whileDisconnected: 'wait' }, (connection) => {
      connection.write('hello ')
      void client.send('again ')
      return ignore
    })
    const sends = ['a', 'b', 'c'].map((text) => client.send(text))
    await Promise.all(sends)
    expect(await read(await server.peer(1), 15)).toBe('hello again abc')
    await client.close({ grace: 0 })
  })

  test('what waits is bounded, and may be aborted', async () => {
    const server = new Server()
    server.refusal = refused
    const client = reconnect(
      server.connect,
      {
        backoff: quick,
        whileDisconnected: 'wait',
        maxWaiting: 2,
        maxWaitingBytes: 10,
      },
      () => ignore,
    )
    const abort = new AbortController()
    await expect(client.send('x'.repeat(11))).rejects.toMatchObject({ limit: 'maxWaitingBytes' })
    const first = client.send('a', { signal: abort.signal })
    const second = client.send('b')
    await expect(client.send('c')).rejects.toMatchObject({ limit: 'maxWaiting' })
    abort.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    await expect(client.send('c', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    )
    server.refusal = undefined
    await second
    expect(await read(await server.peer(1), 1)).toBe('b')
    await client.close({ grace: 0 })
  })

  test('what was handed over when the connection broke is rejected, and never sent again', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick, whileDisconnected: 'wait' }, () => ignore)
    await server.peer(1)
    await turn()
    // Nobody reads: the second one finds no room.
    await client.send('start')
    const sends = [client.send('x'.repeat(1_000_000)), client.send('y')]
    server.peers[0]?.destroy()
    for (const sent of sends) await expect(sent).rejects.toThrow(BrokenError)
    await client.send('z')
    expect(await read(await server.peer(2), 1)).toBe('z')
    await client.close({ grace: 0 })
  })

  test('on a connection whose output has ended, it is as without one', async () => {
    const server = new Server()
    const client = reconnect(
      server.connect,
      { backoff: quick, whileDisconnected: 'wait' },
      (connection, attempt) => {
        if (attempt === 1) connection.end()
        return ignore
      },
    )
    const sent = client.send('x')
    const peer = await server.peer(1)
    expect(await read(peer, 1)).toBe('')
    peer.end()
    await sent
    expect(await read(await server.peer(2), 1)).toBe('x')
    await client.close({ grace: 0 })
  })

  test('what no connection would take is refused once', async () => {
    const fault = new RangeError('too long')
    const connect = async (): Promise<ByteConnection> => {
      const [here] = pair()
      here.write = () => {
        throw fault
      }
      return here
    }
    const client = reconnect(connect, { whileDisconnected: 'wait' }, () => ignore)
    await expect(client.send('x')).rejects.toBe(fault)
    await expect(client.send('x')).rejects.toBe(fault)
    client.destroy()
  })
})

describe('iteration', () => {
  test('hands out one connection after the other, and ends quietly', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick })
    const texts: string[] = []
    void (async () => {
      const first = await server.peer(1)
      first.write('one')
      first.handle(ignore)
      first.end()
      ;(await server.peer(2)).write('two')
    })()
    for await (const connection of client) {
      expect(client.connection).toBe(connection)
      texts.push(await read(connection, 3))
      if (texts.length === 2) void client.close({ grace: 0 })
    }
    expect(texts).toEqual(['one', 'two'])
    expect(await client.closed).toEqual({ kind: 'local' })
  })

  test('asking for the next closes the one before, unless somebody reads it', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick })
    const connections = client[Symbol.asyncIterator]()
    const first = (await connections.next()).value as ByteConnection
    first.handle(ignore)
    const next = connections.next()
    await turn()
    expect(first.state).toBe('open')
    first.destroy()
    const second = (await next).value as ByteConnection
    void connections.next()
    await turn()
    expect(second.state).toBe('closing')
    client.destroy()
  })

  test('a connection that was lost before anybody took it is skipped', async () => {
    const server = new Server()
    const client = reconnect(server.connect, { backoff: quick })
    await server.peer(1)
    await turn()
    const lost = client.connection
    lost?.destroy()
    await server.peer(2)
    for await (const connection of client) {
      expect(connection).not.toBe(lost)
      break
    }
    client.destroy()
  })

  test('is not for a client with a callback', () => {
    const client = reconnect(new Server().connect, {}, () => ignore)
    expect(() => client[Symbol.asyncIterator]()).toThrow(BusyError)
    client.destroy()
  })
})

test.each<[string, ReconnectOptions]>([
  ['stableAfter', { stableAfter: -1 }],
  ['maxWaiting', { maxWaiting: 0 }],
  ['maxWaitingBytes', { maxWaitingBytes: Infinity }],
  ['whileDisconnected', { whileDisconnected: 'drop' as 'wait' }],
  ['base', { backoff: { base: 0 } }],
])('refuses a bad %s', (name, options) => {
  expect(() => reconnect(new Server().connect, options)).toThrow(`Invalid option ${name}: `)
})
