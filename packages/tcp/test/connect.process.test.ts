import { once } from 'node:events'
import { connect as open, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import { type Address, BrokenError, type ConnectAttempt, ConnectError, TimeoutError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { portOf } from './harness.ts'
import { a, ca } from './tls/certificates.ts'

// Watched, and otherwise as it is.
vi.mock('node:net', async (original) => {
  const net = await original<typeof import('node:net')>()
  return { ...net, connect: vi.fn<typeof net.connect>(net.connect) }
})

const six = '::1'
const four = '127.0.0.1'
/** One name, two families. */
const both = () => Promise.resolve([four, six])

async function freePort(): Promise<number> {
  const listener = await tcp.listen({ port: 0 })
  await listener.close()
  return portOf(listener)
}

/** What the promise rejects with. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

/** A listener for each family on one port, IPv6 first; `spoken` grows with each that hears something. */
async function dualListeners() {
  const spoken: string[] = []
  const listenOn = (host: string, port: number) =>
    tcp.listen({ port, host }, () => ({ onData: () => void spoken.push(host) }))
  for (;;) {
    const first = await listenOn(four, 0)
    const port = portOf(first)
    try {
      return { port, spoken, listeners: [await listenOn(six, port), first] }
    } catch (error) {
      await first.close()
      // Somebody else may have the port in the other family.
      if ((error as { cause?: { code?: string } }).cause?.code !== 'EADDRINUSE') throw error
    }
  }
}

/** A server that listens and never accepts, with its queue full, so that the next one gets no answer at all. */
async function deafServer(host: string): Promise<{ port: number } & AsyncDisposable> {
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const { parentPort, workerData: host } = require('node:worker_threads')
     const server = createServer().listen({ port: 0, host, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true, workerData: host },
  )
  const [port] = (await once(worker, 'message')) as [number]
  const fillers: Socket[] = []
  // A queue of one holds two on Linux.
  for (let count = 0; count < 2; count++) {
    const filler = open({ port, host })
    filler.on('error', () => {})
    fillers.push(filler)
    await once(filler, 'connect')
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}

/** A prelude that stays until it is let go, one for each host. */
function gates() {
  const begun: string[] = []
  const open = new Map<string, (error?: Error) => void>()
  const prelude: tcp.Prelude = ({ remoteAddress }) =>
    new Promise((resolve, reject) => {
      const host = remoteAddress.kind === 'ip' ? remoteAddress.host : ''
      begun.push(host)
      open.set(host, (error) => (error ? reject(error) : resolve()))
    })
  return { begun, prelude, open: (host: string, error?: Error) => open.get(host)?.(error) }
}

afterEach(() => void vi.useRealTimers())

const hang = () => new Promise<never>(() => {})

describe('connecting to one address', () => {
  test('says who refused', async () => {
    const port = await freePort()
    const error = await errorOf(tcp.connect({ port }))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({
      message: `Cannot connect to 127.0.0.1:${port}: connection refused`,
      code: 'ERR_FAIRLEAD_CONNECT',
      phase: 'connect',
      retryable: true,
      cause: { code: 'ECONNREFUSED' },
      attempts: [{ address: { host: four, port }, phase: 'connect', code: 'ECONNREFUSED' }],
    })
    expect((error as ConnectError).attempts[0]?.duration).toBeGreaterThanOrEqual(0)
  })

  test('says it of IPv6 with brackets', async () => {
    const port = await freePort()
    await expect(tcp.connect({ host: six, port })).rejects.toThrow(`Cannot connect to [::1]:${port}: `)
  })

  test('never asks the lookup about a literal address', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const lookup = vi.fn<typeof both>(both)
    for (const host of [four, '::ffff:127.0.0.1']) {
      const connection = await tcp.connect({ host, port: portOf(listener), lookup })
      expect(connection.remoteAddress).toMatchObject({ family: 4, host: four })
      await connection.close()
    }
    expect(lookup).not.toHaveBeenCalled()
  })

  test('a Unix socket that is not there', async () => {
    const path = join(tmpdir(), 'fairlead-nobody.sock')
    expect(await errorOf(tcp.connect({ path }))).toMatchObject({
      message: `Cannot connect to ${path}: no such file`,
      attempts: [{ address: { kind: 'unix', path }, code: 'ENOENT' }],
    })
  })

  test('an address that this machine does not have', async () => {
    const port = await freePort()
    expect(await errorOf(tcp.connect({ port, localAddress: '192.0.2.1' }))).toMatchObject({
      message: `Cannot connect to 127.0.0.1:${port} from 192.0.2.1: address is not available on this machine`,
      attempts: [{ phase: 'connect', code: 'EADDRNOTAVAIL' }],
    })
  })

  test('hands the options of the socket to the runtime, which resolves and races nothing', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const port = portOf(listener)
    const usual = { host: four, port, family: 4, autoSelectFamily: false, allowHalfOpen: true }
    const first = await tcp.connect({ port })
    expect(open).toHaveBeenLastCalledWith({
      ...usual,
      noDelay: true,
      highWaterMark: 65_536,
      keepAlive: false,
      keepAliveInitialDelay: 0,
    })
    const set = { noDelay: false, keepAlive: 5_000, highWaterMark: 1_024, localAddress: four }
    const second = await tcp.connect({ port, ...set })
    expect(open).toHaveBeenLastCalledWith({ ...usual, ...set, keepAlive: true, keepAliveInitialDelay: 5_000 })
    expect(second.localAddress).toMatchObject({ host: four })
    await Promise.all([first.close(), second.close()])
  })
})

describe('connecting to a name', () => {
  test('by way of the system', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const connection = await tcp.connect({ host: 'localhost', port: portOf(listener) })
    expect(connection.remoteAddress).toEqual(listener.address)
    await connection.close()
  })

  test('says that it does not exist', async () => {
    const error = await errorOf(tcp.connect({ host: 'nobody.invalid', port: 1 }))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'dns', attempts: [], cause: { code: expect.any(String) as string } })
    expect((error as Error).message).toMatch(/^Cannot connect to nobody\.invalid:1: \w+/)
  })

  test.each<[string, tcp.ConnectOptions['lookup'], string, string]>([
    ['none', () => Promise.resolve([]), 'ENOTFOUND', 'no such host'],
    ['nonsense', () => Promise.resolve(['x']), 'EBADRESP', 'the lookup of example.test gave something'],
    ['an error', () => Promise.reject(new Error('out of order')), '', 'out of order'],
  ])('says what its lookup came to: %s', async (_what, lookup, code, reason) => {
    const error = await errorOf(tcp.connect({ host: 'example.test', port: 1, lookup: lookup ?? both }))
    expect(error).toMatchObject({ phase: 'dns', attempts: [], ...(code && { cause: { code } }) })
    expect((error as Error).message).toContain(`Cannot connect to example.test:1: ${reason}`)
  })

  test('asks about each address before it is tried, and goes on to the next one', async () => {
    await using listener = await tcp.listen({ port: 0, host: four }, () => ({ onData() {} }))
    const port = portOf(listener)
    const asked: unknown[] = []
    const allow = (address: Address): boolean => {
      asked.push(address)
      return address.kind === 'ip' && address.family === 4
    }
    vi.mocked(open).mockClear()
    const connection = await tcp.connect({
      host: 'example.test',
      port,
      lookup: both,
      allow,
      attemptDelay: 60_000,
    })
    expect(asked).toEqual([
      { kind: 'ip', family: 6, host: six, port },
      { kind: 'ip', family: 4, host: four, port },
    ])
    expect(
      vi.mocked(open).mock.calls.map(([options]) => (options as unknown as { host: string }).host),
    ).toEqual([four])
    expect(connection.remoteAddress).toMatchObject({ host: four })
    await connection.close()
  })

  test.each<[string, tcp.ConnectOptions]>([
    ['literal', { host: four }],
    ['IPv4-mapped', { host: '::ffff:7f00:1' }],
    ['resolved', { host: 'example.test', lookup: () => Promise.resolve([four]) }],
    [
      'resolved and IPv4-mapped',
      { host: 'example.test', lookup: () => Promise.resolve(['::ffff:127.0.0.1']) },
    ],
  ])('does not connect to a forbidden address that is %s', async (_how, options) => {
    vi.mocked(open).mockClear()
    const allow = (address: Address): boolean => address.kind === 'ip' && !address.host.startsWith('127.')
    const error = await errorOf(tcp.connect({ port: 1, ...options, allow }))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({
      message: expect.stringMatching(/: the address is not allowed$/) as string,
      phase: 'connect',
      retryable: false,
      cause: { code: 'ERR_FAIRLEAD_NOT_ALLOWED', peer: { host: four, family: 4 } },
      attempts: [{ address: { host: four, port: 1 }, code: 'EPERM' }],
    })
    expect(open).not.toHaveBeenCalled()
  })

  test.each<[string, () => boolean]>([
    [
      'throws',
      () => {
        throw new Error('no opinion')
      },
    ],
    ['promises', () => Promise.resolve(true) as unknown as boolean],
    ['says something else', () => 'yes' as unknown as boolean],
  ])('takes a rule that %s for a no', async (how, allow) => {
    vi.mocked(open).mockClear()
    const error = await errorOf(tcp.connect({ host: 'example.test', port: 1, lookup: both, allow }))
    expect((error as Error).message).toBe(
      `Cannot connect to example.test:1: ${how === 'throws' ? 'no opinion' : 'the address is not allowed'} (2 tried)`,
    )
    expect(open).not.toHaveBeenCalled()
  })

  test('asks about a Unix socket, too', async () => {
    const path = join(tmpdir(), 'fairlead-not-allowed.sock')
    const error = await errorOf(tcp.connect({ path, allow: ({ kind }) => kind === 'ip' }))
    expect(error).toMatchObject({ attempts: [{ address: { kind: 'unix', path } }], retryable: false })
    await expect(tcp.connect({ port: 1, allow: 'all' as never })).rejects.toThrow('Invalid option allow: ')
  })

  test('goes on to the other family when one refuses', async () => {
    await using listener = await tcp.listen({ port: 0, host: four }, () => ({ onData() {} }))
    const port = portOf(listener)
    // Longer than the test may take: it is the refusal that starts the second one.
    const connection = await tcp.connect({ host: 'example.test', port, lookup: both, attemptDelay: 60_000 })
    expect(connection.remoteAddress).toMatchObject({ host: four })
    await connection.close()
  })

  test('goes on to the other family when one does not answer', async () => {
    await using deaf = await deafServer(six)
    const { port } = deaf
    await using listener = await tcp.listen({ port, host: four }, () => ({ onData() {} }))
    expect(listener.accepting).toBe(true)
    const connection = await tcp.connect({ host: 'example.test', port, lookup: both, attemptDelay: 10 })
    expect(connection.remoteAddress).toMatchObject({ host: four })
    await connection.close()
  })

  test('keeps the first attempt while it tries the second, and the first may win', async () => {
    const { port, listeners } = await dualListeners()
    const { begun, prelude, open } = gates()
    const connecting = tcp.connect({ host: 'example.test', port, lookup: both, attemptDelay: 10, prelude })
    await expect.poll(() => begun).toEqual([six, four])
    open(six)
    const connection = await connecting
    expect(connection.remoteAddress).toMatchObject({ host: six })
    // The loser is gone, the winner is not.
    const [winners, losers] = listeners
    await expect.poll(() => losers?.connections.size).toBe(0)
    expect(winners?.connections.size).toBe(1)
    open(four)
    await connection.send('still there')
    connection.destroy()
    await Promise.all(listeners.map((listener) => listener.close()))
  })

  test('two that are ready in the same turn: one is given, the other closed', async () => {
    const { port, listeners } = await dualListeners()
    const { begun, prelude, open } = gates()
    const connecting = tcp.connect({ host: 'example.test', port, lookup: both, attemptDelay: 10, prelude })
    await expect.poll(() => begun).toEqual([six, four])
    open(four)
    open(six)
    const connection = await connecting
    expect(connection.state).toBe('open')
    const count = (): number => listeners.reduce((sum, { connections }) => sum + connections.size, 0)
    await expect.poll(count).toBe(1)
    connection.destroy()
    await expect.poll(count).toBe(0)
    await Promise.all(listeners.map((listener) => listener.close()))
  })

  test('leaves one record for each address that failed', async () => {
    const port = await freePort()
    const lookup = () => Promise.resolve([four, six])
    const error = await errorOf(tcp.connect({ host: 'example.test', port, lookup }))
    expect(error).toBeInstanceOf(ConnectError)
    expect((error as Error).message).toBe(
      `Cannot connect to example.test:${port}: connection refused (2 tried)`,
    )
    const { attempts, cause } = error as ConnectError
    expect(attempts.map(({ address }) => address)).toMatchObject([{ host: six }, { host: four }])
    for (const attempt of attempts) {
      expect(attempt).toEqual({
        address: expect.objectContaining({ kind: 'ip', port }) as ConnectAttempt['address'],
        phase: 'connect',
        code: 'ECONNREFUSED',
        duration: expect.any(Number) as number,
      })
    }
    expect((cause as AggregateError).errors).toHaveLength(2)
  })

  test('no two reasons alike: nobody answered', async () => {
    const port = await freePort()
    // The zone is of no interface.
    const lookup = () => Promise.resolve([four, 'fe80::1%nowhere0'])
    const error = await errorOf(tcp.connect({ host: 'example.test', port, lookup }))
    expect((error as Error).message).toBe(
      `Cannot connect to example.test:${port}: no address answered (2 tried)`,
    )
    expect((error as ConnectError).attempts.map(({ address }) => address)).toMatchObject([
      { host: 'fe80::1', zone: 'nowhere0' },
      { host: four },
    ])
  })

  test('the attempt that came furthest gives the reason', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const port = portOf(listener)
    const cause = Object.assign(new Error('bad greeting'), { code: 'EPROTO' })
    const prelude = () => Promise.reject(new BrokenError('Greeting failed: bad greeting', { cause }))
    const error = await errorOf(tcp.connect({ host: 'example.test', port, lookup: both, prelude }))
    expect(error).toMatchObject({
      message: `Cannot connect to example.test:${port}: Greeting failed: bad greeting (2 tried)`,
      phase: 'handshake',
      attempts: [
        { address: { host: six }, phase: 'connect', code: 'ECONNREFUSED' },
        { address: { host: four }, phase: 'handshake', code: 'EPROTO' },
      ],
    })
  })

  test.each([
    ['family', { family: 4 }],
    ['localAddress', { localAddress: four }],
  ] as const)('tries one family only with %s', async (_name, options) => {
    const port = await freePort()
    const error = await errorOf(tcp.connect({ host: 'example.test', port, lookup: both, ...options }))
    expect((error as ConnectError).attempts.map(({ address }) => address)).toMatchObject([{ host: four }])
  })
})

