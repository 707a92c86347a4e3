import { ClosedError, type CloseReason, LimitError, TimeoutError } from '@fairlead/core'
import * as http from '@fairlead/http'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'

import { checkFarewell, closeCodeOf } from '../src/close-codes.ts'
import { echo, meet, quiet, read, until, urlOf } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, opcodes, type Raw } from './raw.ts'
import { sunk } from './sink.ts'

const { close, text } = opcodes

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function rawly(...given: Parameters<typeof meetRaw<'text'>>) {
  const meeting = await meetRaw(...given)
  ends.push(() => meeting.raw.connection.destroy())
  ends.push(() => meeting.server.close({ grace: 0 }))
  return meeting
}

/** The peer says goodbye, too. */
async function answer(raw: Raw, code = 1000): Promise<void> {
  raw.write(closeFrame(code))
  raw.connection.end()
  await raw.connection.closed
}

const sendable = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
]
const unsendable = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 65_535, 66_536, -1000]

describe('a code', () => {
  test.each(sendable)('%d is sent, and is the reason on both sides', async (code) => {
    const { connection, raw } = await rawly()
    const closing = connection.close({ code })
    expect(await raw.frame()).toMatchObject({ opcode: close, code, text: '' })
    await answer(raw, code)
    await closing
    expect(await connection.closed).toEqual({ kind: 'local', code })
  })

  test.each(sendable)('%d that the peer sends is the reason', async (code) => {
    const { connection, raw } = await rawly()
    raw.write(closeFrame(code, 'because'))
    expect(await raw.frame()).toMatchObject({ opcode: close, code, text: 'because' })
    raw.connection.end()
    expect(await connection.closed).toEqual({ kind: 'remote', code, text: 'because' })
  })

  test('that cannot be sent is refused by name, and nothing is closed', async () => {
    const { socket, connection } = sunk()
    for (const code of [...unsendable, 1000.5, Number.NaN, Infinity, '1000', null, {}]) {
      const options = { code } as websocket.WebSocketCloseOptions
      await expect((async () => connection.close(options))()).rejects.toThrow(/^Invalid option code: /)
    }
    expect(connection.state).toBe('open')
    expect(socket.frames).toEqual([])
    connection.destroy()
  })
})

describe('a text', () => {
  test('goes with the code, or with 1000', async () => {
    for (const options of [{ text: 'good night' }, { code: 3_001, text: 'über 🚢' }]) {
      const { connection, raw } = await rawly()
      const closing = connection.close(options)
      expect(await raw.frame()).toMatchObject({ code: 1000, ...options })
      await answer(raw)
      await closing
      expect(await connection.closed).toEqual({ kind: 'local', ...options })
    }
  })

  test('of 123 bytes fits, and none more', async () => {
    const { socket, connection } = sunk()
    for (const text of ['x'.repeat(124), 'ä'.repeat(62), '🚢'.repeat(31), 'x'.repeat(100_000)]) {
      await expect((async () => connection.close({ text }))()).rejects.toThrow(
        /^Invalid option text: \d+ bytes/,
      )
    }
    for (const text of [5, null, {}, new Uint8Array(1)]) {
      const options = { text } as websocket.WebSocketCloseOptions
      await expect((async () => connection.close(options))()).rejects.toThrow(/^Invalid option text: /)
    }
    expect(connection.state).toBe('open')
    void connection.close({ text: 'ä'.repeat(61) })
    expect(socket.frames.map(({ payload }) => payload.length)).toEqual([2 + 122])
    connection.destroy()
  })

  test('that is no UTF-16 becomes one that is UTF-8', async () => {
    const { socket, connection } = sunk()
    void connection.close({ text: 'a\ud800b' })
    expect(socket.frames[0]?.payload.subarray(2).toString()).toBe('a\ufffdb')
    connection.destroy()
  })
})

