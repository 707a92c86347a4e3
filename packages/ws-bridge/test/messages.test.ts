import { LimitError, type MessageConnection, ProtocolError } from '@fairlead/core'
import * as websocket from '@fairlead/ws-bridge'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import { echo, meet, portOf, read, until, urlOf } from './harness.ts'
import { closeFrame, frame, type FrameOptions, opcodes, Raw } from './raw.ts'

const { binary, close, continuation, ping, pong, text } = opcodes

/** A listener that answers as an echo, and keeps its connections and what they ended with. */
async function echoing(options: Partial<websocket.WebSocketListenOptions<'text'>> = {}) {
  const connections: MessageConnection<string>[] = []
  const listener = await websocket.listen({ port: 0, ...options }, (connection) => {
    connections.push(connection)
    return { onData: (message) => void connection.write(message) }
  })
  return { listener, connections, port: portOf(listener) }
}

describe('messages', () => {
  test('of text arrive as they were', async () => {
    const { client, peer, server } = await meet()
    void echo(peer)
    const sent = ['', 'ahoy', 'äöü ⚓ 🚢', '\0\r\n', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(65_536)]
    for (const message of sent) void client.send(message)
    expect(await read(client, sent.length)).toEqual(sent)
    await server.close({ grace: 0 })
  })

  test('of bytes arrive as they were, and what was given is left alone', async () => {
    const { client, peer, server } = await meet({ messages: 'binary' })
    void echo(peer)
    const sent = [0, 1, 125, 126, 65_535, 65_536].map((size) => new Uint8Array(size).fill(size & 255))
    const view = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4)
    for (const message of [...sent, view]) void client.send(message)
    const heard = await read(client, sent.length + 1)
    expect(heard.map((bytes, index) => Buffer.compare(bytes, [...sent, view][index] ?? view))).toEqual(
      heard.map(() => 0),
    )
    expect([...view]).toEqual([1, 2, 3])
    await server.close({ grace: 0 })
  })

  test('of the wrong type are refused before they are sent', async () => {
    const { client, server } = await meet()
    for (const message of [undefined, null, 5, {}, new Uint8Array(1)]) {
      expect(() => client.write(message as string)).toThrow(TypeError)
    }
    expect(client.state).toBe('open')
    await server.close({ grace: 0 })
  })

  test('reach a handler and an iteration alike', async () => {
    const { client, peer, server } = await meet()
    const heard: string[] = []
    peer.handle({ onData: (message) => void heard.push(message) })
    const sent = Array.from({ length: 500 }, (_, index) => `${index}`.repeat(index % 50))
    for (const message of sent) void client.send(message)
    await until(() => heard.length === sent.length)
    for (const message of sent) void peer.send(message)
    expect(await read(client, sent.length)).toEqual(heard)
    await server.close({ grace: 0 })
  })

  test('have a foreign peer, too', async () => {
    const { listener } = await echoing()
    const clients = [WebSocket, ...('WebSocket' in globalThis ? [globalThis.WebSocket] : [])]
    for (const Client of clients as (typeof globalThis.WebSocket)[]) {
      const client = new Client(urlOf(listener))
      const heard: unknown[] = []
      client.addEventListener('open', () => client.send('ahoy'))
      client.addEventListener('message', ({ data }: { data: unknown }) => {
        heard.push(data)
        client.close(4000, 'enough')
      })
      client.addEventListener('close', ({ code }: { code: number }) => heard.push(code))
      await until(() => heard.length === 2)
      expect(heard).toEqual(['ahoy', 4000])
    }
    await until(() => listener.connections.size === 0)
    await listener.close()
  })

  test('pings are answered, and are no messages', async () => {
    const { listener, port } = await echoing()
    const raw = await Raw.open(port)
    raw.write(frame(ping, 'a'), frame(pong, 'unasked'), frame(text, 'm', { fin: false }), frame(ping, ''))
    raw.write(frame(continuation, 'ate'))
    expect(await raw.frame()).toMatchObject({ opcode: pong, text: 'a' })
    expect(await raw.frame()).toMatchObject({ opcode: pong, text: '' })
    expect(await raw.frame()).toMatchObject({ opcode: text, text: 'mate' })
    await listener.close({ grace: 0 })
  })
})

