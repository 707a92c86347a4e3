import { BrokenError, ClosedError, type CloseReason } from '@fairlead/core'
import { useManualClock } from '@fairlead/harness'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'

import { gate, meet, quiet, read, until } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, opcodes } from './raw.ts'

const clock = useManualClock()
const { ping, pong, text } = opcodes
const heartbeat = { interval: 10_000, timeout: 5_000 }

/** What a test leaves to be ended. */
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

/** A client of ours at a server of `ws` that answers no ping by itself. */
async function foreignly(options: websocket.WebSocketConnectOptions<'text'>) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false })
  await new Promise((resolve) => server.on('listening', resolve))
  const { promise, open } = gate<WebSocket>()
  const pings: Buffer[] = []
  server.on('connection', (peer) => {
    peer.on('ping', (payload: Buffer) => pings.push(payload))
    open(peer)
  })
  const { port } = server.address() as { port: number }
  const connection = await websocket.connect(`ws://127.0.0.1:${port}`, options)
  connection.handle({ onData() {} })
  const peer = await promise
  ends.push(() => connection.destroy())
  ends.push(() => new Promise((resolve) => server.close(resolve)))
  return { connection, peer, pings }
}

const idle: CloseReason = { kind: 'timeout', phase: 'idle' }

describe('the heartbeat', () => {
  test('of a server asks, and takes a silent peer for gone', async () => {
    const { raw, connection, listener, server } = await rawly({ heartbeat })
    clock.advance(9_750)
    await quiet()
    expect(raw.bytes.length).toBe(0)
    clock.advance(250)
    expect((await raw.frame()).opcode).toBe(ping)
    clock.advance(4_750)
    await quiet()
    expect(connection.state).toBe('open')
    clock.advance(250)
    expect(await connection.closed).toEqual(idle)
    await until(() => raw.closed || raw.ended)
    expect(raw.bytes.length).toBe(0)
    await until(() => server.connections.size === 0)
    expect(listener.connections.size).toBe(0)
  })

  test('of a client asks, and takes a silent server for gone', async () => {
    const { connection, peer, pings } = await foreignly({ heartbeat })
    clock.advance(10_000)
    await until(() => pings.length === 1)
    const [first] = pings
    peer.pong(first)
    await until(() => connection.roundTrip !== undefined)
    clock.advance(10_000)
    await until(() => pings.length === 2)
    clock.advance(5_000)
    expect(await connection.closed).toEqual(idle)
  })

  test('takes a peer for gone to whom something is written again and again', async () => {
    const { raw, connection } = await rawly({ heartbeat })
    clock.advance(10_000)
    await raw.frame()
    for (let second = 0; second < 5; second++) {
      connection.write('anybody there?')
      await raw.frame()
      clock.advance(1_000)
    }
    expect(await connection.closed).toEqual(idle)
  })

  test('measures the way there and back', async () => {
    const { raw, connection } = await rawly({ heartbeat })
    expect(connection.roundTrip).toBeUndefined()
    let rest = 10_000
    for (const time of [70, 1_250, 0]) {
      clock.advance(rest)
      const { payload } = await raw.frame()
      clock.advance(time)
      raw.write(frame(pong, payload))
      await until(() => connection.roundTrip === time)
      rest = 10_000 - time
    }
  })

  test('is content with whatever comes, be it a piece of a frame', async () => {
    const { raw, connection } = await rawly({ heartbeat })
    clock.advance(10_000)
    const message = frame(text, 'slowly')
    for (const byte of message) {
      raw.write(Buffer.of(byte))
      await quiet()
      clock.advance(5_000)
    }
    expect(connection.state).toBe('open')
    clock.advance(5_000)
    expect(await connection.closed).toEqual(idle)
  })

  test('is not deceived by a pong that answers nothing', async () => {
    const { raw, connection } = await rawly({ heartbeat })
    raw.write(frame(pong), frame(pong, 'unasked'), frame(pong, Buffer.of(0, 0, 0, 1)))
    await quiet()
    expect(connection.roundTrip).toBeUndefined()
    clock.advance(10_000)
    await raw.frame()
    raw.write(frame(pong, 'wrong'))
    await quiet()
    expect(connection.roundTrip).toBeUndefined()
    clock.advance(5_000)
    clock.advance(5_000)
    expect(await connection.closed).toEqual(idle)
  })

  test('waits while this side does not read', async () => {
    const { raw, connection } = await rawly({ heartbeat })
    connection.pause()
    clock.advance(100_000)
    const answer = async (): Promise<void> => {
      for (;;) raw.write(frame(pong, (await raw.frame()).payload))
    }
    void answer().catch(() => {})
    await quiet()
    expect([connection.state, connection.roundTrip]).toEqual(['open', undefined])
    connection.resume()
    await until(() => connection.roundTrip !== undefined)
    expect(connection.state).toBe('open')
  })

  test.each(['end', 'destroy'] as const)(
    'hears of a peer that left by %s while this side does not read',
    async (how) => {
      const { raw, connection, reasons } = await rawly({ heartbeat })
      connection.pause()
      // As much as nobody reads for us.
      for (let count = 0; count < 3; count++) raw.write(frame(text, 'x'.repeat(100_000)))
      await quiet()
      raw.connection[how]()
      await quiet()
      expect(reasons).toEqual([])
      // It is not there any more to be written to.
      raw.connection.destroy()
      for (let look = 0; look < 3 && reasons.length === 0; look++) {
        clock.advance(10_000)
        await quiet()
      }
      await until(() => reasons.length === 1)
      expect(reasons[0]).toMatchObject({ kind: 'error' })
    },
  )

  test('waits while nobody takes the messages of an iteration', async () => {
    const { raw, connection } = await rawly({ heartbeat }, async (connection) => {
      for await (const _ of connection) await new Promise(() => {})
    })
    for (let count = 0; count < 4; count++) raw.write(frame(text, 'x'.repeat(60_000)))
    await quiet()
    clock.advance(60_000)
    await quiet()
    expect(connection.state).toBe('open')
  })

  test('is off with false', async () => {
    const { raw, connection } = await rawly({ heartbeat: false })
    clock.advance(3_600_000)
    await quiet()
    expect([connection.state, raw.bytes.length]).toEqual(['open', 0])
  })

  test('is on by default, every 30 seconds', async () => {
    for (const given of [{}, { heartbeat: true }, { heartbeat: {} }]) {
      const { raw, connection } = await rawly(given)
      clock.advance(29_750)
      await quiet()
      expect(raw.bytes.length).toBe(0)
      clock.advance(250)
      expect((await raw.frame()).opcode).toBe(ping)
      clock.advance(30_000)
      expect(await connection.closed).toEqual(idle)
    }
  })

  test('keeps two ends of ours together, from both sides', async () => {
    const { server, client, peer } = await meet({ heartbeat }, { heartbeat })
    ends.push(() => server.close({ grace: 0 }))
    for (const connection of [client, peer]) connection.handle({ onData() {} })
    for (let beat = 0; beat < 5; beat++) {
      clock.advance(10_000)
      await quiet()
    }
    expect([client.state, peer.state, client.roundTrip, peer.roundTrip]).toEqual(['open', 'open', 0, 0])
  })

  test('rests while the connection closes', async () => {
    const { raw, connection } = await rawly({ heartbeat })
    clock.advance(10_000)
    const { payload } = await raw.frame()
    const closing = connection.close({ grace: 60_000 })
    await raw.frame()
    raw.write(frame(pong, payload))
    await quiet()
    clock.advance(100_000)
    await quiet()
    expect(connection.state).toBe('closing')
    expect(raw.bytes.length).toBe(0)
    raw.write(closeFrame(1000))
    raw.connection.end()
    await closing
    expect(await connection.closed).toEqual({ kind: 'local' })
    clock.advance(100_000)
  })

  test('says so when its options mean nothing', async () => {
    const strange: unknown[] = [
      null,
      5,
      { interval: 0 },
      { interval: -1 },
      { interval: 1.5 },
      { interval: Number.NaN },
      { timeout: 0 },
      { timeout: Infinity },
      { timeout: '30' },
    ]
    for (const heartbeat of strange) {
      const options = { port: 0, heartbeat } as websocket.WebSocketListenOptions
      await expect(websocket.listen(options)).rejects.toThrow(/^Invalid options? .*heartbeat/)
      const client = { heartbeat } as websocket.WebSocketConnectOptions
      await expect(websocket.connect('ws://127.0.0.1:1', client)).rejects.toThrow(
        /^Invalid options? .*heartbeat/,
      )
    }
  })

  test('keeps no process alive', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    await rawly({ heartbeat })
    expect(timers()).toBeLessThanOrEqual(before)
  })
})

