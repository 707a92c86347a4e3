import { LimitError } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'

import { echo, meet, quiet, read, until } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, opcodes } from './raw.ts'
import { sunk } from './sink.ts'

const clock = useManualClock()
const { close, continuation, ping, pong, text } = opcodes

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A connection that keeps what it hears, met by a raw peer. */
async function rawly(options: Partial<websocket.WebSocketListenOptions<'text'>>) {
  const heard: string[] = []
  const meeting = await meetRaw(options, () => ({ onData: (message) => void heard.push(message) }))
  ends.push(() => meeting.raw.connection.destroy())
  ends.push(() => meeting.server.close({ grace: 0 }))
  return { ...meeting, heard }
}

type Meeting = Awaited<ReturnType<typeof rawly>>

/** It ended, because of that limit, and the peer was told so. */
async function exceeded({ raw, connection, listener, server }: Meeting, limit: string, code: number) {
  const reason = await connection.closed
  expect(reason).toMatchObject({ kind: 'error', error: { limit } })
  expect(reason.kind === 'error' && reason.error).toBeInstanceOf(LimitError)
  let frame = await raw.frame()
  while (frame.opcode !== close) frame = await raw.frame()
  expect(frame.code).toBe(code)
  expect(listener.connections.size).toBe(0)
  raw.write(closeFrame(code))
  raw.connection.end()
  await until(() => server.connections.size === 0)
  return frame
}

describe('maxFragments', () => {
  const pieces = (count: number): Buffer => {
    const middle = Array.from({ length: count - 2 }, () => frame(continuation, 'b', { fin: false }))
    return Buffer.concat([frame(text, 'a', { fin: false }), ...middle, frame(continuation, 'c')])
  }

  test('are allowed, and not one more', async () => {
    const meeting = await rawly({ maxFragments: 8 })
    meeting.raw.write(pieces(8), frame(text, 'whole'), pieces(8))
    await until(() => meeting.heard.length === 3)
    meeting.raw.write(pieces(9))
    await exceeded(meeting, 'maxFragments', 1008)
    expect(meeting.heard).toEqual(['abbbbbbc', 'whole', 'abbbbbbc'])
  })

  test('are no fewer for what comes between them', async () => {
    const { raw, heard } = await rawly({ maxFragments: 2 })
    for (let turn = 0; turn < 10; turn++) {
      raw.write(
        frame(text, 'a', { fin: false }),
        frame(ping, 'p'),
        frame(pong, 'p'),
        frame(continuation, 'b'),
      )
    }
    await until(() => heard.length === 10)
  })

  for (const compression of [false, true]) {
    test(`end what comes after them, and nothing before${compression ? ', with compression, too' : ''}`, async () => {
      const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
      const heard: string[] = []
      const meeting = await meetRaw(
        { maxFragments: 4, compression },
        () => ({ onData: (message) => void heard.push(message) }),
        offer,
      )
      ends.push(() => meeting.server.close({ grace: 0 }))
      meeting.raw.write(Buffer.concat([frame(text, 'first'), frame(text, 'second'), pieces(5)]))
      await exceeded({ ...meeting, heard }, 'maxFragments', 1008)
      expect(heard).toEqual(['first', 'second'])
    })
  }
})

describe('maxBufferedChunks', () => {
  test('bounds the pieces in which one message comes', async () => {
    const meeting = await rawly({ maxBufferedChunks: 8 })
    const whole = frame(text, 'x'.repeat(100))
    for (const at of [20, 40, 60, 80, 100]) {
      meeting.raw.write(whole.subarray(at - 20, at))
      await quiet()
    }
    meeting.raw.write(whole.subarray(100))
    await until(() => meeting.heard.length === 1)
    for (let at = 0; at < 50 && meeting.connection.state === 'open'; at++) {
      meeting.raw.write(whole.subarray(at, at + 1))
      await quiet()
    }
    await exceeded(meeting, 'maxBufferedChunks', 1008)
  })
})

