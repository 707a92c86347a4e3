import { type ByteConnection, type CloseReason, ConnectError, SocketError } from '@fairlead/core'
import * as memory from '@fairlead/core/memory'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'

import { echo, portOf, quiet, read, until } from '../harness.ts'
import { accepting, answering, failureOf, silent, talk, urlBy, ways } from './servers.ts'

const clock = useManualClock()

/** How a connection is lost: by a reset, or by its end. */
const losses = ['reset', 'end'] as const

function lose(connection: ByteConnection, loss: (typeof losses)[number]): void {
  if (loss === 'end') connection.end()
  else connection.destroy(new Error('reset'))
}

describe.each(ways)('a client over $name', (way) => {
  const { scheme, listening, connecting } = way

  test.each(losses)('is told once of a server that is lost at once, by %s', async (loss) => {
    await using early = await tcp.listen({ port: 0 }, (connection) => {
      connection.handle({ onData() {} })
      lose(connection, loss)
    })
    const error = await failureOf(websocket.connect(urlBy(way, early), connecting))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ retryable: true })
    await until(() => early.connections.size === 0)
  })

  test.each(losses)(
    'is told once of a server that is lost at each byte of its answer, by %s',
    async (loss) => {
      let at = 0
      await using server = await answering((asked, connection) => {
        if (at > 0) connection.write(accepting(asked).slice(0, at))
        void quiet().then(() => lose(connection, loss))
      }, way)
      for (at of [0, 1, 9, 12, 34, 60, 100, 126, 128]) {
        const error = await failureOf(websocket.connect(urlBy(way, server, '/?secret'), connecting))
        expect(error).toBeInstanceOf(ConnectError)
        expect(error).toMatchObject({ phase: 'handshake', retryable: true })
        expect(error.message).not.toContain('secret')
        await until(() => server.connections.size === 0)
      }
    },
  )

  const frame = Buffer.concat([Buffer.of(0x81, 4), Buffer.from('ahoy')])
  const spoken: [string, Buffer, string[]][] = [
    ['behind the 101', Buffer.alloc(0), []],
    ['in a frame', frame.subarray(0, 4), []],
    ['behind a frame', frame, ['ahoy']],
    ['in a Close frame', Buffer.concat([frame, Buffer.of(0x88, 2, 3)]), ['ahoy']],
  ]
  const cases = losses.flatMap((loss) => spoken.map((it) => [...it, loss] as const))

  test.each(cases)('has one reason when the server is lost %s', async (_, bytes, messages, loss) => {
    await using server = await answering((asked, connection) => {
      connection.write(Buffer.concat([Buffer.from(accepting(asked)), bytes]))
      void quiet().then(() => lose(connection, loss))
    }, way)
    const connection = await websocket.connect(urlBy(way, server), connecting)
    const heard: unknown[] = []
    const reasons: CloseReason[] = []
    connection.handle({
      onData: (data) => void heard.push(data),
      onClose: (reason) => void reasons.push(reason),
    })
    const reason = await connection.closed
    expect(reason).toMatchObject({ kind: 'error', error: { name: 'BrokenError' } })
    await until(() => server.connections.size === 0)
    // What a reset leaves unread, the system may throw away.
    if (loss === 'end') expect(heard).toEqual(messages)
    expect(reasons).toEqual([reason])
  })

  test.each(losses)('ends in time when the server is lost while it closes, by %s', async (loss) => {
    let peer: ByteConnection | undefined
    await using server = await answering((asked, connection) => {
      connection.write(accepting(asked))
      peer = connection
    }, way)
    const connection = await websocket.connect(urlBy(way, server), connecting)
    const reasons: CloseReason[] = []
    connection.handle({ onData() {}, onClose: (reason) => void reasons.push(reason) })
    const closing = connection.close({ grace: 5_000 })
    await quiet()
    expect(reasons).toEqual([])
    lose(peer!, loss)
    await closing
    expect(reasons).toEqual([await connection.closed])
    await until(() => server.connections.size === 0)
  })

  test('gives up in each phase when its signal is aborted, and leaves no connection', async () => {
    const reason = new Error('changed my mind')
    await using server = await silent(way)
    const url = urlBy(way, server)
    const before = websocket.connect(url, { ...connecting, signal: AbortSignal.abort(reason) })
    expect(await failureOf(before)).toBe(reason)
    expect(server.connections.size).toBe(0)
    const atOnce = new AbortController()
    const failing = failureOf(websocket.connect(url, { ...connecting, signal: atOnce.signal }))
    atOnce.abort(reason)
    expect(await failing).toBe(reason)
    await until(() => server.connections.size === 0)
    const within = new AbortController()
    const waiting = failureOf(websocket.connect(url, { ...connecting, signal: within.signal }))
    await until(() => server.connections.size === 1)
    await quiet()
    within.abort(reason)
    expect(await waiting).toBe(reason)
    await until(() => server.connections.size === 0)
  })

  test('is told why what is under it was cut: the server takes nothing more', async () => {
    await using server = await answering((asked, connection) => {
      connection.write(accepting(asked))
      connection.pause()
    }, way)
    const options = { ...connecting, heartbeat: false, maxPayload: 16 * 1024 * 1024 }
    const connection = await websocket.connect(urlBy(way, server), options)
    connection.write('x'.repeat(12 * 1024 * 1024))
    await until(() => {
      clock.advance(5_000)
      return connection.state === 'closed'
    })
    expect(await connection.closed).toEqual({ kind: 'timeout', phase: 'write' })
    await server.close({ grace: 0 })
  })

  test('gives up in time, whoever is silent', async () => {
    await using server = await silent()
    const failing = failureOf(
      websocket.connect(urlBy(way, server), {
        ...connecting,
        ...(scheme === 'wss' && { connectTimeout: 400 }),
        handshakeTimeout: 500,
      }),
    )
    if (scheme === 'ws') {
      await until(() => server.connections.size === 1)
      await quiet()
      clock.advance(1_000)
    }
    const phase = scheme === 'ws' ? 'handshake' : 'tls'
    expect(await failing).toMatchObject({ name: 'TimeoutError', phase, retryable: true })
    await until(() => server.connections.size === 0)
  })

  test('is left alone by a signal that is aborted afterwards', async () => {
    await using server = await websocket.listen({ port: 0, ...listening }, echo)
    const abort = new AbortController()
    const url = urlBy(way, server)
    const connection = await websocket.connect(url, { ...connecting, signal: abort.signal })
    abort.abort(new Error('changed my mind'))
    expect(await talk(connection)).toBe('ahoy')
    await connection.close()
    expect(await connection.closed).toEqual({ kind: 'local' })
    await until(() => server.connections.size === 0)
  })

  test('that nobody reads keeps what comes with the 101, and its end', async () => {
    const close = Buffer.of(0x88, 2, 0x0f, 0xa0)
    await using server = await answering((asked, connection) => {
      connection.write(Buffer.concat([Buffer.from(accepting(asked)), frame, frame, close]))
      connection.end()
    }, way)
    const connection = await websocket.connect(urlBy(way, server), connecting)
    await quiet()
    expect(connection.state).toBe('open')
    expect(await read(connection)).toEqual(['ahoy', 'ahoy'])
    expect(await connection.closed).toEqual({ kind: 'remote', code: 4_000 })
  })

  test('is closed once, however often and from where it is told to', async () => {
    await using server = await websocket.listen({ port: 0, ...listening }, echo)
    const connection = await websocket.connect(urlBy(way, server), connecting)
    const reasons: CloseReason[] = []
    connection.handle({
      onData: () => void connection.close(),
      onClose: (reason) => {
        reasons.push(reason)
        connection.destroy()
      },
    })
    connection.write('ahoy')
    await connection.closed
    await Promise.all([connection.close(), connection.close({ grace: 0 })])
    connection.destroy(new Error('late'))
    expect(reasons).toEqual([{ kind: 'local' }])
    await until(() => server.connections.size === 0)
  })
})