describe('limits', () => {
  test('hold for what is sent', async () => {
    const { client, server } = await meet({ maxPayload: 10 })
    const error: unknown = await client.send('ä'.repeat(11)).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({ limit: 'maxPayload', value: 22 })
    expect(client.state).toBe('open')
    await server.close({ grace: 0 })
  })

  test('hold for what comes: 1009 there, a LimitError here', async () => {
    const { client, peer, server } = await meet({ maxPayload: 10 })
    await client.send('x'.repeat(10))
    await client.send('x'.repeat(11))
    const heard: string[] = []
    const reading = (async () => {
      for await (const message of peer) heard.push(message)
    })()
    await expect(reading).rejects.toThrow(LimitError)
    expect(heard).toEqual(['x'.repeat(10)])
    expect(await peer.closed).toMatchObject({ kind: 'error', error: { limit: 'maxPayload', value: 10 } })
    expect(await read(client)).toEqual([])
    expect(await client.closed).toMatchObject({ kind: 'remote', code: 1009 })
    await server.close({ grace: 0 })
  })

  test('hold before a byte of the message has come, and over fragments', async () => {
    const { listener, port } = await echoing({ maxPayload: 10 })
    for (const bytes of [
      frame(text, '', { length: 11 }),
      frame(text, '', { length: 2 ** 31 }),
      frame(text, '', { length: 2 ** 53 }),
      Buffer.concat([frame(text, '12345', { fin: false }), frame(continuation, '123456')]),
    ]) {
      const raw = await Raw.open(port)
      raw.write(bytes)
      expect(await raw.frame()).toMatchObject({ opcode: close, code: 1009 })
    }
    await listener.close({ grace: 0 })
  })

  test('hold for empty fragments without end', async () => {
    const { listener, port, connections } = await echoing()
    const raw = await Raw.open(port)
    raw.write(frame(text, '', { fin: false }))
    raw.write(Buffer.concat(Array.from({ length: 20_000 }, () => frame(continuation, '', { fin: false }))))
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 1008 })
    expect(await connections[0]?.closed).toMatchObject({ kind: 'error' })
    await listener.close({ grace: 0 })
  })
})

describe('a peer that breaks the protocol', () => {
  const broken = [0x80, 0xc3, 0xff, 0xf8].map((byte) => Buffer.of(97, byte, 97))
  const strange: [string, Buffer, number][] = [
    ['the other kind', frame(binary, 'x'), 1003],
    ['an unmasked frame', frame(text, 'x', { mask: false }), 1002],
    ['a first reserved bit', frame(text, 'x', { rsv: 4 }), 1002],
    ['a second reserved bit', frame(text, 'x', { rsv: 2 }), 1002],
    ['a third reserved bit', frame(text, 'x', { rsv: 1 }), 1002],
    ...[3, 7, 11, 15].map((opcode): [string, Buffer, number] => [
      `opcode ${opcode}`,
      frame(opcode, 'x'),
      1002,
    ]),
    ['a ping in fragments', frame(ping, 'x', { fin: false }), 1002],
    ['a close in fragments', closeFrame(1000, '', { fin: false }), 1002],
    ['a ping of 126 bytes', frame(ping, 'x'.repeat(126)), 1002],
    ['a continuation of nothing', frame(continuation, 'x'), 1002],
    ['a message inside a message', Buffer.concat([frame(text, 'x', { fin: false }), frame(text, 'y')]), 1002],
    ['a close code in one byte', frame(close, 'x'), 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000].map((code): [string, Buffer, number] => [
      `close code ${code}`,
      closeFrame(code),
      1002,
    ]),
    ['a close text that is not UTF-8', frame(close, Buffer.of(3, 232, 0xff)), 1007],
    ...broken.map((bytes): [string, Buffer, number] => [
      `text with ${bytes.toString('hex')}`,
      frame(text, bytes),
      1007,
    ]),
    [
      'text broken over fragments',
      Buffer.concat([frame(text, Buffer.of(0xc3), { fin: false }), frame(continuation, 'x')]),
      1007,
    ],
  ]

  test.each(strange)('by %s hears the code for it', async (_, bytes, code) => {
    const { listener, port, connections } = await echoing()
    const raw = await Raw.open(port)
    raw.write(frame(text, 'before'), bytes, frame(text, 'after'))
    expect((await raw.frame()).text).toBe('before')
    expect(await raw.frame()).toMatchObject({ opcode: close, code })
    // `ws` waits for no answer after what it found itself.
    if (code === 1003) raw.write(closeFrame(code))
    const reason = await connections[0]?.closed
    expect(reason).toMatchObject({ kind: 'error' })
    expect(reason?.kind === 'error' && reason.error).toBeInstanceOf(ProtocolError)
    await until(() => raw.closed)
    expect(raw.bytes.length).toBe(0)
    expect(listener.connections.size).toBe(0)
    await listener.close()
  })

  test('has what came before read first', async () => {
    const { listener, port } = await echoing()
    await listener.close()
    const taken: Promise<unknown>[] = []
    const messages: string[] = []
    const slow = await websocket.listen({ port }, async (connection) => {
      const reading = (async () => {
        for await (const message of connection) messages.push(message)
      })()
      taken.push(reading.catch((error: unknown) => error))
      await reading.catch(() => {})
    })
    const options: FrameOptions = { rsv: 1 }
    const raw = await Raw.open(port)
    raw.write(Buffer.concat([frame(text, 'a'), frame(text, 'b'), frame(text, 'c', options)]))
    await until(() => taken.length === 1)
    expect(await taken[0]).toBeInstanceOf(ProtocolError)
    expect(messages).toEqual(['a', 'b'])
    await slow.close({ grace: 0 })
  })
})
