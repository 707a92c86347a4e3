import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createConnection, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { BrokenError, ClosedError, type CloseReason, ProtocolError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as tcp from '@fairlead/tcp'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { ca, localhost } from './client/certificates.ts'
import { echo, quiet, read, until } from './harness.ts'
import { closeFrame, frame, handshake, opcodes, Raw } from './raw.ts'

const clock = useManualClock()
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

type Connection = websocket.WebSocketConnection<string>
type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** What `node:http` gives, and what becomes of it. */
class Host {
  readonly server: Server
  readonly connections: Connection[] = []
  readonly reasons: CloseReason[] = []
  readonly errors: unknown[] = []
  readonly sockets = new Set<Duplex>()
  port = 0

  constructor(
    server: Server,
    options?: websocket.AcceptOptions<'text'>,
    meet: (one: Connection) => unknown = echo,
  ) {
    this.server = server
    server.on('connection', (socket: Duplex) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
    const upgrade: Upgrade = (request, socket, head) => {
      try {
        const connection = websocket.accept(request, socket, head, options)
        this.connections.push(connection)
        void connection.closed.then((reason) => this.reasons.push(reason))
        void Promise.resolve(meet(connection)).catch(() => {})
      } catch (error) {
        this.errors.push(error)
      }
    }
    server.on('upgrade', upgrade)
  }

  async listen(path?: string): Promise<this> {
    await new Promise<void>((resolve) => {
      if (path === undefined) this.server.listen(0, '127.0.0.1', resolve)
      else this.server.listen(path, resolve)
    })
    if (path === undefined) this.port = (this.server.address() as AddressInfo).port
    ends.push(() => {
      for (const connection of this.connections) connection.destroy()
      for (const socket of this.sockets) socket.destroy()
      return new Promise((resolve) => this.server.close(resolve))
    })
    return this
  }
}

const serve = (
  options?: websocket.AcceptOptions<'text'>,
  meet?: (one: Connection) => unknown,
): Promise<Host> => new Host(createServer(), options, meet).listen()

/** Asks, and reads the whole answer. */
async function ask(host: Host, text: string): Promise<{ raw: Raw; status: number; text: string }> {
  const raw = await Raw.connect(host.port)
  raw.write(text)
  return { raw, ...(await raw.head()) }
}

describe('the upgrade event of node:http', () => {
  test('becomes a connection like any other', async () => {
    const host = await serve()
    const client = await websocket.connect(`ws://127.0.0.1:${host.port}/chat?room=1`)
    await client.send('ahoy')
    expect(await read(client, 1)).toEqual(['ahoy'])
    const [connection] = host.connections as [Connection]
    expect(connection.remoteAddress).toEqual(client.localAddress)
    expect(connection.localAddress).toEqual(client.remoteAddress)
    expect([connection.tls, connection.protocol, connection.compressed]).toEqual([undefined, '', false])
    client.handle({ onData() {} })
    expect(await connection.ping()).toBeGreaterThanOrEqual(0)
    await client.close({ code: 4_000, text: 'enough' })
    expect(await connection.closed).toEqual({ kind: 'remote', code: 4_000, text: 'enough' })
    await until(() => host.sockets.size === 0)
  })

  test('has a foreign client at its other end', async () => {
    const host = await serve()
    const client = new WebSocket(`ws://127.0.0.1:${host.port}`)
    const heard: unknown[] = []
    client.on('open', () => client.send('ahoy'))
    client.on('message', (data: Buffer) => {
      heard.push(data.toString())
      client.close(1000)
    })
    await until(() => host.reasons.length === 1)
    expect([heard, host.reasons]).toEqual([['ahoy'], [{ kind: 'remote', code: 1000 }]])
  })

  test('leaves what is no upgrade to the handlers of the server, as an application of Express is one', async () => {
    const application = (_: unknown, response: { end(text: string): void }): void => response.end('page')
    const host = await new Host(createServer(application)).listen()
    const answer = await fetch(`http://127.0.0.1:${host.port}/`)
    expect(await answer.text()).toBe('page')
    const client = await websocket.connect(`ws://127.0.0.1:${host.port}`)
    await client.close()
    expect(host.reasons).toEqual([{ kind: 'remote', code: 1000 }])
  })

  test('is whatever has its shape', async () => {
    const heard: string[] = []
    const listener = await tcp.listen({ port: 0 }, (connection) => {
      connection.handle({
        async onData(chunk) {
          const { unwrap } = await import('@fairlead/tcp/node')
          const { socket, head } = unwrap(connection)
          const text = Buffer.from(chunk).toString('latin1')
          const rawHeaders = text
            .split('\r\n')
            .slice(1, -2)
            .flatMap((line) => line.split(': '))
          const request = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders }
          for await (const message of websocket.accept(request, socket, head)) heard.push(message)
        },
      })
    })
    ends.push(() => listener.close({ grace: 0 }))
    if (listener.address.kind !== 'ip') throw new TypeError('not an IP listener')
    const client = await websocket.connect(`ws://127.0.0.1:${listener.address.port}`)
    await client.send('ahoy')
    await client.close()
    expect(heard).toEqual(['ahoy'])
  })

  test('keeps the frames that came with the handshake, and those in pieces', async () => {
    const host = await serve()
    const frames = [frame(opcodes.text, 'one'), frame(opcodes.text, 'two'), frame(opcodes.text, 'three')]
    const whole = Buffer.concat([Buffer.from(handshake('/')), ...frames])
    const start = handshake('/').length
    for (const at of [start, start + 1, start + 4, start + 9, start + 12, whole.length]) {
      const raw = await Raw.connect(host.port)
      raw.write(whole.subarray(0, at))
      await quiet()
      raw.write(whole.subarray(at))
      expect((await raw.head()).status).toBe(101)
      const heard = [await raw.frame(), await raw.frame(), await raw.frame()]
      expect(heard.map(({ text }) => text)).toEqual(['one', 'two', 'three'])
      raw.connection.destroy()
    }
  })

  test('tells of TLS', async () => {
    const server = createTlsServer({ ...localhost, ca, requestCert: false }) as unknown as Server
    const host = await new Host(server, { origins: 'own' }).listen()
    const options = { tls: { ca }, headers: { Origin: `https://localhost:${host.port}` } }
    const client = await websocket.connect(`wss://localhost:${host.port}`, options)
    await client.send('ahoy')
    expect(await read(client, 1)).toEqual(['ahoy'])
    const [{ tls }] = host.connections as [Connection]
    expect(tls).toMatchObject({
      protocol: 'TLSv1.3',
      serverName: 'localhost',
      authorized: false,
      resumed: false,
    })
    expect(tls?.cipher).toMatch(/^TLS_/)
    await client.close()
    const plain = { ...options, headers: { Origin: `http://localhost:${host.port}` } }
    await expect(websocket.connect(`wss://localhost:${host.port}`, plain)).rejects.toThrow('403')
  })

  test('may come over a Unix socket', async () => {
    const path = `/tmp/fairlead-accept-${process.pid}.sock`
    const host = await new Host(createServer()).listen(path)
    const client = await websocket.connect(`ws+unix:${path}:/chat`, { headers: { Host: 'localhost' } })
    await client.send('ahoy')
    expect(await read(client, 1)).toEqual(['ahoy'])
    expect(host.connections[0]?.remoteAddress.kind).toBe('unix')
    await client.close()
  })

  test('takes the options of a connection', async () => {
    const options = { protocols: ['chat'], maxPayload: 10, compression: true } as const
    const host = await serve(options)
    const client = await websocket.connect(`ws://127.0.0.1:${host.port}`, {
      protocols: ['binary', 'chat'],
      compression: true,
    })
    const [connection] = host.connections as [Connection]
    expect([client.protocol, connection.protocol, connection.compressed]).toEqual(['chat', 'chat', true])
    expect(() => connection.write('x'.repeat(11))).toThrow('maxPayload')
    await client.close()
  })

  test('with options that mean nothing is answered, and the error is the caller’s', async () => {
    const host = await serve({ maxPayload: 0 })
    const { raw, status } = await ask(host, handshake('/'))
    expect(status).toBe(500)
    expect(String(host.errors[0])).toContain('Invalid option maxPayload')
    await until(() => raw.closed)
  })
})

describe('a handshake that is none', () => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  const post = handshake('/', {}, 'POST / HTTP/1.1')
  test.each<[string, string, number, string?]>([
    ['of HTTP/1.0', handshake('/', {}, 'GET / HTTP/1.0'), 400],
    ['without a Host', handshake('/', { Host: undefined }), 400],
    ['with two Hosts', handshake('/', { host: 'localhost' }), 400],
    ['with a Host that is empty', handshake('/', { Host: '' }), 403],
    ['with a body', handshake('/', { 'Content-Length': '5' }) + 'hello', 400],
    ['with a body in chunks', handshake('/', { 'Transfer-Encoding': 'chunked' }) + '0\r\n\r\n', 400],
    ['that is a POST', post, 405, 'allow: get'],
    ['of version 8', handshake('/', { 'Sec-WebSocket-Version': '8' }), 426, 'sec-websocket-version: 13'],
    ['without a version', handshake('/', { 'Sec-WebSocket-Version': undefined }), 426, 'upgrade: websocket'],
    ['without a key', handshake('/', { 'Sec-WebSocket-Key': undefined }), 400],
    ['with a short key', handshake('/', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }), 400],
    ['with two keys', handshake('/', { 'sec-websocket-key': key }), 400],
    ['for another protocol', handshake('/', { Upgrade: 'h2c' }), 426, 'upgrade: websocket'],
    ['with subprotocols that are none', handshake('/', { 'Sec-WebSocket-Protocol': 'a b' }), 400],
    ['for another host', handshake('/', { Host: 'evil.example' }), 403],
    ['of a page of another origin', handshake('/', { Origin: 'http://evil.example' }), 403],
  ])('%s is answered with a status, and the socket ended', async (_, text, status, field = '') => {
    const host = await serve()
    const { raw, ...answer } = await ask(host, text)
    expect(answer.status).toBe(status)
    const head = answer.text.toLowerCase()
    expect(head).toContain(field)
    expect(head).toContain('connection: close')
    expect(head).toContain('content-type: text/plain')
    await until(() => raw.closed)
    const length = Number(/content-length: (\d+)/.exec(head)?.[1])
    expect(raw.bytes.length).toBe(length)
    expect(raw.bytes.toString()).toMatch(/^[^<>]+\n$/)
    expect(host.errors.map(String).join()).toMatch(/^ProtocolError: Cannot accept WebSocket: /)
    expect(host.errors[0]).toBeInstanceOf(ProtocolError)
    await until(() => host.sockets.size === 0)
    expect(host.connections).toEqual([])
  })

  test.each<[string, string]>([
    ['with names in other case', handshake('/', { Upgrade: 'WebSocket', Connection: 'keep-alive, UPGRADE' })],
    ['with several protocols to upgrade to', handshake('/', { Upgrade: 'h2c, websocket' })],
    ['in absolute form', handshake('', {}, 'GET http://localhost/chat?x HTTP/1.1')],
    ['with fields named as objects have them', handshake('/', { ['__proto__x']: 'y', constructor: 'z' })],
  ])('%s is one all the same', async (_, text) => {
    const host = await serve()
    const { raw, status } = await ask(host, text)
    expect(status).toBe(101)
    raw.write(frame(opcodes.text, 'ahoy'))
    expect((await raw.frame()).text).toBe('ahoy')
    raw.connection.destroy()
  })

  test('of another page is refused on a socket of both families, too', async () => {
    const server = createServer()
    const errors: unknown[] = []
    server.on('upgrade', (request, socket, head) => {
      try {
        websocket.accept(request, socket, head).destroy()
      } catch (error) {
        errors.push(error)
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '::', resolve))
    ends.push(() => new Promise((resolve) => server.close(resolve)))
    const raw = await Raw.connect((server.address() as AddressInfo).port)
    raw.write(handshake('/', { Origin: 'http://evil.example' }))
    expect((await raw.head()).status).toBe(403)
    expect(errors.length).toBe(1)
    raw.connection.destroy()
  })

  test('with Content-Length 0 has no body', async () => {
    const host = await serve()
    const { raw, status } = await ask(host, handshake('/', { 'Content-Length': '0' }))
    expect(status).toBe(101)
    raw.connection.destroy()
  })

  test('is let in where the guard is told to be open', async () => {
    const host = await serve({ origins: 'any' })
    const fields = { Host: 'evil.example', Origin: 'http://evil.example' }
    const { raw, status } = await ask(host, handshake('/', fields))
    expect(status).toBe(101)
    raw.connection.destroy()
  })

  test('is refused when protocols throws or names what was not offered: the error is the caller’s', async () => {
    const faults = [
      () => {
        throw new Error('boom')
      },
      () => 'other',
    ]
    for (const protocols of faults) {
      const host = await serve({ protocols })
      const { raw, status } = await ask(host, handshake('/', { 'Sec-WebSocket-Protocol': 'chat' }))
      expect(status).toBe(500)
      expect(host.errors.map(String).join()).toMatch(/boom|not offered/)
      await until(() => raw.closed)
      expect(raw.bytes.toString()).not.toContain('boom')
    }
  })

  test('is refused when origins throws: the error is the caller’s', async () => {
    const host = await serve({
      origins: () => {
        throw new Error('boom')
      },
    })
    const { raw, status } = await ask(host, handshake('/', { Origin: 'http://localhost' }))
    expect([status, host.errors.map(String)]).toEqual([500, ['Error: boom']])
    await until(() => raw.closed)
  })

  test('has what its sender still sends read, and is over with its end', async () => {
    const host = await serve()
    const client = createConnection({ port: host.port, host: '127.0.0.1', allowHalfOpen: true })
    let answer = ''
    client.on('error', () => {}).on('data', (chunk: Buffer) => (answer += chunk.toString()))
    client.write(handshake('/', { Host: undefined }))
    client.end('x'.repeat(2_000_000))
    await new Promise((resolve) => client.once('close', resolve))
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*one Host\n$/s)
    await until(() => host.sockets.size === 0)
  })

  test('is cut after a while when its sender goes on all the same', async () => {
    const host = await serve()
    const client = createConnection({ port: host.port, host: '127.0.0.1', allowHalfOpen: true })
    ends.push(() => client.destroy())
    client.on('error', () => {}).resume()
    client.write(handshake('/', { Host: undefined }))
    await new Promise((resolve) => client.once('end', resolve))
    client.write('x'.repeat(1_000_000))
    await quiet()
    expect(host.sockets.size).toBe(1)
    clock.advance(5_000)
    await until(() => host.sockets.size === 0)
  })

  test('whose sender is gone before the answer ends nothing', async () => {
    const host = await serve()
    for (const text of [handshake('/', { 'Sec-WebSocket-Key': 'no' }), handshake('/')]) {
      for (let turn = 0; turn < 20; turn++) {
        const socket = createConnection(host.port, '127.0.0.1')
        socket.on('error', () => {})
        socket.write(text)
        if (turn % 2 === 0) await new Promise((resolve) => socket.once('connect', resolve))
        if (turn % 3 === 0) await quiet()
        socket.resetAndDestroy()
      }
    }
    await until(() => host.sockets.size === 0)
    expect(host.reasons.length).toBe(host.connections.length)
    expect(host.reasons.every(({ kind }) => kind === 'error')).toBe(true)
  })
})

