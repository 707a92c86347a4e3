import { createConnection, type Socket } from 'node:net'

import { BrokenError, type CloseReason } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { ca, localhost } from './client/certificates.ts'
import { portOf, quiet, read, until } from './harness.ts'
import { closeFrame, frame, handshake, opcodes, Raw } from './raw.ts'

const clock = useManualClock()
const { continuation, text } = opcodes

type Connection = websocket.WebSocketConnection<string>
type Handler = ReturnType<NonNullable<Parameters<typeof websocket.listen<'text'>>[1]>>

describe.each(['tcp', 'tls'] as const)('on %s', (transport) => {
  const secure = transport === 'tls'
  const tls = { ca, serverName: 'localhost' }
  let server: http.HttpListener
  let listener: websocket.WebSocketServer
  let connections: Connection[]
  let reasons: CloseReason[]
  /** How often a handler heard of its end. */
  let closes: number
  let accept: ((connection: Connection) => Handler) | undefined

  beforeEach(async () => {
    connections = []
    reasons = []
    closes = 0
    accept = undefined
    server = await http.listen({ port: 0, ...(secure && { tls: localhost }) }, (exchange) =>
      exchange.respond(404),
    )
    listener = await websocket.listen({ server, path: '/', heartbeat: false }, (connection) => {
      connections.push(connection)
      void connection.closed.then((reason) => reasons.push(reason))
      if (accept) return accept(connection)
      return { onData: (message) => void connection.write(message), onClose: () => void closes++ }
    })
  })
  afterEach(async () => {
    await server.close({ grace: 0 })
    await listener.closed
  })

  const raw = (): Promise<Raw> => Raw.connect(portOf(server), { end: false, ...(secure && { tls }) })
  async function open(): Promise<Raw> {
    const peer = await raw()
    peer.write(handshake('/'))
    expect((await peer.head()).status).toBe(101)
    await until(() => connections.length > 0)
    return peer
  }
  const client = () => {
    const url = `${secure ? 'wss' : 'ws'}://localhost:${portOf(server)}/`
    return websocket.connect(url, secure ? { tls: { ca } } : {})
  }

  async function nothingIsLeft(): Promise<void> {
    await until(() => server.connections.size === 0)
    expect(listener.connections.size).toBe(0)
    accept = undefined
    const next = await client()
    await next.send('still here')
    expect(await read(next, 1)).toEqual(['still here'])
    await next.close()
    await until(() => server.connections.size === 0)
  }

  describe('a peer that resets', () => {
    test('accepted and silent, or in its hello', async () => {
      const hello = Buffer.from('160301020001000001fc0303', 'hex')
      for (let turn = 0; turn < 6; turn++) {
        const socket = await new Promise<Socket>((resolve) => {
          const made = createConnection(portOf(server), '127.0.0.1', () => resolve(made))
        })
        socket.on('error', () => {})
        if (turn > 1) socket.write(secure ? hello.subarray(0, turn * 2) : 'GET / HT')
        if (turn % 2 === 0) await quiet()
        socket.resetAndDestroy()
      }
      await nothingIsLeft()
      expect(reasons.length).toBe(1)
    })

    test('in the head of its handshake, at every tenth byte', async () => {
      const head = handshake('/')
      for (let at = 0; at < head.length; at += 10) {
        const peer = await raw()
        peer.write(head.slice(0, at + 1))
        if (at % 20 === 0) await quiet()
        peer.connection.destroy()
      }
      await quiet()
      // An answer to half a head may be stuck in TLS, whose peer is gone: it has the time that a write has.
      clock.advance(60_000)
      await nothingIsLeft()
      expect(connections.length).toBe(1)
    })

    test('while the connection is handed over', async () => {
      for (let turn = 0; turn < 12; turn++) {
        const peer = await raw()
        peer.write(handshake('/'), frame(text, 'x'))
        for (let ticks = 0; ticks < turn; ticks++) await new Promise((resolve) => setImmediate(resolve))
        peer.connection.destroy()
      }
      await nothingIsLeft()
      await until(() => reasons.length === connections.length)
      expect(closes).toBe(connections.length)
    })

    const phases: [string, (peer: Raw, connection: Connection) => unknown][] = [
      ['with nothing said', () => {}],
      ['in a header', (peer) => peer.write(frame(text, 'x'.repeat(70_000)).subarray(0, 5))],
      ['in a payload', (peer) => peer.write(frame(text, 'x'.repeat(70_000)).subarray(0, 50_000))],
      ['between fragments', (peer) => peer.write(frame(text, 'x', { fin: false }))],
      [
        'while it does not read',
        (peer, connection) => {
          peer.connection.pause()
          for (let count = 0; count < 40; count++) connection.write('x'.repeat(100_000))
        },
      ],
      [
        'while this side writes',
        (_, connection) => {
          for (let count = 0; count < 40; count++) connection.write('x'.repeat(100_000))
        },
      ],
      ['while a ping is out', (_, connection) => connection.ping().catch(() => {})],
    ]
    test.each(phases)('%s is one reason', async (_, act) => {
      const peer = await open()
      const [connection] = connections as [Connection]
      void act(peer, connection)
      await quiet()
      peer.connection.destroy()
      const reason = await connection.closed
      expect(reason.kind === 'error' && reason.error).toBeInstanceOf(BrokenError)
      await quiet()
      expect([reasons.length, closes]).toEqual([1, 1])
      await nothingIsLeft()
    })

    test('while this side closes, or has read its Close', async () => {
      for (const act of ['ours', 'theirs'] as const) {
        const peer = await open()
        const connection = connections.pop() as Connection
        const closing = act === 'ours' ? connection.close() : undefined
        if (act === 'theirs') peer.write(closeFrame(1000))
        await peer.frame()
        peer.connection.destroy()
        await closing
        expect(['local', 'remote', 'error']).toContain((await connection.closed).kind)
      }
      await nothingIsLeft()
      expect(closes).toBe(3)
    })

    test('while the listener shuts down', async () => {
      const peers = [await open(), await open(), await open()]
      const closing = listener.close({ grace: 5_000 })
      for (const peer of peers) peer.connection.destroy()
      await closing
      expect([reasons.length, closes, listener.connections.size]).toEqual([3, 3, 0])
    })
  })

  describe('a callback that fails', () => {
    const boom = (): never => {
      throw new Error('boom')
    }

    test('costs its own connection: 1011', async () => {
      accept = () => ({ onData: boom })
      const peer = await open()
      const other = await client()
      peer.write(frame(text, 'x'))
      expect(await peer.frame()).toMatchObject({ code: 1011 })
      expect(reasons.length).toBe(1)
      expect(other.state).toBe('open')
      other.destroy()
      await nothingIsLeft()
    })

    test('when told of a drain costs its own connection', async () => {
      accept = () => ({ onData() {}, onDrain: boom })
      await open()
      const [connection] = connections as [Connection]
      while (connection.write('x'.repeat(50_000)));
      expect(await connection.closed).toMatchObject({ kind: 'error', error: { cause: { message: 'boom' } } })
      await nothingIsLeft()
    })
  })

  describe('a peer that takes its time', () => {
    test('over the head of its handshake is cut by HTTP', async () => {
      const peer = await raw()
      for (const character of handshake('/').slice(0, 20)) {
        peer.write(character)
        await quiet()
        clock.advance(4_000)
        if (peer.closed || peer.ended) break
      }
      await until(() => peer.ended)
      peer.connection.end()
      await until(() => server.connections.size === 0)
      expect(connections.length).toBe(0)
    })

    test('over a frame has it read, byte for byte', async () => {
      const peer = await open()
      const bytes = Buffer.concat([frame(text, 'sl', { fin: false }), frame(continuation, 'ow')])
      for (const byte of bytes) {
        peer.write(Buffer.of(byte))
        await quiet()
      }
      expect((await peer.frame()).text).toBe('slow')
      peer.connection.destroy()
    })
  })

  describe('a peer that breaks the protocol', () => {
    test.each<[string, Buffer, number]>([
      ['an unmasked frame', frame(text, 'x', { mask: false }), 1002],
      ['a reserved bit', frame(text, 'x', { rsv: 2 }), 1002],
      ['an opcode that there is not', frame(5, 'x'), 1002],
      ['a ping in fragments', frame(opcodes.ping, 'x', { fin: false }), 1002],
      ['a Close with a code that is never sent', closeFrame(1006), 1002],
      ['text that is no UTF-8', frame(text, Buffer.of(0x61, 0xff)), 1007],
      ['the other kind', frame(opcodes.binary, 'x'), 1003],
      ['more than may be', frame(text, '', { length: 2 ** 40 }), 1009],
    ])('by %s hears the code for it, once', async (_, bytes, code) => {
      const peer = await open()
      peer.write(frame(text, 'before'), bytes, frame(text, 'after'))
      expect((await peer.frame()).text).toBe('before')
      expect(await peer.frame()).toMatchObject({ opcode: opcodes.close, code })
      expect(await connections[0]?.closed).toMatchObject({ kind: 'error' })
      peer.write(closeFrame(code))
      peer.connection.end()
      await until(() => server.connections.size === 0)
      expect([reasons.length, closes, peer.bytes.length]).toEqual([1, 1, 0])
    })
  })

  test('a peer that does not read stalls only itself, and memory is bounded', async () => {
    const peer = await open()
    peer.connection.pause()
    const [connection] = connections as [Connection]
    const other = await client()
    let sent = 0
    let stalled = false
    while (!stalled) {
      const sending = connection.send('x'.repeat(65_536)).then(
        () => true,
        () => true,
      )
      stalled = !(await Promise.race([sending, quiet().then(() => false)]))
      if (++sent > 1_000) throw new Error('nothing stops the sender')
    }
    expect(connection.buffered).toBeLessThan(300_000)
    await other.send('meanwhile')
    expect(await read(other, 1)).toEqual(['meanwhile'])
    peer.connection.resume()
    for (let count = 0; count < sent; count++) expect((await peer.frame()).payload.length).toBe(65_536)
    peer.connection.destroy()
    other.destroy()
  })

  test('tells of TLS, or not', async () => {
    const one = await client()
    await until(() => connections.length === 1)
    const facts = secure ? { serverName: 'localhost', protocol: 'TLSv1.3' } : undefined
    if (facts) expect(connections[0]?.tls).toMatchObject(facts)
    else expect(connections[0]?.tls).toBeUndefined()
    expect(one.tls === undefined).toBe(!secure)
    one.destroy()
  })
})