describe('a prelude', () => {
  test('comes before anybody else, and may speak', async () => {
    await using listener = await tcp.listen({ port: 0 })
    const prelude: tcp.Prelude = async (connection) => connection.send('hello from the proxy')
    const connection = await tcp.connect({ port: portOf(listener), prelude })
    for await (const accepted of listener) {
      for await (const chunk of accepted) {
        expect(Buffer.from(chunk).toString()).toBe('hello from the proxy')
        break
      }
      break
    }
    connection.destroy()
  })

  test.each<[string, tcp.Prelude]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what users do
    ['rejects with nothing', () => Promise.reject()],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what users do
    ['rejects with what cannot be put in words', () => Promise.reject(Object.create(null))],
    ['destroys the connection and goes on', async (connection) => connection.destroy()],
    ['closes the connection and goes on', async (connection) => void connection.close()],
    ['destroys the connection and never settles', (connection) => (connection.destroy(), hang())],
  ])('that %s fails the attempt, and the peer sees the end', async (_what, prelude) => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const error = await errorOf(tcp.connect({ port: portOf(listener), prelude }))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'handshake', attempts: [{ phase: 'handshake' }] })
    await expect.poll(() => listener.connections.size).toBe(0)
  })

  test('that is reset fails with the code of the system', async () => {
    await using listener = await tcp.listen({ port: 0 }, (connection) => ({
      onData: () => connection.destroy(),
    }))
    const prelude: tcp.Prelude = async (connection) => {
      connection.write('hello')
      for await (const chunk of connection) void chunk
    }
    const error = await errorOf(tcp.connect({ port: portOf(listener), prelude }))
    expect(error).toMatchObject({ attempts: [{ phase: 'handshake', code: 'ECONNRESET' }] })
  })
})