const [plain, secure] = ways

describe('a client within TLS', () => {
  test.each(losses)('is told once of a server that is lost there, by %s', async (loss) => {
    await using server = await tcp.listen({ port: 0 }, (connection) => ({
      onData: () => {
        connection.write(Buffer.of(22, 3, 3, 0, 100, 2, 0))
        void quiet().then(() => lose(connection, loss))
      },
    }))
    const error = await failureOf(websocket.connect(urlBy(secure, server), secure.connecting))
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'tls', retryable: true })
    await until(() => server.connections.size === 0)
  })

  test('gives up when its signal is aborted there', async () => {
    const reason = new Error('changed my mind')
    await using server = await silent()
    const abort = new AbortController()
    const options = { ...secure.connecting, signal: abort.signal }
    const failing = failureOf(websocket.connect(urlBy(secure, server), options))
    await until(() => server.connections.size === 1)
    abort.abort(reason)
    expect(await failing).toBe(reason)
    await until(() => server.connections.size === 0)
  })

  test('is told what else a server speaks', async () => {
    await using server = await tcp.listen({ port: 0 }, (connection) => ({
      onData: () => {
        connection.write('HTTP/1.1 400 Bad Request\r\n\r\n')
        connection.end()
      },
    }))
    const error = await failureOf(websocket.connect(urlBy(secure, server), secure.connecting))
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'tls' })
    await until(() => server.connections.size === 0)
  })
})

