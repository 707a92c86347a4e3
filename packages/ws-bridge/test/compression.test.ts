import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'

import { LimitError, ProtocolError } from '@fairlead/core'
import * as websocket from '@fairlead/ws-bridge'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

import { echo, meet, portOf, quiet, read, until, urlOf } from './harness.ts'
import { meetRaw } from './meet-raw.ts'
import { closeFrame, frame, handshake, opcodes, Raw } from './raw.ts'

const { binary, close, continuation, ping, text } = opcodes
const deflating = 4

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const offer = (extensions: string) => ({ 'Sec-WebSocket-Extensions': extensions })
const plainOffer = 'permessage-deflate'

/** A server with compression, met by a raw peer that offers what it likes. */
async function rawly(
  extensions = plainOffer,
  options: Partial<websocket.WebSocketListenOptions<'both'>> = {},
) {
  const heard: (string | Uint8Array)[] = []
  const accept = () => ({ onData: (message: string | Uint8Array) => void heard.push(message) })
  const given = { messages: 'both', compression: true, ...options } as const
  const meeting = await meetRaw<'both'>(given, accept, offer(extensions))
  ends.push(() => meeting.raw.connection.destroy())
  ends.push(() => meeting.server.close({ grace: 0 }))
  const agreed = /sec-websocket-extensions: (.*)/i.exec(meeting.head)?.[1]
  return { ...meeting, heard, agreed }
}

/** RFC 7692 section 7.2.1. */
function deflated(message: string | Uint8Array, options = {}): Buffer {
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4)
}

/** RFC 7692 section 7.2.2. */
function inflated(payload: Uint8Array, options = {}): Buffer {
  const whole = Buffer.concat([payload, Buffer.of(0, 0, 255, 255)])
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH, ...options })
}

const wordy = 'all hands on deck, '.repeat(200)
const rsv = { rsv: deflating }