describe('TLS', () => {
  const tls = { verify: false }

  test.each<[string, (connection: tcp.StreamConnection) => void, string, RegExp]>([
    ['reset', (peer) => peer.destroy(), 'ECONNRESET', /reset by peer/],
    [
      'answered in plain text',
      (peer) => peer.write('220 ready\r\n'),
      'ERR_SSL',
      /wrong version number|record/,
    ],
    ['ended', (peer) => peer.end(), '', /./],
  ])('%s during the handshake: the record says so', async (_what, answer, code, reason) => {
    await using listener = await tcp.listen({ port: 0 }, (peer) => ({ onData: () => answer(peer) }))
    const error = await errorOf(tcp.connect({ port: portOf(listener), tls }))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'tls', attempts: [{ address: { host: four }, phase: 'tls' }] })
    expect((error as ConnectError).attempts[0]?.code).toContain(code)
    expect((error as Error).message).toMatch(reason)
    await expect.poll(() => listener.connections.size).toBe(0)
  })

  test('is raced, too, and in time: the peers see every attempt end', async () => {
    const { port, spoken, listeners } = await dualListeners()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failed = errorOf(
      tcp.connect({ host: 'example.test', port, lookup: both, tls, connectTimeout: 500 }),
    )
    await expect.poll(() => spoken).toEqual([six])
    vi.advanceTimersByTime(250)
    await expect.poll(() => spoken).toEqual([six, four])
    vi.advanceTimersByTime(250)
    expect(await failed).toMatchObject({
      message: `Cannot connect to example.test:${port}: TLS handshake was not done within 500 ms`,
      phase: 'tls',
      cause: {
        attempts: [
          { address: { host: six }, phase: 'tls', code: 'ETIMEDOUT' },
          { address: { host: four }, phase: 'tls', code: 'ETIMEDOUT' },
        ],
      },
    })
    vi.useRealTimers()
    for (const { connections } of listeners) await expect.poll(() => connections.size).toBe(0)
    await Promise.all(listeners.map((listener) => listener.close()))
  })

  test('aborted during the handshake', async () => {
    const abort = new AbortController()
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData: () => abort.abort('enough') }))
    const connecting = tcp.connect({ port: portOf(listener), tls, signal: abort.signal })
    await expect(connecting).rejects.toBe('enough')
    await expect.poll(() => listener.connections.size).toBe(0)
  })
})