describe('other options of close', () => {
  test('that mean nothing are refused, and nothing is closed', async () => {
    const { connection } = sunk()
    for (const options of [
      null,
      5,
      'now',
      { grace: -1 },
      { grace: Number.NaN },
      { grace: '1' },
      { signal: 5 },
    ]) {
      const given = options as websocket.WebSocketCloseOptions
      await expect((async () => connection.close(given))()).rejects.toThrow(/^Invalid option/)
    }
    expect(connection.state).toBe('open')
    connection.destroy()
  })

  test('as grace cut a silent peer', async () => {
    const { connection, raw } = await rawly()
    const closing = connection.close({ code: 4_000, grace: 30 })
    expect(await raw.frame()).toMatchObject({ code: 4_000 })
    await closing
    expect(await connection.closed).toEqual({ kind: 'timeout', phase: 'close' })
  })

  test('as a signal end the waiting, and nothing else', async () => {
    const { connection, raw } = await rawly()
    const controller = new AbortController()
    const closing = connection.close({ signal: controller.signal })
    const reason = new Error('not waiting')
    controller.abort(reason)
    await expect(closing).rejects.toBe(reason)
    expect(connection.state).toBe('closing')
    await answer(raw)
    expect(await connection.closed).toEqual({ kind: 'local' })
  })

  test('are of no effect behind the first call, but for a shorter grace', async () => {
    const { connection, raw } = await rawly()
    void connection.close({ code: 4_001, text: 'first' })
    void connection.close({ code: 4_002, text: 'second' })
    expect(await raw.frame()).toMatchObject({ code: 4_001, text: 'first' })
    await connection.close({ grace: 20 })
    expect(await connection.closed).toEqual({ kind: 'timeout', phase: 'close' })
    expect(raw.bytes.length).toBe(0)
    await connection.close({ code: 4_003 })
    await expect((async () => connection.close({ code: 1 }))()).rejects.toThrow('Invalid option code')
  })

  test('hold while the peer does not read: bounded by grace', async () => {
    const { socket, connection } = sunk()
    socket.stuck = true
    for (let count = 0; count < 5; count++) connection.write('x'.repeat(50_000))
    await connection.close({ grace: 20 })
    expect(await connection.closed).toEqual({ kind: 'timeout', phase: 'close' })
    expect(socket.destroyed).toBe(true)
  })
})

describe('the end of a listener', () => {
  test('with a code and text is heard by all', async () => {
    for (const own of [true, false]) {
      const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
      const reasons: Promise<CloseReason>[] = []
      const where = own ? { port: 0 } : { server }
      const listener = await websocket.listen(where, (connection) => {
        reasons.push(connection.closed)
        return { onData() {} }
      })
      const clients = await Promise.all([1, 2, 3].map(() => websocket.connect(urlOf(listener))))
      for (const client of clients) client.handle({ onData() {} })
      await until(() => reasons.length === 3)
      await listener.close({ code: 1012, text: 'back in a minute' })
      const said = { code: 1012, text: 'back in a minute' }
      for (const client of clients) expect(await client.closed).toEqual({ kind: 'remote', ...said })
      for (const reason of reasons) expect(await reason).toEqual({ kind: 'shutdown', ...said })
      expect(listener.connections.size).toBe(0)
      await server.close()
    }
  })

  test('with a code that cannot be sent is refused, and it goes on', async () => {
    const listener = await websocket.listen({ port: 0 }, echo)
    ends.push(() => listener.close({ grace: 0 }))
    for (const options of [{ code: 1006 }, { text: 'x'.repeat(124) }, { grace: -1 }]) {
      await expect(listener.close(options)).rejects.toThrow(/^Invalid option/)
    }
    expect(listener.state).toBe('open')
    const client = await websocket.connect(urlOf(listener))
    await client.send('still here')
    expect(await read(client, 1)).toEqual(['still here'])
    await client.close()
  })

  test('leaves the last word to a handler that takes the shutdown in hand', async () => {
    const { connection, raw, listener } = await rawly({}, (connection) => ({
      onData() {},
      onShutdown: (grace) => void connection.close({ code: 4_444, text: 'mine', grace }),
    }))
    const closing = listener.close({ code: 1012 })
    expect(await raw.frame()).toMatchObject({ code: 4_444, text: 'mine' })
    await answer(raw)
    await closing
    expect(await connection.closed).toEqual({ kind: 'local', code: 4_444, text: 'mine' })
  })

  test('is no second farewell for those who were closing already', async () => {
    const { connection, raw, listener } = await rawly()
    void connection.close({ code: 4_000 })
    const closing = listener.close({ code: 1012 })
    expect(await raw.frame()).toMatchObject({ code: 4_000 })
    await answer(raw)
    await closing
    expect([(await connection.closed).kind, raw.bytes.length]).toEqual(['local', 0])
  })

  test('by destroy with an error is 1011', async () => {
    const { connection, raw, listener } = await rawly()
    listener.destroy(new Error('out of order'))
    expect(await raw.frame()).toMatchObject({ code: 1011, text: '' })
    expect(await connection.closed).toMatchObject({ kind: 'error' })
  })
})