describe('a callback that fails costs its attempt', () => {
  test('the hook that connects', async () => {
    const wrong = [
      () => {
        throw new Error('mine')
      },
      () => Promise.reject(new Error('mine')),
      () => Promise.resolve(undefined),
      () => Promise.resolve({}),
    ]
    for (const connect of wrong) {
      const error = await failureOf(websocket.connect('ws://name.example', { connect: connect as never }))
      expect(SocketError.is(error)).toBe(true)
      expect(error.message).toMatch(/^Cannot connect: /)
    }
  })

  test('the hook that never settles, or gives what is not over a socket', async () => {
    const never = (): Promise<ByteConnection> => new Promise(() => {})
    const late = await failureOf(
      websocket.connect('ws://name.example', { connect: never, connectTimeout: 10 }),
    )
    expect(late).toMatchObject({ name: 'TimeoutError', phase: 'connect' })
    const [here, there] = memory.pair()
    const error = await failureOf(
      websocket.connect('ws://name.example', { connect: () => Promise.resolve(here) }),
    )
    expect(error).toEqual(new TypeError('Cannot lend: no Node socket is under this connection'))
    expect(await there.closed).toMatchObject({ kind: 'error' })
  })

  test('the hook that gives what the server has ended', async () => {
    await using server = await tcp.listen({ port: 0 }, (connection) => {
      connection.write('SSH-2.0\r\n')
      connection.end()
    })
    const connect = async (): Promise<ByteConnection> => {
      const connection = await tcp.connect({ port: portOf(server) })
      await quiet()
      return connection
    }
    const error = await failureOf(websocket.connect('ws://name.example', { connect }))
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'handshake' })
  })

  test('the function that names the proxy', async () => {
    const mine = new Error('mine')
    const proxy = (): never => {
      throw mine
    }
    expect(await failureOf(websocket.connect('ws://name.example', { proxy }))).toBe(mine)
    for (const given of [Promise.reject(mine), 7, 'nowhere']) {
      const error = await failureOf(websocket.connect('ws://name.example', { proxy: () => given as never }))
      expect(error).toBeInstanceOf(TypeError)
    }
  })

  test('the check of a certificate', async () => {
    await using server = await silent(secure)
    for (const checkServerIdentity of [() => new Error('mine'), () => Promise.reject(new Error('mine'))]) {
      const tls = { ...secure.connecting.tls, checkServerIdentity: checkServerIdentity as () => Error }
      const error = await failureOf(websocket.connect(urlBy(secure, server), { tls }))
      expect(error).toMatchObject({ name: 'ConnectError', phase: 'tls', retryable: false })
    }
  })

  test('options whose getters throw', async () => {
    const options = {
      get protocols(): string[] {
        throw new Error('mine')
      },
    }
    const error = await failureOf(
      websocket.connect(
        urlBy(plain, { address: { kind: 'ip', family: 4, host: '127.0.0.1', port: 1 } }),
        options,
      ),
    )
    expect(error.message).toBe('mine')
  })
})