describe('compression', () => {
  test.each<[string, string | undefined]>([
    ['permessage-deflate', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
    // What Chromium offers.
    [
      'permessage-deflate; client_max_window_bits',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
    [
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
    [
      'x-unknown, permessage-deflate',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
    [
      'permessage-deflate; client_max_window_bits=10',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=10',
    ],
    // What cannot be is declined, and the next is looked at (RFC 7692 section 5.1).
    [
      'permessage-deflate; server_max_window_bits=99, permessage-deflate',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
    ['x-webkit-deflate-frame', undefined],
    ['permessage-bzip2; x=1', undefined],
  ])('offered as %j is agreed on as %j', async (offered, answer) => {
    const { agreed, connection } = await rawly(offered)
    expect(agreed?.split('; ').toSorted()).toEqual(answer?.split('; ').toSorted())
    expect(connection.compressed).toBe(answer !== undefined)
  })

  test.each([
    'permessage-deflate; server_max_window_bits=99',
    'permessage-deflate; x',
    'permessage-deflate; =',
    '"',
  ])('offered as %j is refused, or agreed on without', async (offered) => {
    const options = { compression: true, port: 0 } as const
    const listener = await websocket.listen(options, echo)
    ends.push(() => listener.close({ grace: 0 }))
    const raw = await Raw.connect(portOf(listener))
    raw.write(handshake('/', offer(offered)))
    const { status, text } = await raw.head()
    expect([101, 400]).toContain(status)
    expect(text.toLowerCase()).not.toContain('sec-websocket-extensions')
    raw.connection.destroy()
    await until(() => listener.connections.size === 0)
  })

  test('is off by default, whatever is offered', async () => {
    const { agreed, connection, raw } = await rawly(plainOffer, { compression: false })
    expect([agreed, connection.compressed]).toEqual([undefined, false])
    connection.write(wordy)
    expect(await raw.frame()).toMatchObject({ rsv: 0, text: wordy })
    raw.write(frame(text, deflated('x'), rsv))
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 1002 })
  })

  test('begins at the threshold', async () => {
    for (const [compression, threshold] of [
      [true, 1_024],
      [{ threshold: 50 }, 50],
      [{ threshold: 4_000 }, 4_000],
    ] as const) {
      const { connection, raw } = await rawly(plainOffer, { compression })
      connection.write('x'.repeat(threshold - 1))
      connection.write('x'.repeat(threshold))
      connection.write(new Uint8Array(threshold - 1))
      connection.write(new Uint8Array(threshold))
      const heard = []
      for (let count = 0; count < 4; count++) heard.push(await raw.frame())
      expect(heard.map((one) => one.rsv)).toEqual([0, deflating, 0, deflating])
      expect(heard.map(({ opcode }) => opcode)).toEqual([text, text, binary, binary])
      expect(inflated(heard[1]?.payload as Buffer).toString()).toBe('x'.repeat(threshold))
      expect(inflated(heard[3]?.payload as Buffer)).toEqual(Buffer.alloc(threshold))
    }
  })

  test('ends at 256 KiB: a larger message would hold up all others', async () => {
    const { connection, raw } = await rawly()
    for (const size of [262_144, 262_145]) {
      connection.write('x'.repeat(size))
      expect((await raw.frame()).rsv).toBe(size === 262_144 ? deflating : 0)
    }
  })

  test('goes by the size in bytes of a text', async () => {
    const { connection, raw } = await rawly(plainOffer, { compression: { threshold: 1_000 } })
    connection.write('ä'.repeat(500))
    expect((await raw.frame()).rsv).toBe(deflating)
  })

  test('is stronger at a higher level', async () => {
    const prose = Array.from({ length: 5_000 }, (_, index) => `${index * 7919} is ${index % 17}`).join()
    const sizes: number[] = []
    for (const level of [1, 9]) {
      const { connection, raw } = await rawly(plainOffer, { compression: { level } })
      connection.write(prose)
      const { payload } = await raw.frame()
      expect(inflated(payload).toString()).toBe(prose)
      sizes.push(payload.length)
    }
    expect(sizes[1]).toBeLessThan((sizes[0] as number) * 0.95)
  })

  test.each([8, 9, 10, 11, 12, 13, 14, 15])('keeps to a window of %d bits', async (bits) => {
    const { agreed, connection, raw } = await rawly(`permessage-deflate; server_max_window_bits=${bits}`)
    expect(agreed).toContain(`server_max_window_bits=${bits}`)
    // What a larger window would point back to.
    const block = randomBytes(2 ** 13)
    const message = Buffer.concat([block.subarray(0, 300), block, block, block, block])
    for (const each of [message, message.toString('hex')]) {
      connection.write(each)
      const { payload, rsv: reserved } = await raw.frame()
      if (typeof each === 'string' || bits > 12) expect(reserved).toBe(bits === 8 ? 0 : deflating)
      const got = reserved === 0 ? payload : inflated(payload, { windowBits: bits })
      expect(got.equals(Buffer.from(each as string))).toBe(true)
    }
  })

  test('leaves messages whole that cannot be made smaller', async () => {
    const { connection, raw, heard } = await rawly(plainOffer, { maxPayload: 201_000 })
    for (const size of [1_024, 65_535, 65_536, 200_000]) {
      const message = randomBytes(size)
      connection.write(message)
      const { payload, rsv: reserved } = await raw.frame()
      expect([reserved, payload.equals(message)]).toEqual([0, true])
      raw.write(frame(binary, deflated(message), rsv))
      await until(() => heard.length > 0)
      expect(message.equals(heard.pop() as Uint8Array)).toBe(true)
    }
  })

  test('takes text of every plane of Unicode', async () => {
    let all = ''
    for (let plane = 0; plane <= 16; plane++) {
      for (let at = plane * 65_536 + 32; at < (plane + 1) * 65_536; at += 1_021) {
        if (at < 0xd800 || at > 0xdfff) all += String.fromCodePoint(at)
      }
    }
    const message = all + all
    const { server, client, peer } = await meet({ compression: true }, { compression: true })
    ends.push(() => server.close({ grace: 0 }))
    void echo(peer).catch(() => {})
    await client.send(message)
    expect(await read(client, 1)).toEqual([message])
  })

  test('may come with no context kept, in fragments, with pings between them', async () => {
    const { raw, heard } = await rawly()
    const payload = deflated(wordy)
    const [one, two, three] = [payload.subarray(0, 5), payload.subarray(5, 6), payload.subarray(6)]
    raw.write(frame(text, one, { ...rsv, fin: false }), frame(ping, '?'))
    raw.write(frame(continuation, two, { fin: false }), frame(continuation, three))
    raw.write(frame(text, 'not compressed'), frame(text, payload, rsv), frame(text, deflated(''), rsv))
    await until(() => heard.length === 4)
    expect(heard).toEqual([wordy, 'not compressed', wordy, ''])
  })

  test('both ways between two of ours, and `ws`, at either end', async () => {
    const listener = await websocket.listen({ port: 0, compression: { threshold: 10 } }, echo)
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 10 } })
    await new Promise((resolve) => server.on('listening', resolve))
    server.on('connection', (peer) => peer.on('message', (data: Buffer) => peer.send(data.toString())))
    ends.push(
      () => listener.close({ grace: 0 }),
      () => server.close(),
    )
    const messages = ['short', wordy, wordy.repeat(10), '', 'ä'.repeat(1_000)]
    const port = (server.address() as { port: number }).port
    for (const url of [urlOf(listener), `ws://127.0.0.1:${port}`]) {
      const client = await websocket.connect(url, { compression: { threshold: 10 } })
      expect(client.compressed).toBe(true)
      for (const message of messages) void client.send(message)
      expect(await read(client, messages.length)).toEqual(messages)
      await client.close()
    }
    const foreign = new WebSocket(urlOf(listener), { perMessageDeflate: { threshold: 10 } })
    const heard: string[] = []
    foreign.on('message', (data: Buffer) => heard.push(data.toString()))
    foreign.on('open', () => {
      for (const message of messages) foreign.send(message)
    })
    await until(() => heard.length === messages.length)
    expect([heard, foreign.extensions]).toEqual([messages, expect.stringContaining('permessage-deflate')])
    foreign.terminate()
  })

  test('is agreed on only where both want it', async () => {
    for (const [server, client] of [
      [true, false],
      [false, true],
    ] as const) {
      const meeting = await meet({ compression: server }, { compression: client })
      expect([meeting.client.compressed, meeting.peer.compressed]).toEqual([false, false])
      await meeting.server.close({ grace: 0 })
    }
  })
})

