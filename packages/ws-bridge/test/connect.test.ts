import { createServer } from 'node:http'

import { ConnectError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'

import { failureOf, silent, talk, urlBy, ways } from './client/servers.ts'
import { echo, portOf, quiet, read, until, urlOf } from './harness.ts'

describe.each(ways)('connect over $name', (way) => {
  const { listening, connecting } = way

  test('talks, and closes in good order', async () => {
    await using listener = await websocket.listen({ port: 0, ...listening }, echo)
    const connection = await websocket.connect(urlBy(way, listener), connecting)
    expect(connection).toMatchObject({ state: 'open', reliable: true, protocol: '', compressed: false })
    expect(connection.remoteAddress).toEqual(listener.address)
    expect(await talk(connection)).toBe('ahoy')
    await connection.close()
    expect(await connection.closed).toEqual({ kind: 'local' })
    await until(() => listener.connections.size === 0)
  })

  test('does not mask messages in the caller’s memory, nor does the peer see them masked', async () => {
    await using listener = await websocket.listen({ port: 0, messages: 'binary', ...listening }, echo)
    const connection = await websocket.connect(urlBy(way, listener), { ...connecting, messages: 'binary' })
    const message = Buffer.alloc(100_000, 7)
    await connection.send(message)
    expect(message.every((byte) => byte === 7)).toBe(true)
    expect(Buffer.from((await read(connection, 1))[0]!).equals(message)).toBe(true)
    await connection.close()
  })

  test('stops reading when it is paused, and goes on', async () => {
    await using listener = await websocket.listen({ port: 0, ...listening }, (connection) => {
      const more = async (): Promise<void> => {
        for (let count = 0; count < 100; count++) await connection.send('x'.repeat(100_000))
        await connection.close()
      }
      void more().catch(() => {})
      return { onData() {} }
    })
    const connection = await websocket.connect(urlBy(way, listener), connecting)
    let count = 0
    connection.handle({ onData: () => void (++count === 1 && connection.pause()) })
    await until(() => count > 0)
    await quiet()
    const paused = count
    await quiet()
    expect([count, count < 90]).toEqual([paused, true])
    connection.resume()
    expect(await connection.closed).toMatchObject({ kind: 'remote', code: 1000 })
    expect(count).toBe(100)
  })

  test('is refused where nobody listens', async () => {
    const listener = await tcp.listen({ port: 0 })
    await listener.close()
    const error = await failureOf(websocket.connect(urlBy(way, listener, '/?secret'), connecting))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'connect', retryable: true })
    expect((error as unknown as ConnectError).attempts).toContainEqual(
      expect.objectContaining({ code: 'ECONNREFUSED', phase: 'connect' }),
    )
    expect(error.message).not.toContain('secret')
  })
})

describe('connect', () => {
  test('talks to a foreign server', async () => {
    const server = createServer()
    const foreign = new WebSocketServer({ server, handleProtocols: () => 'talk' })
    server.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    foreign.on('connection', (peer) => {
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }))
      peer.on('message', (data) => (data as Buffer).equals(Buffer.from('bye')) && peer.close(4_000, 'bye'))
    })
    const { port } = server.address() as { port: number }
    const options = { protocols: ['chat', 'talk'], messages: 'both' } as const
    const connection = await websocket.connect(`ws://127.0.0.1:${port}`, options)
    expect(connection.protocol).toBe('talk')
    void connection.send(Buffer.from('ahoy'))
    void connection.send('bye')
    expect(await read(connection)).toEqual([Buffer.from('ahoy'), 'bye'])
    expect(await connection.closed).toEqual({ kind: 'remote', code: 4_000, text: 'bye' })
    server.close()
  })

  test('passes on what a connection is held to', async () => {
    const peers: websocket.WebSocketConnection<string>[] = []
    await using listener = await websocket.listen({ port: 0 }, (connection) => void peers.push(connection))
    const small = await websocket.connect(urlOf(listener), { maxPayload: 10 })
    expect(() => small.write('x'.repeat(11))).toThrow(/maxPayload 10/)
    const quick = await websocket.connect(urlOf(listener), { messageRate: { perSecond: 1, burst: 2 } })
    await until(() => peers.length === 2)
    void peers[0]!.send('x'.repeat(11))
    for (let count = 0; count < 4; count++) void peers[1]!.send('x')
    await expect(read(small)).rejects.toMatchObject({ name: 'LimitError', limit: 'maxPayload' })
    await expect(read(quick)).rejects.toMatchObject({ name: 'LimitError', limit: 'messageRate' })
    const few = await websocket.connect(urlOf(listener), {
      messages: 'text',
      maxBuffered: 1_000,
      heartbeat: false,
    })
    expect(few.roundTrip).toBeUndefined()
    few.destroy()
  })

  test('refuses what cannot be asked, by name, and makes no connection for it', async () => {
    await using listener = await silent()
    const url = urlOf(listener)
    const asked: [string, websocket.WebSocketConnectOptions, RegExp][] = [
      ['not a url', {}, /^Invalid URL: /],
      ['http://localhost/', {}, /^Invalid URL: the scheme/],
      ['ws://localhost:0/', {}, /^Invalid URL: nobody can be asked on port 0$/],
      [url, null as never, /^Invalid options of connect: /],
      [url, { protocol: 'x' } as object, /^Invalid option protocol: there is no such option$/],
      [url, { protocols: ['a b'] }, /^Invalid option protocols: /],
      [url, { protocols: ['a', 'a'] }, /^Invalid option protocols: /],
      [url, { protocols: [''] }, /^Invalid option protocols: /],
      [url, { protocols: 'a' as never }, /^Invalid option protocols: /],
      [url, { headers: { 'X-Bad': 'a\r\nInjected: yes' } }, /^Invalid option headers: /],
      [url, { messages: 'all' as 'text' }, /^Invalid option messages: /],
      [url, { maxPayload: 0 }, /^Invalid option maxPayload: /],
      [url, { compression: { level: 10 } }, /^Invalid option compression.level: /],
      [url, { heartbeat: { interval: 0 } }, /^Invalid option heartbeat.interval: /],
      [url, { handshakeTimeout: 0 }, /^Invalid option handshakeTimeout: /],
      [url, { connectTimeout: -1 }, /^Invalid option connectTimeout: /],
      [url, { signal: {} as AbortSignal }, /^Invalid option signal: /],
      [url, { connect: 7 as never }, /^Invalid option connect: /],
      [url, { unix: '' }, /^Invalid option unix: /],
      [url, { tls: 7 as never }, /^Invalid options of tls: /],
      [url, { proxy: 7 as never }, /^Invalid option proxy: /],
    ]
    for (const [where, options, message] of asked) {
      const error = await failureOf(websocket.connect(where, options))
      expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
      expect(error.message).toMatch(message)
    }
    await quiet()
    expect([listener.connections.size, portOf(listener) > 0]).toEqual([0, true])
  })

  test('heeds no option that somebody gave to all objects', async () => {
    await using listener = await websocket.listen({ port: 0 }, echo)
    const options = Object.create({ protocol: 'x' }) as websocket.WebSocketConnectOptions
    const connection = await websocket.connect(urlOf(listener), options)
    connection.destroy()
  })
})