describe('what an error says to the peer', () => {
  test.each<[string, CloseReason, number]>([
    ['a shutdown', { kind: 'shutdown' }, 1001],
    ['a shutdown with a code', { kind: 'shutdown', code: 1012 }, 1012],
    ['nothing special', { kind: 'local' }, 1000],
    ['a code', { kind: 'local', code: 3_333 }, 3_333],
    ['a timeout', { kind: 'timeout', phase: 'idle' }, 1008],
    ['a fault', { kind: 'error', error: new ClosedError('boom') }, 1011],
    ['a time limit', { kind: 'error', error: new TimeoutError('late', { phase: 'total' }) }, 1011],
    [
      'too much to write',
      { kind: 'error', error: new LimitError('slow', { limit: 'x', value: 1, phase: 'write' }) },
      1013,
    ],
  ])('of %s', (_, reason, code) => {
    expect(closeCodeOf(reason)).toBe(code)
  })

  test('is what a program may say, as a whole', () => {
    const refused = (code: number): boolean => {
      try {
        checkFarewell(code, undefined)
        return false
      } catch (error) {
        return error instanceof RangeError
      }
    }
    const codes = Array.from({ length: 5_100 }, (_, code) => code)
    const meant = (code: number): boolean => sendable.includes(code) || (code >= 3_000 && code <= 4_999)
    expect(codes.filter((code) => refused(code) === meant(code))).toEqual([])
  })

  test('never tells what the error was', async () => {
    const { connection, raw } = await rawly()
    connection.destroy(new Error('the password is swordfish'))
    const { code, payload } = await raw.frame()
    expect([code, payload.length]).toEqual([1011, 2])
  })

  test('with a LimitError of writing is 1013', async () => {
    const { connection, raw } = await rawly()
    connection.destroy(new LimitError('too slow', { limit: 'own', value: 5, phase: 'write' }))
    expect(await raw.frame()).toMatchObject({ code: 1013 })
  })
})

describe('what comes after', () => {
  test('a close of ours is not heard, and waits for the Close of the peer', async () => {
    const heard: string[] = []
    const { connection, raw } = await rawly({}, () => ({ onData: (message) => void heard.push(message) }))
    raw.write(frame(text, 'before'))
    await until(() => heard.length === 1)
    const closing = connection.close()
    raw.write(frame(text, 'after'), frame(opcodes.ping, 'p'))
    await quiet()
    expect([heard, connection.state]).toEqual([['before'], 'closing'])
    await raw.frame()
    await answer(raw)
    await closing
    expect(heard).toEqual(['before'])
  })

  test('a Close of the peer is not heard: data, a second Close, rubbish', async () => {
    const heard: string[] = []
    const { connection, raw, reasons } = await rawly({}, () => ({
      onData: (message) => void heard.push(message),
    }))
    raw.write(
      Buffer.concat([
        frame(text, 'before'),
        closeFrame(4_000),
        frame(text, 'after'),
        closeFrame(4_001),
        Buffer.from('rubbish'),
      ]),
    )
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 4_000 })
    raw.connection.end()
    expect(await connection.closed).toEqual({ kind: 'remote', code: 4_000 })
    await quiet()
    expect([heard, reasons.length, raw.bytes.length]).toEqual([['before'], 1, 0])
  })
})