describe('a peer that vanishes', () => {
  test('in a handler that took its time to accept', async () => {
    const server = createServer()
    const errors: unknown[] = []
    let client: Socket | undefined
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {})
      socket.once('close', () => {
        try {
          websocket.accept(request, socket, head)
        } catch (error) {
          errors.push(error)
        }
      })
      socket.resume()
      client?.resetAndDestroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ends.push(() => new Promise((resolve) => server.close(resolve)))
    client = createConnection((server.address() as AddressInfo).port, '127.0.0.1')
    client.on('error', () => {})
    client.write(handshake('/'))
    await until(() => errors.length === 1)
    expect(errors[0]).toBeInstanceOf(ClosedError)
  })

  test.each(['end', 'reset'] as const)('by %s, at any time, is one reason', async (how) => {
    const host = await serve()
    const acts: [(raw: Raw) => unknown, string][] = [
      [() => {}, 'error'],
      [(raw) => raw.write(frame(opcodes.text, 'x').subarray(0, 3)), 'error'],
      [(raw) => raw.write(frame(opcodes.text, 'x', { fin: false })), 'error'],
      [(raw) => raw.write(closeFrame(1000)), 'remote'],
    ]
    for (const [index, [act, kind]] of acts.entries()) {
      const { raw } = await ask(host, handshake('/'))
      act(raw)
      await quiet()
      if (how === 'end') raw.connection.end()
      else raw.connection.destroy()
      await until(() => host.reasons.length === index + 1)
      const reason = host.reasons[index] as CloseReason
      expect(reason.kind).toBe(kind)
      if (reason.kind === 'error') expect(reason.error).toBeInstanceOf(BrokenError)
    }
    await until(() => host.sockets.size === 0)
  })

  test('leaves waiting writers with an error', async () => {
    const host = await serve({}, () => {})
    const { raw } = await ask(host, handshake('/'))
    raw.connection.pause()
    const [connection] = host.connections as [Connection]
    while (connection.write('x'.repeat(100_000))) await quiet()
    const waiting = [connection.send('never'), connection.drained()]
    for (const each of waiting) each.catch(() => {})
    raw.connection.destroy()
    for (const each of waiting) await expect(each).rejects.toThrow(BrokenError)
  })
})