describe('very many small things', () => {
  /** How long the last of these pieces takes, and all of them. */
  function timed(options: websocket.AcceptOptions<'text'>, pieces: readonly Uint8Array[]) {
    const { socket, connection } = sunk(options)
    connection.handle({ onData() {} })
    ends.push(() => connection.destroy())
    const start = performance.now()
    for (const piece of pieces) socket.emit('data', piece)
    return { connection, time: performance.now() - start }
  }

  test('as one message cost no time that counts, and end at a default', async () => {
    const bytes = frame(text, 'x'.repeat(200_000))
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
    const { connection, time } = timed({}, pieces)
    expect(await connection.closed).toMatchObject({
      kind: 'error',
      error: { limit: 'maxBufferedChunks', value: 32_768 },
    })
    expect(time).toBeLessThan(3_000)
    const less = frame(text, 'x'.repeat(32_000))
    const joined = timed(
      {},
      Array.from(less, (_, at) => less.subarray(at, at + 1)),
    )
    expect(joined.connection.state).toBe('open')
    expect(joined.time).toBeLessThan(3_000)
  })

  test('as fragments, as pongs, as empty messages are read in linear time', () => {
    const fragments = [
      frame(text, 'x', { fin: false }),
      ...Array.from({ length: 16_000 }, () => frame(continuation, 'x', { fin: false })),
      frame(continuation, 'x'),
    ]
    for (const pieces of [
      fragments,
      Array.from({ length: 16_000 }, () => frame(pong, 'x')),
      Array.from({ length: 16_000 }, () => frame(text)),
    ]) {
      const options = { pingRate: { perSecond: 1_000_000 } }
      const whole = timed(options, [Buffer.concat(pieces)])
      const split = timed(options, pieces)
      expect([whole.connection.state, split.connection.state]).toEqual(['open', 'open'])
      expect(whole.time + split.time).toBeLessThan(3_000)
    }
  })
})

describe('messageRate', () => {
  test('lets a burst through, and what comes at its pace', async () => {
    const { raw, heard, connection } = await rawly({ messageRate: { perSecond: 10, burst: 5 } })
    for (let count = 0; count < 5; count++) raw.write(frame(text, `${count}`))
    await until(() => heard.length === 5)
    for (let count = 5; count < 30; count++) {
      clock.advance(100)
      raw.write(frame(text, `${count}`))
      await until(() => heard.length === count + 1)
    }
    expect(connection.state).toBe('open')
  })

  test('ends who sends more: 1008', async () => {
    const meeting = await rawly({ messageRate: { perSecond: 10, burst: 5 } })
    meeting.raw.write(Buffer.concat(Array.from({ length: 1_000 }, (_, index) => frame(text, `${index}`))))
    const { text: said } = await exceeded(meeting, 'messageRate', 1008)
    expect(said).toContain('messages')
    expect(meeting.heard).toEqual(['0', '1', '2', '3', '4'])
  })

  test('without a burst lets as many come at once as in a second', async () => {
    const meeting = await rawly({ messageRate: { perSecond: 7 } })
    for (let count = 0; count < 8; count++) meeting.raw.write(frame(text, `${count}`))
    await exceeded(meeting, 'messageRate', 1008)
    expect(meeting.heard.length).toBe(7)
  })

  test('counts messages, not fragments', async () => {
    const { raw, heard } = await rawly({ messageRate: { perSecond: 1 } })
    raw.write(frame(text, 'a', { fin: false }))
    for (let count = 0; count < 50; count++) raw.write(frame(continuation, 'b', { fin: false }))
    raw.write(frame(continuation, 'c'))
    await until(() => heard.length === 1)
  })

  test('is unlimited by default', async () => {
    const { raw, heard } = await rawly({})
    raw.write(Buffer.concat(Array.from({ length: 5_000 }, () => frame(text, 'x'))))
    await until(() => heard.length === 5_000)
  })

  test('holds on the client, too', async () => {
    const { client, peer, server } = await meet({}, { messageRate: { perSecond: 3 } })
    ends.push(() => server.close({ grace: 0 }))
    const reading = read(client)
    for (let count = 0; count < 4; count++) peer.write(`${count}`)
    await expect(reading).rejects.toThrow(LimitError)
    peer.handle({ onData() {} })
    expect(await peer.closed).toMatchObject({ kind: 'remote', code: 1008 })
  })
})