describe('connectTimeout', () => {
  test('a resolver that hangs', async () => {
    let told: AbortSignal | undefined
    const lookup = (_host: string, signal: AbortSignal) => {
      told = signal
      return hang()
    }
    const error = await errorOf(tcp.connect({ host: 'example.test', port: 1, lookup, connectTimeout: 20 }))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({
      message: 'Cannot connect to example.test:1: no answer from the resolver within 20 ms',
      phase: 'dns',
      retryable: true,
    })
    expect(told?.aborted).toBe(true)
  })

  test('a system that does not answer', async () => {
    await using deaf = await deafServer(four)
    const { port } = deaf
    const error = await errorOf(tcp.connect({ port, connectTimeout: 50 }))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({
      message: `Cannot connect to 127.0.0.1:${port}: no answer within 50 ms`,
      phase: 'connect',
      cause: { attempts: [{ address: { host: four, port }, phase: 'connect', code: 'ETIMEDOUT' }] },
    })
  })

  test('a prelude that hangs, beside an address that refused', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const { begun, prelude } = gates()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const options = { host: 'example.test', port: portOf(listener), lookup: both, prelude }
    const failed = errorOf(tcp.connect(options))
    await expect.poll(() => begun).toEqual([four])
    vi.advanceTimersByTime(10_000)
    const error = await failed
    vi.useRealTimers()
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({
      phase: 'handshake',
      cause: {
        attempts: [
          { address: { host: six }, phase: 'connect', code: 'ECONNREFUSED' },
          { address: { host: four }, phase: 'handshake', code: 'ETIMEDOUT' },
        ],
      },
    })
    await expect.poll(() => listener.connections.size).toBe(0)
  })
})