describe('closing inside a callback', () => {
  type Handlers = (connection: websocket.WebSocketConnection<string>) => unknown
  const meetings: [string, Handlers, string][] = [
    ['accept', (connection) => void connection.close({ code: 4_000 }), 'local'],
    [
      'accept, with a handler behind it',
      (connection) => {
        void connection.close({ code: 4_000 })
        return { onData() {} }
      },
      'local',
    ],
    ['onData', (connection) => ({ onData: () => void connection.close({ code: 4_000 }) }), 'local'],
    [
      'an iteration',
      async (connection) => {
        for await (const _ of connection) void connection.close({ code: 4_000 })
      },
      'local',
    ],
    [
      'onEnd, as an answer',
      (connection) => ({ onData() {}, onEnd: () => void connection.close({ code: 4_000 }) }),
      'remote',
    ],
  ]

  test.each(meetings)('%s ends in one reason', async (_, handlers, kind) => {
    const { connection, raw, reasons, listener, server } = await rawly({}, handlers as never)
    raw.write(frame(text, 'go'))
    if (kind === 'remote') raw.write(closeFrame(1000))
    await raw.frame()
    await answer(raw)
    expect((await connection.closed).kind).toBe(kind)
    await until(() => server.connections.size === 0)
    expect([reasons.length, listener.connections.size]).toEqual([1, 0])
  })

  test('onClose does nothing more', async () => {
    let closes = 0
    const { connection, raw } = await rawly({}, (connection) => ({
      onData() {},
      onClose() {
        closes++
        void connection.close()
        connection.destroy(new Error('late'))
      },
    }))
    await answer(raw)
    expect(await connection.closed).toEqual({ kind: 'remote', code: 1000 })
    await quiet()
    expect(closes).toBe(1)
  })

  test('onDrain is fine, too', async () => {
    const { socket, connection } = sunk()
    connection.handle({ onData() {}, onDrain: () => connection.destroy() })
    socket.stuck = true
    connection.write('x'.repeat(100_000))
    expect(connection.write('y')).toBe(false)
    socket.loosen()
    expect(await connection.closed).toEqual({ kind: 'local' })
  })
})

describe('starting and stopping', () => {
  const held = (): number =>
    process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name)).length

  test('300 times leaves nothing', async () => {
    const before = held()
    const server = await http.listen({ port: 0 }, (exchange) => exchange.respond(404))
    const kinds = new Set<string>()
    for (let round = 0; round < 300; round++) {
      const listener = await websocket.listen({ server, path: `/${round % 3}` }, (connection) => {
        void connection.closed.then(({ kind }) => kinds.add(kind))
        return { onData() {} }
      })
      const connecting = websocket.connect(urlOf(server, `/${round % 3}`)).catch(() => undefined)
      if (round % 2 === 0) (await connecting)?.handle({ onData() {} })
      const [first] = listener.connections
      if (round % 10 === 4) first?.destroy()
      else if (round % 10 === 8) void first?.close()
      await Promise.all([listener.close({ grace: 50 }), listener.close()])
      ;(await connecting)?.destroy()
      expect([listener.state, listener.connections.size]).toEqual(['closed', 0])
    }
    await server.close({ grace: 0 })
    expect([...kinds].every((kind) => kind === 'shutdown' || kind === 'local')).toBe(true)
    await until(() => held() <= before)
  })

  test('while it starts is in order', async () => {
    const controller = new AbortController()
    const listening = websocket.listen({ port: 0 }, echo)
    const listener = await listening
    const closing = listener.close()
    const connecting = websocket.connect(urlOf(listener), { signal: controller.signal })
    connecting.catch(() => {})
    controller.abort(new Error('no more'))
    await closing
    await expect(connecting).rejects.toThrow()
    await listener.close()
    expect(await listener.closed).toEqual({ kind: 'local' })
  })

  test('at the moment of the meeting ends both ends', async () => {
    for (let round = 0; round < 10; round++) {
      const { server, client, peer } = await meet()
      const both = round % 2 === 0 ? [client, peer] : [peer, client]
      for (const one of both) void one.close({ grace: 500 })
      const reasons = await Promise.all(both.map((one) => one.closed))
      expect(reasons).toEqual([{ kind: 'local' }, { kind: 'local' }])
      await server.close({ grace: 0 })
    }
  })
})
