import { type ByteConnection, ConnectError, TimeoutError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'

import { echo, gate, portOf, quiet, read, until, urlOf } from './harness.ts'

/** A TCP server that answers a handshake with what `answer` makes of it. */
async function answering(answer: (request: string, connection: ByteConnection) => void) {
  return tcp.listen({ port: 0 }, (connection) => {
    let request = ''
    return {
      onData(chunk) {
        request += Buffer.from(chunk).toString('latin1')
        if (request.endsWith('\r\n\r\n')) answer(request, connection)
      },
    }
  })
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(String, (error: unknown) => error)

/** The 101 for the key in a request. */
async function accepting(request: string): Promise<string> {
  const { createHash } = await import('node:crypto')
  const key = /sec-websocket-key: (.*)\r\n/i.exec(request)?.[1] ?? ''
  const digest = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${digest}\r\n\r\n`
}

describe('connect', () => {
  test('says what it is asked to say', async () => {
    const { promise, open } = gate<string>()
    await using listener = await answering((request, connection) => {
      open(request)
      connection.destroy()
    })
    const url = urlOf(listener, '/a/b?c=d#e').replace('//', '//name:secret@')
    const options = { headers: { Origin: 'http://here' }, protocols: ['x', 'y'] }
    await expect(websocket.connect(url, options)).rejects.toThrow(ConnectError)
    const request = (await promise).toLowerCase()
    expect(request).toMatch(/^get \/a\/b\?c=d http\/1\.1\r\n/)
    expect(request).toContain('origin: http://here\r\n')
    expect(request).toContain('sec-websocket-protocol: x,y\r\n')
    expect(request).toContain(`authorization: basic ${btoa('name:secret').toLowerCase()}\r\n`)
    expect(request).not.toContain('sec-websocket-extensions')
  })

  test('talks to a foreign server', async () => {
    const foreign = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await new Promise((resolve) => foreign.once('listening', resolve))
    foreign.on('connection', (peer) => {
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }))
      peer.on('message', (data) => (data as Buffer).equals(Buffer.from('bye')) && peer.close(4_000, 'bye'))
    })
    const { port } = foreign.address() as { port: number }
    const connection = await websocket.connect(`ws://127.0.0.1:${port}`)
    void connection.send('ahoy')
    void connection.send('bye')
    expect(await read(connection)).toEqual(['ahoy', 'bye'])
    expect(await connection.closed).toEqual({ kind: 'remote', code: 4_000, text: 'bye' })
    foreign.close()
  })

  test('gets the messages that come in one packet with the 101, and a close behind them', async () => {
    const close = Buffer.of(0x88, 2, 0x0f, 0xa0)
    await using listener = await answering((request, connection) => {
      void accepting(request).then((head) => {
        const frames = [Buffer.of(0x81, 3), Buffer.from('one'), Buffer.of(0x81, 3), Buffer.from('two'), close]
        connection.write(Buffer.concat([Buffer.from(head), ...frames]))
        connection.end()
      })
    })
    const connection = await websocket.connect(urlOf(listener))
    await quiet()
    expect(connection.state).toBe('open')
    expect(await read(connection)).toEqual(['one', 'two'])
    expect(await connection.closed).toEqual({ kind: 'remote', code: 4_000 })
  })

  test('closes in good order, and nothing is left', async () => {
    await using listener = await websocket.listen({ port: 0 }, echo)
    const connection = await websocket.connect(urlOf(listener))
    expect(connection.remoteAddress).toEqual(listener.address)
    await connection.send('ahoy')
    expect(await read(connection, 1)).toEqual(['ahoy'])
    await connection.close()
    await until(() => listener.connections.size === 0)
  })

  test('does not mask messages in the caller’s memory, nor does the peer see them masked', async () => {
    await using listener = await websocket.listen({ port: 0, messages: 'binary' }, echo)
    const connection = await websocket.connect(urlOf(listener), { messages: 'binary' })
    const message = Buffer.alloc(100_000, 7)
    await connection.send(message)
    expect(message.every((byte) => byte === 7)).toBe(true)
    expect(Buffer.from((await read(connection, 1))[0] as Uint8Array).equals(message)).toBe(true)
    await connection.close()
  })
})