describe('what expands too much', () => {
  async function bombed(options: Partial<websocket.WebSocketListenOptions<'both'>>, payload: Uint8Array) {
    const meeting = await rawly(plainOffer, options)
    meeting.raw.write(frame(text, 'before'), frame(binary, payload, rsv), frame(text, 'after'))
    return meeting
  }

  test('by its ratio is refused: 1009', async () => {
    const payload = deflated(Buffer.alloc(2_000_000))
    expect(payload.length).toBeLessThan(2_500)
    const { raw, connection, heard } = await bombed({ maxPayload: 10_000_000 }, payload)
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 1009 })
    const reason = await connection.closed
    expect(reason).toMatchObject({ kind: 'error', error: { limit: 'compression.ratio', value: 200 } })
    expect(reason.kind === 'error' && reason.error).toBeInstanceOf(LimitError)
    expect(heard).toEqual(['before'])
  })

  test('in fragments is counted as a whole', async () => {
    const payload = deflated(Buffer.alloc(1_000_000))
    const meeting = await rawly(plainOffer, { maxPayload: 10_000_000 })
    meeting.raw.write(frame(binary, payload.subarray(0, 100), { ...rsv, fin: false }))
    meeting.raw.write(frame(continuation, payload.subarray(100)))
    expect(await meeting.raw.frame()).toMatchObject({ opcode: close, code: 1009 })
  })

  test('no more than the ratio allows, or little, is let through', async () => {
    const zeros = deflated(Buffer.alloc(2_000_000))
    const generous = await bombed({ maxPayload: 10_000_000, compression: { ratio: 1_100 } }, zeros)
    await until(() => generous.heard.length === 3)
    expect((generous.heard[1] as Uint8Array).byteLength).toBe(2_000_000)
    const little = await bombed({ compression: { ratio: 1 } }, deflated(Buffer.alloc(65_536)))
    await until(() => little.heard.length === 3)
    const more = await bombed({ compression: { ratio: 1 } }, deflated(Buffer.alloc(65_537)))
    expect(await more.raw.frame()).toMatchObject({ opcode: close, code: 1009 })
  })

  test('is judged message by message', async () => {
    const { raw, heard, connection } = await rawly(plainOffer, {
      compression: { ratio: 2 },
      maxPayload: 1_000_000,
    })
    const noise = randomBytes(100_000)
    for (let count = 0; count < 5; count++) {
      raw.write(frame(binary, noise), frame(binary, deflated(noise), rsv), frame(ping, 'p'), frame(text, ''))
    }
    await until(() => heard.length === 15)
    raw.write(frame(binary, noise), frame(binary, deflated(Buffer.alloc(100_000)), rsv))
    await connection.closed
    expect(heard.length).toBe(16)
  })

  test('stops at maxPayload, in the middle', async () => {
    const payload = deflated(Buffer.alloc(20_000_000), { level: 1 })
    const { raw, connection } = await bombed(
      { maxPayload: 100_000, compression: { ratio: 1_000_000 } },
      payload.subarray(0, 99_000),
    )
    const before = process.memoryUsage().arrayBuffers
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 1009 })
    expect(await connection.closed).toMatchObject({
      kind: 'error',
      error: { limit: 'maxPayload', value: 100_000 },
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
  })

  test('while nobody reads is refused: what came in one piece may become very much', async () => {
    const little = frame(binary, deflated(Buffer.alloc(60_000)), rsv)
    const flood = Buffer.concat(Array.from({ length: 500 }, () => little))
    expect(flood.length).toBeLessThan(60_000)
    const reading = await rawly()
    reading.raw.write(flood)
    await until(() => reading.heard.length === 500)
    const { raw, connection } = await rawly()
    const heard: unknown[] = []
    connection.handle({
      onData(message) {
        heard.push(message)
        connection.pause()
      },
    })
    raw.write(flood)
    expect(await connection.closed).toMatchObject({ kind: 'error', error: { limit: 'compression.ratio' } })
    expect(heard.length).toBeLessThanOrEqual(1)
  })

  test('is refused by the client, too', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 10 } })
    await new Promise((resolve) => server.on('listening', resolve))
    server.on('connection', (peer) => peer.send('x'.repeat(1_000_000)))
    ends.push(() => server.close())
    const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}`
    const client = await websocket.connect(url, { compression: true })
    await expect(read(client)).rejects.toThrow('compressed more than 200 times')
  })
})

describe('what is no compressed message', () => {
  test.each([
    ['rubbish', Buffer.from('no deflate at all, in truth')],
    ['a block of a kind that there is not', Buffer.of(0x07, 0xff, 0xff)],
    ['a distance too far back', Buffer.of(0x4b, 0x04, 0x82, 0xff, 0xff)],
    ['a stored block that lies about its length', Buffer.of(0, 5, 0, 1, 0, 65, 66, 67)],
  ])('%s ends the connection, once', async (_, payload) => {
    const { raw, connection, reasons, heard } = await rawly()
    raw.write(frame(text, payload, rsv), frame(text, 'after'))
    const { opcode, code } = await raw.frame()
    expect(opcode).toBe(close)
    expect([1002, 1007]).toContain(code)
    const reason = await connection.closed
    expect(reason.kind === 'error' && reason.error).toBeInstanceOf(ProtocolError)
    await quiet()
    expect([reasons.length, heard]).toEqual([1, []])
  })

  test('cut at any byte ends in some message, or in a close: nothing tells that it is not whole', async () => {
    const whole = deflated(wordy)
    await Promise.all(
      Array.from({ length: whole.length }, async (_, length) => {
        const { raw, connection, heard } = await rawly()
        raw.write(frame(text, whole.subarray(0, length), rsv))
        await until(() => heard.length === 1 || connection.state === 'closed')
        if (heard.length === 0) expect(await connection.closed).toMatchObject({ kind: 'error' })
        else expect((heard[0] as string).length).toBeLessThan(2 * wordy.length)
      }),
    )
  })

  test.each<[string, Buffer]>([
    ['a compressed ping', frame(ping, deflated('x'), rsv)],
    ['a compressed close', frame(close, deflated('x'), rsv)],
    [
      'a continuation that says it is compressed',
      Buffer.concat([frame(text, deflated('x'), { ...rsv, fin: false }), frame(continuation, '', rsv)]),
    ],
  ])('%s is 1002', async (_, bytes) => {
    const { raw } = await rawly()
    raw.write(bytes)
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 1002 })
  })

  test('text that is no UTF-8 inside is 1007', async () => {
    const { raw } = await rawly()
    raw.write(frame(text, deflated(Buffer.from([0x61, 0xff])), rsv))
    expect(await raw.frame()).toMatchObject({ opcode: close, code: 1007 })
  })
})

describe('the end of a compressed connection', () => {
  const large = Array.from({ length: 25_000 }, (_, index) => `${index * 7919}`).join()

  test.each(['client', 'peer'] as const)(
    'leaves the large message of the %s in front of its Close',
    async (side) => {
      const meeting = await meet({ compression: true }, { compression: true })
      ends.push(() => meeting.server.close({ grace: 0 }))
      const other = side === 'client' ? meeting.peer : meeting.client
      const reading = read(other)
      const me = meeting[side]
      me.write(large)
      me.write('small')
      const closing = me.close({ code: 4_001 })
      expect(await reading).toEqual([large, 'small'])
      await closing
      expect(await other.closed).toEqual({ kind: 'remote', code: 4_001 })
    },
  )

  test('while a message is being read delivers it, and its own Close', async () => {
    const { raw, connection, heard } = await rawly()
    raw.write(Buffer.concat([frame(text, deflated(large), rsv), frame(text, 'x'), closeFrame(1000)]))
    raw.connection.end()
    expect(await connection.closed).toEqual({ kind: 'remote', code: 1000 })
    expect(heard).toEqual([large, 'x'])
  })

  test('by destroy while messages are being compressed ends nothing else', async () => {
    const { server, client, peer } = await meet({ compression: true }, { compression: true })
    ends.push(() => server.close({ grace: 0 }))
    peer.handle({ onData() {} })
    for (let count = 0; count < 20; count++) client.write(large)
    const waiting = client.send(large)
    waiting.catch(() => {})
    client.destroy()
    await expect(waiting).rejects.toThrow('Cannot write')
    expect((await peer.closed).kind).toBe('error')
  })

  test('does not deceive the sender about what waits to be compressed', async () => {
    const { server, client, peer } = await meet(
      { compression: true, maxPayload: 4_000_000 },
      { compression: true, maxPayload: 4_000_000 },
    )
    ends.push(() => server.close({ grace: 0 }))
    const noise = randomBytes(125_000).toString('hex')
    const drains: number[] = []
    client.handle({ onData() {}, onDrain: () => void drains.push(client.buffered) })
    expect(client.write(noise)).toBe(false)
    const waiting = client.send(noise)
    let sent = false
    void waiting.then(() => (sent = true))
    await Promise.resolve()
    expect(sent).toBe(false)
    expect((await read(peer, 2)).length).toBe(2)
    await waiting
    expect(drains.length).toBe(1)
    expect(drains[0]).toBeLessThanOrEqual(64 * 1024)
    expect(client.write('little')).toBe(true)
  })

  test('has room again when all was compressed to so little that no socket drains', async () => {
    const { server, client, peer } = await meet({ compression: true }, { compression: true })
    ends.push(() => server.close({ grace: 0 }))
    peer.handle({ onData() {} })
    const message = wordy.repeat(15)
    for (let count = 0; count < 5; count++) client.write(message)
    expect(client.buffered).toBeGreaterThan(64 * 1024)
    await client.send(message)
    await client.drained()
    expect(client.buffered).toBeLessThanOrEqual(64 * 1024)
  })

  test('bounds what waits to be compressed by maxBuffered', async () => {
    const { server, client } = await meet(
      { compression: true },
      { compression: true, maxBuffered: 1_000_000 },
    )
    ends.push(() => server.close({ grace: 0 }))
    const noise = randomBytes(100_000).toString('hex')
    const flood = () => {
      for (let count = 0; count < 100; count++) client.write(noise)
    }
    expect(flood).toThrow('more than maxBuffered 1000000')
    expect(await client.closed).toMatchObject({ kind: 'error', error: { limit: 'maxBuffered' } })
  })
})

test('options of compression that mean nothing are refused by name', async () => {
  const strange: [string, unknown][] = [
    ['compression.threshold', { threshold: 0 }],
    ['compression.threshold', { threshold: 1.5 }],
    ['compression.ratio', { ratio: -1 }],
    ['compression.level', { level: 0 }],
    ['compression.level', { level: 10 }],
    ['compression.level', { level: 1.5 }],
    ['compression', null],
    ['compression', 'yes'],
    ['compression', 5],
  ]
  for (const [name, compression] of strange) {
    const wrong = new RegExp(`^Invalid options? (of )?${name}: `)
    const options = { port: 0, compression } as websocket.WebSocketListenOptions
    await expect(websocket.listen(options)).rejects.toThrow(wrong)
    const client = { compression } as websocket.WebSocketConnectOptions
    await expect(websocket.connect('ws://127.0.0.1:1', client)).rejects.toThrow(wrong)
  }
})
