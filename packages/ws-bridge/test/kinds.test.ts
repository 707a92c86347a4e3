import type { ConnectionHandler, MessageConnection } from '@fairlead/core'
import * as websocket from '@fairlead/ws-bridge'
import * as fc from 'fast-check'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'

import { echo, meet, quiet, read, until } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { frame, opcodes } from './raw.ts'
import { sunk } from './sink.ts'

const { binary, close, continuation, ping, text } = opcodes

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe('the type of messages', () => {
  test('goes by the kind', () => {
    expectTypeOf<websocket.MessageOf<'text'>>().toEqualTypeOf<string>()
    expectTypeOf<websocket.MessageOf<'binary'>>().toEqualTypeOf<Uint8Array>()
    expectTypeOf<websocket.MessageOf<'both'>>().toEqualTypeOf<string | Uint8Array>()
    expectTypeOf<websocket.MessageKind>().toEqualTypeOf<'text' | 'binary' | 'both'>()
  })

  test('is that of each connection, and text without a word', () => {
    const never = (): never => undefined as never
    const connecting = {
      plain: () => websocket.connect('ws://x'),
      text: () => websocket.connect('ws://x', { messages: 'text' }),
      binary: () => websocket.connect('ws://x', { messages: 'binary' }),
      both: () => websocket.connect('ws://x', { messages: 'both' }),
    }
    type Connected<Name extends keyof typeof connecting> = Awaited<ReturnType<(typeof connecting)[Name]>>
    expectTypeOf<Connected<'plain'>>().toEqualTypeOf<websocket.WebSocketConnection<string>>()
    expectTypeOf<Connected<'text'>>().toEqualTypeOf<websocket.WebSocketConnection<string>>()
    expectTypeOf<Connected<'binary'>>().toEqualTypeOf<websocket.WebSocketConnection<Uint8Array>>()
    expectTypeOf<Connected<'both'>>().toEqualTypeOf<websocket.WebSocketConnection>()
    expectTypeOf<Connected<'both'>>().toExtend<MessageConnection<string | Uint8Array>>()
    const accepting = {
      plain: () => websocket.accept(never()),
      both: () => websocket.accept(never(), { messages: 'both' }),
      event: () => websocket.accept(never(), never(), never(), { messages: 'binary' }),
    }
    expectTypeOf(accepting.plain).returns.toEqualTypeOf<websocket.WebSocketConnection<string>>()
    expectTypeOf(accepting.both).returns.toEqualTypeOf<websocket.WebSocketConnection>()
    expectTypeOf(accepting.event).returns.toEqualTypeOf<websocket.WebSocketConnection<Uint8Array>>()
  })

  test('is that of what a listener gives and takes', () => {
    const listening = () =>
      websocket.listen({ port: 0, messages: 'binary' }, (connection) => {
        expectTypeOf(connection).toEqualTypeOf<websocket.WebSocketConnection<Uint8Array>>()
        return {
          onData(data) {
            expectTypeOf(data).toEqualTypeOf<Uint8Array>()
          },
        }
      })
    type Listener = Awaited<ReturnType<typeof listening>>
    expectTypeOf<Listener>().toEqualTypeOf<websocket.WebSocketServer<Uint8Array>>()
    expectTypeOf<Listener['connections']>().toEqualTypeOf<
      ReadonlySet<websocket.WebSocketConnection<Uint8Array>>
    >()
    type Both = websocket.WebSocketConnection<string | Uint8Array>
    expectTypeOf<Parameters<Both['write']>[0]>().toEqualTypeOf<string | Uint8Array>()
    expectTypeOf<Parameters<Both['handle']>[0]>().toEqualTypeOf<ConnectionHandler<string | Uint8Array>>()
    expectTypeOf(websocket.broadcast<string>)
      .parameter(1)
      .toEqualTypeOf<string>()
  })
})

describe('messages of both kinds', () => {
  test('arrive as what they were sent, in order', async () => {
    const { server, client, peer } = await meet({ messages: 'both' })
    ends.push(() => server.close({ grace: 0 }))
    void echo(peer).catch(() => {})
    const sent = [
      'text',
      Uint8Array.of(1, 2),
      '',
      new Uint8Array(),
      'ä',
      Buffer.from('buffer'),
      'x'.repeat(70_000),
    ]
    for (const message of sent) void client.send(message)
    const heard = await read(client, sent.length)
    expect(heard.map((message) => typeof message)).toEqual(sent.map((message) => typeof message))
    expect(heard.map((message) => Buffer.from(message as string).toString())).toEqual(
      sent.map((message) => Buffer.from(message as string).toString()),
    )
    expect(heard[1]).toBeInstanceOf(Uint8Array)
  })

  test('are no other things', async () => {
    const { connection } = sunk({ messages: 'both' })
    const strange: unknown[] = [
      undefined,
      null,
      5,
      {},
      [],
      new ArrayBuffer(1),
      new DataView(new ArrayBuffer(1)),
      true,
    ]
    for (const message of strange) {
      expect(() => connection.write(message as string)).toThrow(
        /^Cannot send message: .* is not text or bytes/,
      )
      await expect(connection.send(message as string)).rejects.toThrow(TypeError)
    }
    expect(connection.state).toBe('open')
    connection.destroy()
  })
})