describe('connect fails', () => {
  const secret = '/?token=secret'

  test.each<[string, string, RegExp, boolean]>([
    ['404', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', /the server answered 404/, false],
    ['301', 'HTTP/1.1 301 Moved\r\nLocation: ws://elsewhere\r\n\r\n', /the server answered 301/, false],
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', /the server answered 200/, false],
    ['503', 'HTTP/1.1 503 Busy\r\n\r\n', /the server answered 503/, true],
    ['429', 'HTTP/1.1 429 Slowly\r\n\r\n', /the server answered 429/, true],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /Parse Error/, false],
    [
      'a 101 for another key',
      'HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n',
      /Invalid Sec-WebSocket-Accept/,
      false,
    ],
    [
      'a 101 for another protocol',
      'HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
      /Upgrade/,
      false,
    ],
  ])('when the answer is %s', async (_, answer, message, retryable) => {
    await using listener = await answering((__, connection) => void connection.write(answer))
    const error = await failureOf(websocket.connect(urlOf(listener, secret)))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'handshake', retryable })
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toContain('secret')
    await until(() => listener.connections.size === 0)
  })

  test('when nobody listens', async () => {
    const listener = await tcp.listen({ port: 0 })
    await listener.close()
    const error = await failureOf(websocket.connect(urlOf(listener)))
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ phase: 'connect', attempts: [{ code: 'ECONNREFUSED' }] })
  })

  test('when the server ends or resets instead of answering', async () => {
    for (const act of ['end', 'destroy'] as const) {
      await using early = await tcp.listen({ port: 0 }, (connection) => {
        connection.handle({ onData() {} })
        connection[act]()
      })
      expect(await failureOf(websocket.connect(urlOf(early)))).toMatchObject({ retryable: true })
      await using late = await answering((_, connection) => connection[act]())
      expect(await failureOf(websocket.connect(urlOf(late)))).toMatchObject({ retryable: true })
      await using midway = await answering((_, connection) => {
        connection.write('HTTP/1.1 101 Switch')
        setTimeout(() => connection[act](), 5)
      })
      expect(await failureOf(websocket.connect(urlOf(midway)))).toBeInstanceOf(ConnectError)
    }
  })

  test('when the handshake takes too long', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const error = await failureOf(websocket.connect(urlOf(listener, secret), { handshakeTimeout: 30 }))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ phase: 'handshake', retryable: true })
    expect((error as Error).message).not.toContain('secret')
    await until(() => listener.connections.size === 0)
  })

  test('when the handshake trickles past its time', async () => {
    await using listener = await answering((_, connection) => {
      const drip = setInterval(() => {
        if (connection.state === 'open') connection.write('X')
        else clearInterval(drip)
      }, 2)
      connection.write('HTTP/1.1 101 ')
    })
    const error = await failureOf(websocket.connect(urlOf(listener), { handshakeTimeout: 50 }))
    expect(error).toBeInstanceOf(TimeoutError)
    await until(() => listener.connections.size === 0)
  })

  test('when its signal is aborted, before, at once and during the handshake, and not after', async () => {
    const reason = new Error('changed my mind')
    await using silent = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const aborted = websocket.connect(urlOf(silent), { signal: AbortSignal.abort(reason) })
    expect(await failureOf(aborted)).toBe(reason)
    for (const delay of [0, 1, 20]) {
      const abort = new AbortController()
      const connecting = websocket.connect(urlOf(silent), { signal: abort.signal })
      if (delay === 0) abort.abort(reason)
      else setTimeout(() => abort.abort(reason), delay)
      expect(await failureOf(connecting)).toBe(reason)
      await until(() => silent.connections.size === 0)
    }
    await using listener = await websocket.listen({ port: 0 }, echo)
    const abort = new AbortController()
    const connection = await websocket.connect(urlOf(listener), { signal: abort.signal })
    abort.abort(reason)
    await connection.send('ahoy')
    expect(await read(connection, 1)).toEqual(['ahoy'])
    await connection.close()
  })

  test('for what cannot be asked, and leaves no connection', async () => {
    await using listener = await tcp.listen({ port: 0 }, () => ({ onData() {} }))
    const url = urlOf(listener)
    const asked: [string, websocket.WebSocketConnectOptions, typeof TypeError | typeof RangeError][] = [
      ['not a url', {}, TypeError],
      ['http://localhost/', {}, TypeError],
      ['wss://localhost/', {}, TypeError],
      ['ws://localhost:0/', {}, RangeError],
      [url, { protocols: ['a b'] }, TypeError],
      [url, { protocols: ['a', 'a'] }, TypeError],
      [url, { headers: { 'X-Bad': 'a\r\nInjected: yes' } }, TypeError],
      [url, { messages: 'both' as 'text' }, TypeError],
      [url, { maxPayload: 0 }, RangeError],
      [url, { handshakeTimeout: 0 }, RangeError],
      [url, { connectTimeout: -1 }, RangeError],
    ]
    for (const [where, options, kind] of asked) {
      expect(await failureOf(websocket.connect(where, options))).toBeInstanceOf(kind)
    }
    await until(() => listener.connections.size === 0)
    const error = await failureOf(websocket.connect('wss://me:secret@localhost/?secret'))
    expect((error as Error).message).toBe('Cannot connect to wss://localhost/: only ws: is spoken here')
    expect(portOf(listener)).toBeGreaterThan(0)
  })
})