describe('dnsTimeout', () => {
  test('a resolver that hangs', async () => {
    let told: AbortSignal | undefined
    const lookup = (_host: string, signal: AbortSignal) => {
      told = signal
      return hang()
    }
    const error = await errorOf(tcp.connect({ host: 'example.test', port: 1, lookup, dnsTimeout: 20 }))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({
      message: 'Cannot connect to example.test:1: no answer from the resolver within 20 ms',
      phase: 'dns',
      retryable: true,
    })
    expect((error as Error).cause).toBeUndefined()
    expect(told?.aborted).toBe(true)
  })

  test('is over with the first address, however long that one takes', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const { begun, prelude, open } = gates()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const lookup = () => Promise.resolve([four])
    const options = { host: 'example.test', port: portOf(listener), lookup, prelude, dnsTimeout: 100 }
    const connecting = tcp.connect(options)
    await expect.poll(() => begun).toEqual([four])
    vi.advanceTimersByTime(5_000)
    open(four)
    const connection = await connecting
    expect(vi.getTimerCount()).toBe(0)
    connection.destroy()
  })
})

describe('tlsTimeout and preludeTimeout', () => {
  const limits = { tlsTimeout: 500, preludeTimeout: 500, attemptDelay: 60_000 }
  const tls = { ca, serverName: 'a.example' }
  const example = { host: 'example.test', lookup: both }

  /** On one port: somebody who never answers on IPv6, and whoever `answer` says on IPv4. */
  async function beside(options?: Partial<tcp.ListenOptions>, answer?: (peer: tcp.StreamConnection) => void) {
    const { port, spoken, listeners } = await dualListeners()
    const [hung, other] = listeners
    await other?.close()
    const accept = (peer: tcp.StreamConnection) => ({ onData: () => answer?.(peer) })
    const listener = options && (await tcp.listen({ port, host: four, ...options }, accept))
    return {
      port,
      spoken,
      hung,
      async [Symbol.asyncDispose]() {
        await Promise.all([hung?.close(), listener?.close({ grace: 0 })])
      },
    }
  }

  test('a handshake that hangs is what went wrong, and the peer sees the attempt end', async () => {
    const spoken: unknown[] = []
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData: (it) => void spoken.push(it) }))
    const port = portOf(listener)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failed = errorOf(tcp.connect({ port, tls: true, ...limits }))
    await expect.poll(() => spoken.length).toBe(1)
    vi.advanceTimersByTime(500)
    const error = await failed
    expect(error).toBeInstanceOf(TimeoutError)
    const message = `Cannot connect to 127.0.0.1:${port}: TLS handshake was not done within 500 ms`
    const attempts = [{ address: { host: four, port }, phase: 'tls', code: 'ETIMEDOUT' }]
    expect(error).toMatchObject({ message, phase: 'tls', retryable: true, cause: { message, attempts } })
    expect((error as Error).cause).toBeInstanceOf(ConnectError)
    await expect.poll(() => vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
    await expect.poll(() => listener.connections.size).toBe(0)
  })

  test('a handshake that hangs fails one attempt, and the next address is tried', async () => {
    await using servers = await beside({ tls: a })
    const { port, spoken, hung } = servers
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const connecting = tcp.connect({ ...example, port, tls, ...limits })
    await expect.poll(() => spoken).toEqual([six])
    vi.advanceTimersByTime(500)
    const connection = await connecting
    expect(connection).toMatchObject({ remoteAddress: { host: four }, tls: { authorized: true } })
    vi.advanceTimersByTime(5_000)
    vi.useRealTimers()
    expect(connection.state).toBe('open')
    await expect.poll(() => hung?.connections.size).toBe(0)
    connection.destroy()
  })

  test('one in time leaves no timer', async () => {
    await using listener = await tcp.listen({ port: 0, tls: a }, () => ({ onData() {} }))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const before = vi.getTimerCount()
    const prelude = () => Promise.resolve()
    const connection = await tcp.connect({ port: portOf(listener), tls, prelude, ...limits })
    // The listener has one for its side.
    await expect.poll(() => listener.connections.size).toBe(1)
    expect(vi.getTimerCount()).toBe(before)
    connection.destroy()
  })

  test.each<[string, Parameters<typeof beside>, new (...args: never[]) => Error, RegExp, string]>([
    [
      'one that refused',
      [],
      TimeoutError,
      /TLS handshake was not done within 500 ms \(2 tried\)$/,
      'connect',
    ],
    [
      'one that came as far and was answered',
      [{}, (peer) => peer.write('220 ready\r\n')],
      ConnectError,
      /: TLS handshake failed: .+ \(2 tried\)$/,
      'tls',
    ],
  ])('beside %s: who came furthest gives the reason', async (_, other, kind, reason, phase) => {
    await using servers = await beside(...other)
    const { port, spoken } = servers
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failed = errorOf(tcp.connect({ ...example, port, tls, ...limits }))
    await expect.poll(() => spoken).toEqual([six])
    vi.advanceTimersByTime(500)
    const error = await failed
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ phase: 'tls', message: expect.stringMatching(reason) as string })
    const { attempts } = (error instanceof ConnectError ? error : (error as Error).cause) as ConnectError
    expect(attempts).toMatchObject([
      { address: { host: six }, phase: 'tls', code: 'ETIMEDOUT' },
      { address: { host: four }, phase },
    ])
  })

  test('a prelude that hangs fails its attempt; TLS behind one that does not has its own time', async () => {
    const { port, spoken, listeners } = await dualListeners()
    const { begun, prelude, open } = gates()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failed = errorOf(tcp.connect({ ...example, port, tls, prelude, ...limits, tlsTimeout: 2_000 }))
    await expect.poll(() => begun).toEqual([six])
    vi.advanceTimersByTime(500)
    await expect.poll(() => begun).toEqual([six, four])
    open(four)
    await expect.poll(() => spoken).toEqual([four])
    vi.advanceTimersByTime(1_999)
    // Too late.
    open(six)
    vi.advanceTimersByTime(1)
    expect(await failed).toMatchObject({
      message: `Cannot connect to example.test:${port}: TLS handshake was not done within 2000 ms (2 tried)`,
      phase: 'tls',
      cause: {
        attempts: [
          { address: { host: six }, phase: 'handshake', code: 'ETIMEDOUT' },
          { address: { host: four }, phase: 'tls', code: 'ETIMEDOUT' },
        ],
      },
    })
    vi.useRealTimers()
    for (const { connections } of listeners) await expect.poll(() => connections.size).toBe(0)
    await Promise.all(listeners.map((listener) => listener.close()))
  })
})

