import type { ByteConnection } from '@fairlead/core'
import { ConnectError } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import { useManualClock } from '@fairlead/harness'
import { describe, expect, test } from 'vitest'

import { Client, type IncomingResponse, type RequestError } from '../../src/index.ts'
import { quiet, Signal, until } from '../server/ways.ts'
import { answer, failure, nothing, raw, RawPeer, rawWays, standing } from './raw-server.ts'

const clock = useManualClock()

describe.each(rawWays)('the pool over $name', (way) => {
  test('opens no more connections than allowed, and serves first who came first', async () => {
    await using server = await way.open()
    await using client = server.client({ maxConnections: 3 })
    const targets = Array.from({ length: 20 }, (_, at) => `/${at}`)
    const order: string[] = []
    server.script = (asked) => {
      order.push(asked.target)
      return undefined
    }
    const all = targets.map((target) => client.request(target))
    await until(() => order.length === 3)
    expect([standing(client), client.stats().active]).toEqual([
      { connections: 3, idle: 0, connecting: 0, queued: 17 },
      20,
    ])
    for (let at = 0; at < 20; at++) {
      await until(() => order.length > at)
      const peer = server.peers.find(({ asked }) => asked.at(-1)?.target === order[at])!
      peer.write(answer(order[at]))
    }
    for (const [at, got] of (await Promise.all(all)).entries()) expect(await got.text()).toBe(targets[at])
    expect([order, server.peers.length]).toEqual([targets, 3])
    expect(standing(client)).toEqual({ ...nothing, connections: 3, idle: 3 })
  })

  test('uses the connection again that was used last', async () => {
    await using server = await way.open((asked) => answer(asked.target))
    await using client = server.client()
    await Promise.all([client.request('/'), client.request('/'), client.request('/')])
    await until(() => standing(client).idle === 3)
    for (let times = 0; times < 5; times++) await (await client.request('/again')).text()
    expect(server.peers.map(({ asked }) => asked.length).toSorted((a, b) => a - b)).toEqual([1, 1, 6])
  })

  test('refuses who would be one too many to wait', async () => {
    await using server = await way.open()
    await using client = server.client({ maxConnections: 1, maxQueued: 1 })
    // The first one has a connection on its way.
    const all = [client.request('/1'), client.request('/2')]
    const failed = await failure<RequestError>(client.request('/3'))
    expect(failed).toMatchObject({
      name: 'RequestError',
      code: 'ERR_FAIRLEAD_LIMIT',
      phase: 'connect',
      retryable: true,
      bytesWritten: 0,
      attempts: 0,
      cause: { name: 'LimitError', limit: 'maxQueued' },
    })
    await until(() => server.peers[0]?.asked.length === 1)
    expect(await failure(client.request('/4'))).toMatchObject({ code: 'ERR_FAIRLEAD_LIMIT' })
    server.script = () => answer('late')
    server.peers[0]!.write(answer('late'))
    for (const got of await Promise.all(all)) expect(await got.text()).toBe('late')
    expect(client.stats()).toMatchObject({ requests: 4, failed: 2, active: 0 })
  })

  test('keeps a connection for as long as idleTimeout says', async () => {
    await using server = await way.open(() => answer())
    await using client = server.client({ idleTimeout: 2_000 })
    await client.request('/')
    clock.advance(1_500)
    expect((await client.request('/')).reused).toBe(true)
    clock.advance(1_999)
    expect((await client.request('/')).reused).toBe(true)
    clock.advance(2_250)
    await until(() => server.peers[0]!.gone)
    expect([standing(client), client.stats().origins]).toEqual([nothing, {}])
    expect((await client.request('/')).reused).toBe(false)
  })

  test.each([
    ['timeout=3', 2_000],
    ['timeout=5, max=100', 4_000],
    ['max=100, timeout = 5', 4_000],
    ['TIMEOUT="5"', 4_000],
    ['timeout=3600', 4_000],
    ['max=7', 4_000],
    ['timeout=soon', 4_000],
  ])('keeps it for no longer than the server says in Keep-Alive: %s', async (value, kept) => {
    await using server = await way.open(() => answer('', `Keep-Alive: ${value}`))
    await using client = server.client()
    await client.request('/')
    clock.advance(kept - 250)
    expect(standing(client)).toEqual({ ...nothing, connections: 1, idle: 1 })
    clock.advance(500)
    expect(standing(client)).toEqual(nothing)
    await until(() => server.peers[0]!.gone)
  })

  test('does not keep one whose server will close it at once', async () => {
    await using server = await way.open(() => answer('', 'Keep-Alive: timeout=0'))
    await using client = server.client()
    await (await client.request('/')).text()
    await until(() => server.peers[0]!.gone)
    expect(standing(client)).toEqual(nothing)
  })

  test.each([
    ['the server says so', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok', {}],
    [
      'the server says so among others',
      'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok',
      {},
    ],
    ['it is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', {}],
    ['the request says so', answer('ok'), { Connection: 'close' }],
  ])('does not keep one where %s', async (_why, bytes, headers) => {
    await using server = await way.open(() => bytes)
    await using client = server.client({ maxConnections: 1 })
    const all = await Promise.all([client.request('/', { headers }), client.request('/', { headers })])
    for (const got of all) expect([await got.text(), got.reused, got.attempts]).toEqual(['ok', false, 1])
    await until(() => server.peers.every((peer) => peer.gone))
    expect([server.peers.length, standing(client)]).toEqual([2, nothing])
  })

  test('lets go of one that the server ends or resets while it waits', async () => {
    await using server = await way.open(() => answer())
    await using client = server.client()
    for (const leave of ['end', 'reset'] as const) {
      const got = await client.request('/')
      expect(got.reused).toBe(false)
      server.peers.at(-1)![leave]()
      await until(() => client.stats().origins[Object.keys(client.stats().origins)[0] ?? ''] === undefined)
    }
    expect(client.stats()).toMatchObject({ requests: 2, failed: 0, retries: 0, origins: {} })
  })

  test.each([
    ['an answer', answer('poison')],
    ['a byte', 'x'],
    ['an empty line', '\r\n'],
    [
      'a 408 of the server’s own',
      'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    ],
  ])('destroys one on which %s comes while it waits', async (_what, bytes) => {
    await using server = await way.open((asked) => answer(asked.target))
    await using client = server.client()
    await client.request('/first')
    server.peers[0]!.write(bytes)
    await until(() => server.peers[0]!.gone)
    const got = await client.request('/second')
    expect([await got.text(), got.reused, server.peers.length]).toEqual(['/second', false, 2])
  })

  test.each([
    ['an answer', answer('poison')],
    ['a part of one', 'HTTP/1.1 200 OK\r\nContent-'],
    ['a byte', 'x'],
    ['an empty line', '\r\n'],
    ['a 1xx answer', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ])(
    'destroys one on which %s comes in one read behind the answer that was waited for',
    async (_what, bytes) => {
      await using server = await way.open(
        (asked, _peer, count) => answer(asked.target) + (count === 1 ? bytes : ''),
      )
      await using client = server.client({ maxConnections: 1 })
      const first = client.request('/first')
      const second = client.request('/second')
      expect(await (await first).text()).toBe('/first')
      const got = await second
      expect([await got.text(), got.reused]).toEqual(['/second', false])
      await until(() => server.peers[0]!.gone)
      expect([server.peers.length, client.stats().failed]).toEqual([2, 0])
    },
  )
})

describe('connecting', () => {
  test('that fails is an error of each caller’s own', async () => {
    let attempts = 0
    await using client = new Client({
      base: 'http://nobody.example/',
      connect: async () => {
        attempts++
        throw new ConnectError('Cannot connect to nobody: refused', { code: 'ERR_FAIRLEAD_CONNECT' })
      },
    })
    const errors = await Promise.all(
      ['/1', '/2?secret=1', '/3'].map((target) =>
        failure<RequestError>(client.request(target, { method: target === '/3' ? 'POST' : 'GET' })),
      ),
    )
    expect(new Set(errors).size).toBe(3)
    for (const [at, error] of errors.entries())
      expect(error).toMatchObject({
        name: 'RequestError',
        code: 'ERR_FAIRLEAD_CONNECT',
        phase: 'connect',
        url: `http://nobody.example/${at + 1}`,
        method: at === 2 ? 'POST' : 'GET',
        bytesWritten: 0,
        attempts: 0,
        reused: false,
        retryable: true,
        message: expect.stringMatching(
          /: Cannot connect to nobody: refused \(connect; nothing was sent; safe to retry\)$/,
        ) as string,
      })
    expect(attempts).toBe(3)
    expect(client.stats()).toMatchObject({ requests: 3, failed: 3, active: 0, retries: 0, origins: {} })
  })

  test('over tcp that is refused says to whom', async () => {
    const server = await rawWays[1]!.open()
    await server[Symbol.asyncDispose]()
    await using client = new Client()
    const error = await failure<RequestError>(client.request(`${server.url}/x`))
    expect(error).toMatchObject({
      code: 'ERR_FAIRLEAD_CONNECT',
      phase: 'connect',
      peer: { kind: 'ip', host: '127.0.0.1', port: server.port },
      retryable: true,
      bytesWritten: 0,
    })
    expect(client.stats()).toMatchObject({ active: 0, origins: {} })
  })

  test('that fails fails those who waited for it, and goes on for those behind', async () => {
    const { hooks, connect } = hanging()
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client({ maxConnections: 2, connect })
    const first = [client.request('/1'), client.request('/2')]
    await until(() => hooks.length === 2)
    clock.advance(250)
    const behind = client.request('/3')
    const failed = first.map((it) => failure(it))
    hooks[0]!.reject(new ConnectError('refused'))
    await quiet()
    hooks[1]!.reject(new ConnectError('refused'))
    for (const error of await Promise.all(failed))
      expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_CONNECT' })
    await until(() => hooks.length > 2)
    hooks[2]!.resolve(await server.options.connect!({ signal: undefined } as never))
    expect(await (await behind).text()).toBe('/3')
    expect(client.stats().active).toBe(0)
  })

  test('gives the connection to whoever waited longest, and keeps what nobody needs any more', async () => {
    const { hooks, connect } = hanging()
    await using server = await raw.open((asked) => answer(asked.target))
    const open = (): Promise<ByteConnection> => server.options.connect!({ signal: undefined } as never)
    await using client = server.client({ connect })
    const order: string[] = []
    const all = ['/1', '/2', '/3'].map(async (target) => {
      const got = await client.request(target)
      order.push(await got.text())
      return got
    })
    await until(() => hooks.length === 3)
    hooks[2]!.resolve(await open())
    await Promise.all(all)
    expect([order, server.peers.length]).toEqual([['/1', '/2', '/3'], 1])
    hooks[0]!.resolve(await open())
    hooks[1]!.resolve(await open())
    await until(() => standing(client).idle === 3)
    expect(standing(client)).toEqual({ ...nothing, connections: 3, idle: 3 })
  })

  test('gives no connection to anybody on which bytes came before', async () => {
    const { hooks, connect } = hanging()
    await using server = await raw.open((asked) => answer(asked.target))
    const open = (): Promise<ByteConnection> => server.options.connect!({ signal: undefined } as never)
    await using client = server.client({ connect })
    const both = [client.request('/1'), client.request('/2')]
    await until(() => hooks.length === 2)
    hooks[0]!.resolve(await open())
    await Promise.all(both)
    const greeting = await open()
    ;(await server.peer(1)).write(answer('poison'))
    hooks[1]!.resolve(greeting)
    await until(() => server.peers[1]!.gone)
    expect(standing(client)).toEqual({ ...nothing, connections: 1, idle: 1 })
    expect(await (await client.request('/3')).text()).toBe('/3')
  })

  test('is given up when nobody waits for it any more', async () => {
    const { hooks, connect } = hanging()
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client({ connect })
    const gone = new AbortController()
    const errors = [1, 2].map((at) => failure(client.request(`/${at}`, { signal: gone.signal })))
    await until(() => hooks.length === 2)
    expect(standing(client)).toEqual({ ...nothing, connecting: 2, queued: 2 })
    gone.abort(new Error('enough'))
    for (const error of await Promise.all(errors)) expect(error.message).toBe('enough')
    await quiet()
    expect([client.stats().origins, hooks.every(({ signal }) => signal.aborted)]).toEqual([{}, true])
  })

  test('that was given up is nobody’s failure who comes at the same time', async () => {
    const { hooks, connect } = hanging()
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client({ connect })
    const gone = new AbortController()
    const aborted = failure(client.request('/1', { signal: gone.signal }))
    await until(() => hooks.length === 1)
    gone.abort()
    const next = client.request('/2')
    await aborted
    await until(() => hooks.length === 2)
    hooks[1]!.resolve(await server.options.connect!({ signal: undefined } as never))
    expect(await (await next).text()).toBe('/2')
  })

  test('that comes too late is let go of', async () => {
    const { hooks, connect } = hanging()
    await using server = await raw.open()
    await using client = server.client({ connect })
    const gone = new AbortController()
    const aborted = failure(client.request('/1', { signal: gone.signal }))
    await until(() => hooks.length === 1)
    gone.abort()
    await aborted
    hooks[0]!.resolve(await server.options.connect!({ signal: undefined } as never))
    await until(() => server.peers[0]?.gone === true)
    expect(client.stats().origins).toEqual({})
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('by the hook')
      },
      'ERR_FAIRLEAD_CONNECT',
      /: Cannot connect: by the hook \(connect; nothing was sent; safe to retry\)$/,
    ],
    [
      'rejects',
      () => Promise.reject(new Error('by the hook')),
      'ERR_FAIRLEAD_CONNECT',
      /: Cannot connect: by the hook \(connect; nothing was sent; safe to retry\)$/,
    ],
    ['rejects with nothing', () => Promise.reject(undefined), 'ERR_FAIRLEAD_CONNECT', /undefined/],
    [
      'gives nothing',
      () => undefined,
      'ERR_FAIRLEAD_CONNECT',
      /: Cannot connect: the option connect gave no connection \(/,
    ],
    [
      'gives a promise of nothing',
      async () => undefined,
      'ERR_FAIRLEAD_CONNECT',
      /: Cannot connect: the option connect gave no connection \(/,
    ],
    [
      'gives nonsense',
      async () => ({ socket: true }),
      'ERR_FAIRLEAD_CONNECT',
      /: Cannot connect: the option connect gave no connection \(/,
    ],
  ])('by a hook that %s costs the request', async (_what, connect, code, message) => {
    let good = false
    await using server = await raw.open((asked) => answer(asked.target))
    await using client = server.client({
      connect: ((target) => (good ? server.options.connect!(target) : connect())) as NonNullable<
        ConstructorParameters<typeof Client>[0]
      >['connect'] &
        object,
    })
    const error = await failure<RequestError>(client.request('/'))
    expect(error).toMatchObject({
      name: 'RequestError',
      code,
      phase: 'connect',
      bytesWritten: 0,
      retryable: true,
    })
    expect(error.message).toMatch(message)
    expect(client.stats()).toMatchObject({ active: 0, failed: 1, origins: {} })
    good = true
    expect(await (await client.request('/good')).text()).toBe('/good')
  })

  test.each(['destroyed', 'ended'])(
    'by a hook that gives a connection which is %s costs the request',
    async (how) => {
      let made = 0
      await using client = new Client({
        base: 'http://pair.example',
        connect: async () => {
          made++
          const [here, there] = memory.pair()
          if (how === 'destroyed') here.destroy()
          else {
            there.destroy()
            await here.closed
          }
          return here
        },
      })
      const error = await failure<RequestError>(client.request('/'))
      expect(error).toMatchObject({
        name: 'RequestError',
        phase: 'connect',
        bytesWritten: 0,
        retryable: true,
      })
      expect([made, client.stats().origins]).toEqual([1, {}])
    },
  )

  test('tells the hook whom for, and for how long', async () => {
    const seen: unknown[] = []
    await using server = await raw.open(() => answer())
    await using client = server.client({
      timeouts: { dns: 1, tls: 2 },
      connect: (target) => {
        seen.push({ ...target, signal: target.signal.aborted, timeouts: { ...target.timeouts } })
        return server.options.connect!(target)
      },
    })
    await client.request('http://[::1]:8080/x', { timeouts: { connect: 3 } })
    await client.request('https://A.example/x')
    await client.request('http://a.example/x', { unix: '/run/socket' })
    expect(seen).toMatchObject([
      {
        origin: 'http://[::1]:8080',
        host: '::1',
        port: 8080,
        unix: undefined,
        tls: undefined,
        signal: false,
        timeouts: { dns: 1, connect: 3, tls: 2 },
      },
      { origin: 'https://a.example', host: 'a.example', port: 443, tls: { alpn: ['http/1.1'] } },
      { origin: 'http://a.example', host: 'a.example', port: 80, unix: '/run/socket' },
    ])
  })
})

test('a thousand origins leave nothing behind', async () => {
  const far: RawPeer[] = []
  await using client = new Client({
    idleTimeout: 1_000,
    connect: async () => {
      const [here, there] = memory.pair()
      far.push(new RawPeer(there, () => answer('ahoy')))
      return here
    },
  })
  for (let at = 0; at < 1_000; at += 50) {
    const some = Array.from({ length: 50 }, (_, one) => client.request(`http://host-${at + one}.example/`))
    for (const got of await Promise.all(some)) expect(await got.text()).toBe('ahoy')
  }
  expect([far.length, Object.keys(client.stats().origins).length]).toEqual([1_000, 1_000])
  clock.advance(1_250)
  expect(client.stats()).toMatchObject({ requests: 1_000, active: 0, origins: {} })
  await until(() => far.every((peer) => peer.gone))
})

describe('pipelining', () => {
  const warm = async (client: Client): Promise<void> => {
    await (await client.request('/warm')).text()
  }

  test('is off by default', async () => {
    await using server = await raw.open((asked) => (asked.target === '/warm' ? answer() : undefined))
    await using client = server.client({ maxConnections: 1 })
    await warm(client)
    const all = [client.request('/1'), client.request('/2')]
    await quiet()
    expect([server.peers[0]!.asked.length, standing(client).queued]).toEqual([2, 1])
    const failed = all.map((it) => failure(it))
    client.destroy()
    await Promise.all(failed)
  })

  test.each(rawWays)(
    'puts safe requests on one connection, answered in their order, over $name',
    async (way) => {
      await using server = await way.open()
      server.script = (asked) => (asked.target === '/warm' ? answer() : undefined)
      await using client = server.client({ maxConnections: 1, pipelining: 4 })
      await warm(client)
      const all = ['/1', '/2', '/3', '/4', '/5'].map((target) => client.request(target))
      await until(() => server.peers[0]!.asked.length === 5)
      await quiet()
      expect([server.peers[0]!.asked.map(({ target }) => target), standing(client).queued]).toEqual([
        ['/warm', '/1', '/2', '/3', '/4'],
        1,
      ])
      server.script = (asked) => answer(asked.target)
      server.peers[0]!.write(['/1', '/2', '/3', '/4'].map((it) => answer(it)).join(''))
      for (const [at, got] of (await Promise.all(all)).entries())
        expect([await got.text(), got.reused, got.attempts]).toEqual([`/${at + 1}`, true, 1])
      expect(server.peers).toHaveLength(1)
    },
  )

  test('begins behind the first answer: only then is it known that the server keeps connections', async () => {
    await using server = await raw.open()
    await using client = server.client({ maxConnections: 1, pipelining: 4 })
    const all = [client.request('/1'), client.request('/2')]
    await until(() => server.peers[0]?.asked.length === 1)
    await quiet()
    expect(server.peers[0]!.asked).toHaveLength(1)
    server.script = (asked) => answer(asked.target)
    server.peers[0]!.write(answer('/1'))
    expect(await Promise.all((await Promise.all(all)).map((got) => got.text()))).toEqual(['/1', '/2'])
  })

  test('lets what is not safe wait, and nobody pass it', async () => {
    await using server = await raw.open()
    server.script = (asked) => (asked.target === '/warm' ? answer() : undefined)
    await using client = server.client({ maxConnections: 1, pipelining: 4 })
    await warm(client)
    const all = [
      client.request('/1'),
      client.request('/2', { method: 'POST', body: 'x' }),
      client.request('/3'),
    ]
    await quiet()
    expect(server.peers[0]!.asked.map(({ target }) => target)).toEqual(['/warm', '/1'])
    server.peers[0]!.write(answer('/1'))
    await until(() => server.peers[0]!.asked.length === 3)
    await quiet()
    expect(server.peers[0]!.asked.map(({ target }) => target)).toEqual(['/warm', '/1', '/2'])
    server.script = (asked) => answer(asked.target)
    server.peers[0]!.write(answer('/2'))
    expect(await Promise.all((await Promise.all(all)).map((got) => got.text()))).toEqual(['/1', '/2', '/3'])
  })

  test.each([
    [
      'closed',
      (peer: RawPeer) => {
        peer.write(answer('/1', 'Connection: close'))
      },
    ],
    [
      'ended',
      (peer: RawPeer) => {
        peer.write(answer('/1'))
        peer.end()
      },
    ],
    [
      'broken',
      (peer: RawPeer) => {
        peer.write(answer('/1'))
        setImmediate(() => setImmediate(() => peer.reset()))
      },
    ],
  ])('on a connection that is %s in the middle: those behind are asked again, alone', async (_how, lose) => {
    await using server = await raw.open()
    server.script = (asked) => (asked.target === '/warm' ? answer() : undefined)
    await using client = server.client({ maxConnections: 1, pipelining: 4 })
    await warm(client)
    const all = ['/1', '/2', '/3'].map((target) => client.request(target))
    await until(() => server.peers[0]!.asked.length === 4)
    let most = 0
    server.script = (asked, peer) => {
      most = Math.max(most, peer.asked.length)
      return answer(asked.target)
    }
    lose(server.peers[0]!)
    const got: IncomingResponse[] = await Promise.all(all)
    expect(await Promise.all(got.map((it) => it.text()))).toEqual(['/1', '/2', '/3'])
    expect(got.map(({ attempts }) => attempts)).toEqual([1, 2, 2])
    expect(client.stats()).toMatchObject({ retries: 2, failed: 0, active: 0 })
    expect(
      server.peers
        .slice(1)
        .map(({ asked }) => asked[0]!.target)
        .toSorted(),
    ).toEqual(['/2', '/3'])
  })

  test('with one that is given up behind others leaves those alone', async () => {
    await using server = await raw.open()
    server.script = (asked) => (asked.target === '/warm' ? answer() : undefined)
    await using client = server.client({ maxConnections: 1, pipelining: 4 })
    await warm(client)
    const gone = new AbortController()
    const first = client.request('/1')
    const second = failure(client.request('/2', { signal: gone.signal }))
    const third = client.request('/3')
    await until(() => server.peers[0]!.asked.length === 4)
    server.peers[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhal')
    const got = await first
    gone.abort(new Error('enough'))
    expect((await second).message).toBe('enough')
    server.script = (asked) => answer(asked.target)
    await quiet()
    server.peers[0]!.write('ved' + answer('not for you') + answer('/3'))
    expect(await got.text()).toBe('halved')
    expect(await (await third).text()).toBe('/3')
    expect(client.stats()).toMatchObject({ active: 0, failed: 1 })
  })
})

interface Hook {
  signal: AbortSignal
  resolve(connection: ByteConnection): void
  reject(error: Error): void
}

/** A hook whose connections come when a test says so. */
function hanging(): { hooks: Hook[]; connect: (target: { signal: AbortSignal }) => Promise<ByteConnection> } {
  const hooks: Hook[] = []
  return {
    hooks,
    connect: ({ signal }) => new Promise((resolve, reject) => hooks.push({ signal, resolve, reject })),
  }
}

test('what waits is served while connections come and go', async () => {
  const gate = new Signal()
  await using server = await raw.open((asked, peer, count) => {
    // Each connection is closed behind its third answer.
    const last = count === 3
    void gate.fired.then(() => {
      peer.write(answer(asked.target, ...(last ? ['Connection: close'] : [])))
      if (last) peer.end()
    })
    return undefined
  })
  await using client = server.client({ maxConnections: 4 })
  const all = Array.from({ length: 100 }, (_, at) => client.request(`/${at}`))
  gate.fire()
  for (const [at, got] of (await Promise.all(all)).entries()) expect(await got.text()).toBe(`/${at}`)
  expect(client.stats()).toMatchObject({ requests: 100, failed: 0, active: 0 })
})