describe('back-pressure on a socket of node:http', () => {
  test('is told to whoever waits, and drains', async () => {
    const host = await serve({}, () => {})
    const { raw } = await ask(host, handshake('/'))
    const [connection] = host.connections as [Connection]
    const drains: number[] = []
    connection.handle({ onData() {}, onDrain: () => void drains.push(connection.buffered) })
    raw.connection.pause()
    const message = 'x'.repeat(100_000)
    let count = 1
    for (; connection.write(message); count++) await quiet()
    const waiting = connection.send(message)
    raw.connection.resume()
    await waiting
    expect(drains.length).toBe(1)
    for (let index = 0; index <= count; index++) expect((await raw.frame()).payload.length).toBe(100_000)
  })
})

test('500 are accepted and closed, and nothing is left', async () => {
  const host = await serve()
  const { port } = host
  const whole = Buffer.concat([Buffer.from(handshake('/')), frame(opcodes.text, 'x'), closeFrame(1000)])
  const visit = (index: number): Promise<unknown> => {
    const client = createConnection(port, '127.0.0.1')
    client.on('error', () => {}).on('end', () => client.end())
    client.write(index % 2 === 0 ? whole : handshake('/'))
    client.once('data', () => {
      if (index % 2 === 1) client[index % 4 === 1 ? 'resetAndDestroy' : 'destroy']()
      else client.resume()
    })
    return new Promise((resolve) => client.on('close', resolve))
  }
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => visit(index)))
  }
  await until(() => host.sockets.size === 0 && host.reasons.length === 500)
  expect(host.errors).toEqual([])
  expect(host.reasons.filter(({ kind }) => kind === 'remote').length).toBe(250)
})