describe('pingRate', () => {
  test('ends who pings more: 1008', async () => {
    const meeting = await rawly({ pingRate: { perSecond: 2, burst: 3 } })
    for (let count = 0; count < 3; count++) meeting.raw.write(frame(ping, `${count}`))
    for (let count = 0; count < 3; count++) expect((await meeting.raw.frame()).opcode).toBe(pong)
    clock.advance(500)
    meeting.raw.write(frame(ping, 'in time'))
    expect((await meeting.raw.frame()).text).toBe('in time')
    meeting.raw.write(frame(ping, 'too early'))
    const { text: said } = await exceeded(meeting, 'pingRate', 1008)
    expect(said).toContain('pings')
  })

  test('has a default', async () => {
    const meeting = await rawly({})
    meeting.raw.write(Buffer.concat(Array.from({ length: 10_000 }, () => frame(ping, 'x'))))
    const before = Date.now()
    await exceeded(meeting, 'pingRate', 1008)
    expect(Date.now() - before).toBeLessThan(2_000)
  })

  test('counts pongs that nobody asked for, and no others', async () => {
    const meeting = await rawly({ pingRate: { perSecond: 3 }, heartbeat: false })
    const { raw, connection, heard } = meeting
    for (let count = 0; count < 20; count++) {
      const asked = connection.ping()
      raw.write(frame(pong, (await raw.frame()).payload))
      await asked
    }
    raw.write(Buffer.concat(Array.from({ length: 3 }, () => frame(pong, 'x'))), frame(text, 'still here'))
    await until(() => heard.length === 1)
    raw.write(frame(pong, 'one more'))
    await exceeded(meeting, 'pingRate', 1008)
  })

  test('holds for a peer that reads no answer: nothing is kept for it', async () => {
    const meeting = await rawly({})
    const { raw, connection } = meeting
    raw.connection.pause()
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(ping, 'p'.repeat(125))))
    void raw.connection.send(pings)
    const reason = await connection.closed
    expect(reason).toMatchObject({ kind: 'error', error: { limit: 'pingRate' } })
    expect(connection.buffered).toBeLessThan(64 * 1024)
  })
})

describe('maxPayload', () => {
  test('holds in both directions, and for either side', async () => {
    const { client, peer, server } = await meet({ maxPayload: 100 }, { maxPayload: 10 })
    ends.push(() => server.close({ grace: 0 }))
    expect(() => peer.write('x'.repeat(101))).toThrow(LimitError)
    await expect(peer.send('x'.repeat(101))).rejects.toThrow('maxPayload 100')
    expect(() => client.write('x'.repeat(11))).toThrow('maxPayload 10')
    void echo(peer)
    client.write('x'.repeat(10))
    expect(await read(client, 1)).toEqual(['x'.repeat(10)])
    peer.write('x'.repeat(11))
    await expect(read(client)).rejects.toThrow(LimitError)
    expect(await client.closed).toMatchObject({ kind: 'error', error: { limit: 'maxPayload', value: 10 } })
    expect(await peer.closed).toMatchObject({ kind: 'remote', code: 1009 })
  })

  test('counts bytes, not characters', async () => {
    const { raw, heard, connection } = await rawly({ maxPayload: 8 })
    raw.write(frame(text, '🚢🚢'))
    await until(() => heard.length === 1)
    expect(() => connection.write('🚢🚢!')).toThrow('9 bytes are more than maxPayload 8')
    connection.write('ä'.repeat(4))
    expect((await raw.frame()).payload.length).toBe(8)
  })

  test('counts a message in fragments as a whole, and control frames not at all', async () => {
    const meeting = await rawly({ maxPayload: 8 })
    meeting.raw.write(frame(ping, 'p'.repeat(125)))
    expect((await meeting.raw.frame()).payload.length).toBe(125)
    for (let count = 0; count < 9; count++) {
      meeting.raw.write(frame(count === 0 ? text : continuation, 'x', { fin: false }))
    }
    await exceeded(meeting, 'maxPayload', 1009)
  })

  test('is 1 MiB by default', async () => {
    const meeting = await rawly({})
    meeting.raw.write(frame(text, 'x'.repeat(1_048_576)))
    await until(() => meeting.heard.length === 1)
    expect(() => meeting.connection.write('x'.repeat(1_048_577))).toThrow(LimitError)
    meeting.raw.write(frame(text, '', { length: 1_048_577 }))
    await exceeded(meeting, 'maxPayload', 1009)
  })

  test.each([65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53])(
    'holds before anything is kept of a message that claims %d bytes',
    async (length) => {
      const meeting = await rawly({ maxPayload: 1_000 })
      meeting.raw.write(frame(text, 'x', { length }))
      await exceeded(meeting, 'maxPayload', 1009)
    },
  )

  test('holds where the length has its first bit set', async () => {
    const meeting = await rawly({ maxPayload: 1_000 })
    meeting.raw.write(Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]))
    await exceeded(meeting, 'maxPayload', 1009)
  })
})