describe('ping', () => {
  test('is answered with the milliseconds that it took', async () => {
    const { raw, connection } = await rawly({ heartbeat: false })
    const asked = connection.ping()
    const { opcode, payload } = await raw.frame()
    expect(opcode).toBe(ping)
    clock.advance(123)
    raw.write(frame(pong, payload))
    expect([await asked, connection.roundTrip]).toEqual([123, 123])
  })

  test('may be called many times at once; one answer is enough for all', async () => {
    const { raw, connection } = await rawly({ heartbeat: false })
    const asked = Array.from({ length: 100 }, () => connection.ping())
    const payloads = new Set<string>()
    let last: Uint8Array = new Uint8Array()
    for (let count = 0; count < 100; count++) {
      const { payload } = await raw.frame()
      payloads.add(payload.toString('hex'))
      last = payload
    }
    expect(payloads.size).toBe(100)
    clock.advance(5)
    raw.write(frame(pong, last))
    expect(await Promise.all(asked)).toEqual(Array(100).fill(5))
  })

  test('keeps its place among messages', async () => {
    const { raw, connection } = await rawly({ heartbeat: false })
    connection.write('before')
    void connection.ping().catch(() => {})
    connection.write('after')
    const heard = [await raw.frame(), await raw.frame(), await raw.frame()]
    expect(heard.map(({ opcode }) => opcode)).toEqual([text, ping, text])
  })

  test('works on a connection that nobody reads yet, as soon as somebody does', async () => {
    const { raw, connection } = await rawly({ heartbeat: false }, (connection) => connection.pause())
    const asked = connection.ping()
    raw.write(frame(text, 'kept'), frame(pong, (await raw.frame()).payload))
    expect(await read(connection, 1)).toEqual(['kept'])
    connection.handle({ onData() {} })
    expect(await asked).toBe(0)
  })

  test('may be given up: the waiting ends, and nothing else', async () => {
    const { raw, connection } = await rawly({ heartbeat: false })
    const before = new Error('before')
    await expect(connection.ping({ signal: AbortSignal.abort(before) })).rejects.toBe(before)
    await quiet()
    expect(raw.bytes.length).toBe(0)
    const controller = new AbortController()
    const given = connection.ping({ signal: controller.signal })
    const kept = connection.ping()
    const meanwhile = new Error('meanwhile')
    controller.abort(meanwhile)
    await expect(given).rejects.toBe(meanwhile)
    await raw.frame()
    raw.write(frame(pong, (await raw.frame()).payload))
    expect(await kept).toBe(0)
    expect(connection.state).toBe('open')
  })

  const losses: [
    string,
    (meeting: Awaited<ReturnType<typeof rawly>>) => unknown,
    new (...args: never[]) => Error,
  ][] = [
    ['when the peer vanishes', ({ raw }) => raw.connection.destroy(), BrokenError],
    [
      'when the peer closes',
      ({ raw }) => {
        raw.write(closeFrame(1000))
        raw.connection.end()
      },
      BrokenError,
    ],
    ['when this side cuts', ({ connection }) => connection.destroy(), ClosedError],
    [
      'when this side closes',
      ({ connection, raw }) => {
        void connection.close()
        raw.write(closeFrame(1000))
        raw.connection.end()
      },
      ClosedError,
    ],
    [
      'when the heart stops',
      () => {
        clock.advance(10_000)
        clock.advance(5_000)
      },
      BrokenError,
    ],
  ]
  test.each(losses)('is rejected %s', async (_, lose, kind) => {
    const meeting = await rawly({ heartbeat })
    const asked = [meeting.connection.ping(), meeting.connection.ping()]
    for (const answer of asked) answer.catch(() => {})
    await quiet()
    lose(meeting)
    for (const answer of asked) await expect(answer).rejects.toThrow(kind)
    await expect(meeting.connection.ping()).rejects.toThrow(kind)
  })

  test('nobody waits for ends nothing when it is lost', async () => {
    const { raw, connection } = await rawly({ heartbeat: false })
    void connection.ping()
    await raw.frame()
    raw.connection.destroy()
    await connection.closed
    void connection.ping()
    await quiet()
  })

  test('behind the Close of the peer is rejected: it closed', async () => {
    const { raw, connection } = await rawly({ heartbeat: false })
    raw.write(closeFrame(1000))
    await raw.frame()
    await expect(connection.ping()).rejects.toThrow('the peer closed')
  })

  test('goes from a client, too', async () => {
    const { connection, peer, pings } = await foreignly({ heartbeat: false })
    const asked = connection.ping()
    await until(() => pings.length === 1)
    clock.advance(44)
    peer.pong(pings[0])
    expect(await asked).toBe(44)
  })
})