describe('the kind that is not carried', () => {
  test.each([
    ['text', frame(binary, 'x'), 'only text is understood'],
    ['binary', frame(text, 'x'), 'only binary is understood'],
  ] as const)('by a connection of %s is refused: 1003', async (messages, bytes, said) => {
    const heard: unknown[] = []
    const accept = (): ConnectionHandler<string & Uint8Array> => ({ onData: (data) => void heard.push(data) })
    const { raw, connection, server } = await meetRaw({ messages: messages as 'text' }, accept as never)
    ends.push(() => server.close({ grace: 0 }))
    raw.write(bytes, bytes)
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 1003, text: said })
    expect(await connection.closed).toMatchObject({
      kind: 'error',
      error: { message: `Cannot read message: ${said}` },
    })
    expect(heard).toEqual([])
    raw.connection.destroy()
  })

  test('is refused by a client, too', async () => {
    const { server, client, peer } = await meet({ messages: 'both' }, { messages: 'text' as 'both' })
    ends.push(() => server.close({ grace: 0 }))
    peer.write('understood')
    peer.write(Uint8Array.of(1))
    peer.handle({ onData() {} })
    expect(await read(client, 1)).toEqual(['understood'])
    await expect(read(client)).rejects.toThrow('only text is understood')
    expect(await peer.closed).toMatchObject({ kind: 'remote', code: 1003 })
  })

  test('is refused before it is sent', () => {
    const texts = sunk({ messages: 'text' }).connection
    const bytes = sunk({ messages: 'binary' }).connection
    expect(() => texts.write(Uint8Array.of(1) as never)).toThrow('object is not text')
    expect(() => bytes.write('x' as never)).toThrow('string is not binary')
    expect([texts.state, bytes.state]).toEqual(['open', 'open'])
    texts.destroy()
    bytes.destroy()
  })
})

describe('text', () => {
  const ships = 'aä⚓🚢\u0000\u{10ffff}\ufeff'

  test('may be split anywhere: between frames, in them, in a character', async () => {
    const bytes = Buffer.from(ships)
    const { raw, server, connection } = await meetRaw({ pingRate: { perSecond: 1_000 } }, () => ({
      onData() {},
    }))
    ends.push(
      () => server.close({ grace: 0 }),
      () => raw.connection.destroy(),
    )
    const heard: string[] = []
    connection.handle({ onData: (message) => void heard.push(message) })
    for (let at = 0; at <= bytes.length; at++) {
      raw.write(frame(text, bytes.subarray(0, at), { fin: false }), frame(ping, 'p'))
      raw.write(frame(continuation, bytes.subarray(at)))
    }
    for (const byte of frame(text, bytes)) raw.write(Buffer.of(byte))
    await until(() => heard.length === bytes.length + 2)
    expect(new Set(heard)).toEqual(new Set([ships]))
  })

  test('in any fragments is what it was', () => {
    const fragments = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 5 })
    const property = fc.asyncProperty(fragments, async (pieces) => {
      const heard: string[] = []
      const { socket, connection } = sunk()
      connection.handle({ onData: (message) => void heard.push(message) })
      for (const [index, piece] of pieces.entries()) {
        socket.push(frame(index === 0 ? text : continuation, piece, { fin: index === pieces.length - 1 }))
      }
      for (let turns = 0; turns < 4; turns++) await new Promise((resolve) => setImmediate(resolve))
      const whole = Buffer.concat(pieces)
      let expected: string | undefined
      try {
        expected = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole)
      } catch {
        expected = undefined
      }
      expect(heard).toEqual(expected === undefined ? [] : [expected])
      const [last] = socket.frames.slice(-1)
      expect(last?.opcode === close ? last.payload.readUInt16BE() : 0).toBe(expected === undefined ? 1007 : 0)
      connection.destroy()
    })
    return fc.assert(property, { numRuns: 100 })
  })

  test('with half a surrogate is sent as what stands for it', async () => {
    const { socket, connection } = sunk()
    connection.write('a\ud800b')
    await quiet()
    expect(socket.texts).toEqual(['a\ufffdb'])
    connection.destroy()
  })
})

test('names that objects have by themselves are messages like any other', async () => {
  const { server, client, peer } = await meet()
  ends.push(() => server.close({ grace: 0 }))
  void echo(peer).catch(() => {})
  const sent = ['__proto__', 'constructor', '{"__proto__":{"polluted":true}}', 'toString']
  for (const message of sent) void client.send(message)
  expect(await read(client, sent.length)).toEqual(sent)
  expect('polluted' in {}).toBe(false)
})

test('what is small is copied as it is written', async () => {
  const { server, client, peer } = await meet({ messages: 'binary' })
  ends.push(() => server.close({ grace: 0 }))
  const small = Uint8Array.of(1, 2, 3)
  peer.write(small)
  small.fill(9)
  expect((await read(client, 1)).map((bytes) => [...bytes])).toEqual([[1, 2, 3]])
})