describe('a signal', () => {
  const reason = new Error('enough')

  test('aborted before: nothing is tried', async () => {
    const lookup = vi.fn<typeof both>(both)
    const options = { host: 'example.test', port: 1, lookup, signal: AbortSignal.abort(reason) }
    await expect(tcp.connect(options)).rejects.toBe(reason)
    expect(lookup).not.toHaveBeenCalled()
  })

  test('aborted by the lookup itself', async () => {
    const abort = new AbortController()
    const lookup = () => {
      abort.abort(reason)
      return both()
    }
    const options = { host: 'example.test', port: 1, lookup, signal: abort.signal }
    await expect(tcp.connect(options)).rejects.toBe(reason)
  })

  test('aborted while the resolver is asked', async () => {
    const abort = new AbortController()
    let told: AbortSignal | undefined
    const lookup = (_host: string, signal: AbortSignal) => {
      told = signal
      return hang()
    }
    const connecting = tcp.connect({ host: 'example.test', port: 1, lookup, signal: abort.signal })
    abort.abort(reason)
    await expect(connecting).rejects.toBe(reason)
    expect(told?.aborted).toBe(true)
    const system = tcp.connect({ host: 'localhost', port: 1, signal: AbortSignal.any([abort.signal]) })
    await expect(system).rejects.toBe(reason)
  })

  test('aborted while nobody answers', async () => {
    await using deaf = await deafServer(four)
    const abort = new AbortController()
    const connecting = tcp.connect({ port: deaf.port, signal: abort.signal })
    setImmediate(() => abort.abort(reason))
    await expect(connecting).rejects.toBe(reason)
  })

  test('aborted during preludes: the peers see every attempt end', async () => {
    const { port, listeners } = await dualListeners()
    const { begun, prelude } = gates()
    const abort = new AbortController()
    const options = { host: 'example.test', port, lookup: both, attemptDelay: 10, prelude }
    const connecting = tcp.connect({ ...options, signal: abort.signal })
    await expect.poll(() => begun).toEqual([six, four])
    abort.abort(reason)
    await expect(connecting).rejects.toBe(reason)
    for (const { connections } of listeners) await expect.poll(() => connections.size).toBe(0)
    await Promise.all(listeners.map((listener) => listener.close()))
  })

  test('aborted in the turn in which it is ready: nobody has heard of the connection, so it is closed', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const abort = new AbortController()
    const { begun, prelude, open } = gates()
    const connecting = tcp.connect({ port: portOf(listener), prelude, signal: abort.signal })
    await expect.poll(() => begun).toEqual([four])
    open(four)
    abort.abort(reason)
    await expect(connecting).rejects.toBe(reason)
    await expect.poll(() => listener.connections.size).toBe(0)
  })

  test('means nothing once connected', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const abort = new AbortController()
    const connection = await tcp.connect({ port: portOf(listener), signal: abort.signal })
    abort.abort()
    expect(connection.state).toBe('open')
    connection.destroy()
  })
})