describe('maxBuffered', () => {
  test('ends who writes on without heeding the answer', async () => {
    const { raw, connection } = await rawly({ maxBuffered: 1_000_000 })
    raw.connection.pause()
    let answer = true
    let error: unknown
    for (let count = 0; count < 10_000 && error === undefined; count++) {
      try {
        answer = connection.write('x'.repeat(65_536))
      } catch (thrown) {
        error = thrown
      }
      if (count % 16 === 0) await quiet()
    }
    expect(answer).toBe(false)
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({ limit: 'maxBuffered' })
    expect((error as LimitError).value).toBeLessThan(1_200_000)
    expect(await connection.closed).toEqual({ kind: 'error', error })
    expect(() => connection.write('more')).toThrow('Cannot write')
  })

  test('bounds the answers to pings, too', async () => {
    const { raw, connection } = await rawly({ maxBuffered: 200_000, pingRate: { perSecond: 1_000_000 } })
    raw.connection.pause()
    const pings = Buffer.concat(Array.from({ length: 4_000 }, () => frame(ping, 'p'.repeat(125))))
    let highest = 0
    for (let count = 0; count < 200 && connection.state === 'open'; count++) {
      await Promise.race([raw.connection.send(pings).catch(() => {}), connection.closed])
      highest = Math.max(highest, connection.buffered)
    }
    expect(await connection.closed).toMatchObject({ kind: 'error', error: { limit: 'maxBuffered' } })
    expect(highest).toBeLessThan(1_000_000)
  })

  test('may be far less than one message: that one goes', async () => {
    const { raw, connection } = await rawly({ maxBuffered: 10 })
    connection.write('x'.repeat(100_000))
    expect((await raw.frame()).payload.length).toBe(100_000)
    connection.write('y')
    expect((await raw.frame()).text).toBe('y')
  })

  test('is no trouble for who awaits each send', async () => {
    const { client, peer, server } = await meet({ maxBuffered: 70_000 }, { maxBuffered: 70_000 })
    ends.push(() => server.close({ grace: 0 }))
    const sending = (async () => {
      for (let count = 0; count < 100; count++) await peer.send('x'.repeat(50_000))
    })()
    await quiet()
    expect((await read(client, 100)).length).toBe(100)
    await sending
  })
})

test('an option that there is not is refused by name', async () => {
  const wrong = /^Invalid option maxPayloads: /
  const options = { maxPayloads: 5 } as websocket.ConnectionOptions<'text'>
  await expect(websocket.listen({ port: 0, ...options })).rejects.toThrow(wrong)
  await expect(websocket.connect('ws://127.0.0.1:1', options)).rejects.toThrow(wrong)
  expect(() => websocket.accept({ takeOver() {} } as never, options)).toThrow(wrong)
})

describe('a limit', () => {
  const names = ['maxPayload', 'maxFragments', 'maxBufferedChunks', 'maxBuffered'] as const
  const strange: [string, object][] = [
    ...names.flatMap((name) =>
      [0, -1, 1.5, Infinity, Number.NaN, '5', null].map((value): [string, object] => [
        name,
        { [name]: value },
      ]),
    ),
    ['messageRate.perSecond', { messageRate: {} }],
    ['messageRate.perSecond', { messageRate: { perSecond: 0 } }],
    ['messageRate.burst', { messageRate: { perSecond: 1, burst: 0 } }],
    ['pingRate.perSecond', { pingRate: null }],
    ['pingRate.burst', { pingRate: { perSecond: 1, burst: -1 } }],
    ['messages', { messages: 'json' }],
    ['messages', { messages: null }],
  ]

  test.each(strange)('%s that means nothing is refused by name', async (name, options) => {
    const wrong = new RegExp(`^Invalid option ${name}: `)
    await expect(websocket.listen({ port: 0, ...options })).rejects.toThrow(wrong)
    await expect(websocket.connect('ws://127.0.0.1:1', options)).rejects.toThrow(wrong)
    expect(() => websocket.accept({ takeOver() {} } as never, options)).toThrow(wrong)
  })
})