describe('options', () => {
  test.each<[RegExp, object]>([
    [/option port/, {}],
    [/option port/, { port: 0 }],
    [/option path: must/, { path: '' }],
    [/option connectTimeout/, { port: 1, connectTimeout: -1 }],
    [/option dnsTimeout: 0 /, { port: 1, dnsTimeout: 0 }],
    [/option tlsTimeout: 5 /, { port: 1, tlsTimeout: '5' }],
    [/option preludeTimeout: Infinity /, { port: 1, preludeTimeout: Infinity }],
    [/option attemptDelay/, { port: 1, attemptDelay: Number.NaN }],
    [/option attemptDelay: 9 is less than the 10/, { port: 1, attemptDelay: 9 }],
    [/option family: 5 is neither/, { port: 1, family: 5 }],
    [/option family: 4 is neither/, { port: 1, family: '4' }],
    [/option family: cannot/, { path: '/nowhere', family: 4 }],
    [/option localAddress: cannot/, { path: '/nowhere', localAddress: four }],
    [/option localAddress: localhost is not an IP/, { port: 1, localAddress: 'localhost' }],
    [/option localAddress: 5 is not an IP/, { port: 1, localAddress: 5 }],
    [/option localAddress: ::1 is not an IPv4/, { port: 1, family: 4, localAddress: six }],
    [/option host: "0x7f.1" is neither/, { port: 1, host: '0x7f.1' }],
    [/option host: "0177.0.0.1" is neither/, { port: 1, host: '0177.0.0.1' }],
    [/option host: "2130706433" is neither/, { port: 1, host: '2130706433' }],
    [/option host: 127.0.0.1 is not an IPv6/, { port: 1, host: four, family: 6 }],
    [/option host: ::1 is not an IPv4/, { port: 1, host: six, localAddress: four }],
    [/option lookup/, { port: 1, lookup: 'dns' }],
    [/option prelude/, { port: 1, prelude: {} }],
    [/option keepAlive/, { port: 1, keepAlive: 0 }],
    [/option noDelay/, { port: 1, noDelay: 'no' }],
  ])('refused at the call, by name: %s', async (message, options) => {
    const error = await errorOf(tcp.connect(options))
    expect((error as Error).message).toMatch(message)
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
  })
})

test('a thousand that were refused, timed out or aborted leave nothing', async () => {
  const port = await freePort()
  const left = (): number =>
    process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP|GetAddrInfo/.test(kind)).length
  const before = left()
  const abort = new AbortController()
  const ways: (() => Partial<tcp.ConnectOptions>)[] = [
    () => ({}),
    () => ({ host: 'example.test', lookup: both }),
    () => ({ host: 'example.test', lookup: hang, connectTimeout: 10 }),
    () => ({ host: 'example.test', lookup: hang, signal: AbortSignal.any([abort.signal]) }),
  ]
  const connecting = Array.from({ length: 1_000 }, (_, index) =>
    errorOf(tcp.connect({ port, ...ways[index % ways.length]?.() })),
  )
  setImmediate(() => abort.abort())
  const errors = await Promise.all(connecting)
  const count = (kind: new (...args: never[]) => object): number =>
    errors.filter((error) => error instanceof kind).length
  expect(count(ConnectError)).toBe(500)
  expect(count(TimeoutError)).toBe(250)
  await expect.poll(left).toBeLessThanOrEqual(before)
})
