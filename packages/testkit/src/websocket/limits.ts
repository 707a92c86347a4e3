import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

import type { WebSocketListenOptions } from '@fairlead/ws-bridge'

import { feature, type Feature } from '../check.ts'
import { raw } from '../http/client-meeting.ts'
import { quiet, turn, until } from '../wait.ts'
import { dial, endOf, fragments, frame, hear, meet, open, opcodes, wireUp } from './meeting.ts'

const { text, binary, ping, continuation } = opcodes
const many = (count: number, each: Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => each))
const deflate = 'Sec-WebSocket-Extensions: permessage-deflate'

/** A message of text in so many frames, as a server sends it. */
function served(count: number): Buffer {
  const frames = Array.from({ length: count }, (_, at) => [
    (at === count - 1 ? 128 : 0) | (at === 0 ? text : continuation),
    1,
    120,
  ])
  return Buffer.from(frames.flat())
}

/** A server's part of the handshake. */
function accepting(key: string | undefined, { compression = false }): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`]
  const agreed = compression
    ? ['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover']
    : []
  return ['HTTP/1.1 101 Switching Protocols', ...fields, ...agreed, '', ''].join('\r\n')
}

/** What ends a connection, with which code, and behind how many messages. */
interface Excess {
  readonly name: string
  readonly options: WebSocketListenOptions<'both'>
  readonly fields?: readonly string[]
  readonly sent: Uint8Array
  readonly heard: number
  readonly end:
    | { readonly kind: 'error'; readonly limit: string }
    | { readonly kind: 'error'; readonly name: string }
  readonly code: number
}

const excesses: readonly Excess[] = [
  {
    name: 'more fragments than maxFragments',
    options: { maxFragments: 4 },
    sent: Buffer.concat([fragments(4), frame(text, 'whole'), fragments(5), frame(text, 'too late')]),
    heard: 2,
    end: { kind: 'error', limit: 'maxFragments' },
    code: 1008,
  },
  {
    name: 'more fragments than maxFragments, where compression was agreed on,',
    options: { maxFragments: 4, compression: true },
    fields: [deflate],
    sent: Buffer.concat([fragments(4), frame(text, 'whole'), fragments(5), frame(text, 'too late')]),
    heard: 2,
    end: { kind: 'error', limit: 'maxFragments' },
    code: 1008,
  },
  {
    name: 'a message larger than maxPayload',
    options: { maxPayload: 100 },
    sent: Buffer.concat([frame(binary, Buffer.alloc(100)), frame(binary, Buffer.alloc(101))]),
    heard: 1,
    end: { kind: 'error', limit: 'maxPayload' },
    code: 1009,
  },
  {
    name: 'a message larger than maxPayload, in fragments,',
    options: { maxPayload: 100 },
    sent: Buffer.concat([frame(binary, Buffer.alloc(60), false), frame(continuation, Buffer.alloc(60))]),
    heard: 0,
    end: { kind: 'error', limit: 'maxPayload' },
    code: 1009,
  },
  {
    name: 'more messages than messageRate',
    options: { messageRate: { perSecond: 1, burst: 3 } },
    sent: many(10, frame(text, 'x')),
    heard: 3,
    end: { kind: 'error', limit: 'messageRate' },
    code: 1008,
  },
  {
    name: 'more pings than pingRate',
    options: { pingRate: { perSecond: 1, burst: 3 } },
    sent: Buffer.concat([frame(text, 'x'), many(10, frame(ping, 'x'))]),
    heard: 1,
    end: { kind: 'error', limit: 'pingRate' },
    code: 1008,
  },
  {
    name: 'text that is no UTF-8',
    options: {},
    sent: Buffer.concat([frame(text, 'x'), frame(text, Buffer.of(0xc3, 0x28))]),
    heard: 1,
    end: { kind: 'error', name: 'ProtocolError' },
    code: 1007,
  },
  {
    name: 'a frame with a reserved bit',
    options: {},
    sent: Buffer.concat([frame(text, 'x'), Buffer.of(0xc1, 0x80, 0, 0, 0, 0)]),
    heard: 1,
    end: { kind: 'error', name: 'ProtocolError' },
    code: 1002,
  },
  {
    name: 'a frame that is not masked',
    options: {},
    sent: Buffer.concat([frame(text, 'x'), Buffer.of(0x81, 1, 0x78)]),
    heard: 1,
    end: { kind: 'error', name: 'ProtocolError' },
    code: 1002,
  },
]

export const limitFeatures: readonly Feature[] = [
  ...excesses.map(({ name, options, fields = [], sent, heard: count, end, code }) =>
    feature(`${name} ends the connection with ${code}`, async (broom) => {
      const raw = await wireUp(broom, await open(broom, options), ...fields)
      const heard = hear(raw.server)
      raw.write(sent)
      assert.deepEqual(await endOf(raw.server), end)
      assert.equal(await raw.farewell(), code)
      assert.equal(heard.length, count)
    }),
  ),

  feature('a message in more pieces than maxBufferedChunks ends the connection with 1008', async (broom) => {
    const raw = await wireUp(broom, await open(broom, { maxBufferedChunks: 8 }))
    hear(raw.server)
    const whole = frame(text, 'x'.repeat(100))
    for (let at = 0; at < 50 && raw.server.state === 'open'; at++) {
      raw.write(whole.subarray(at, at + 1))
      await quiet()
    }
    assert.deepEqual(await endOf(raw.server), { kind: 'error', limit: 'maxBufferedChunks' })
    assert.equal(await raw.farewell(), 1008)
  }),

  feature('the limits hold on the client, too', async (broom) => {
    const large = await meet(broom, {}, { maxPayload: 100 })
    hear(large.client)
    hear(large.server)
    large.server.write('x'.repeat(101))
    assert.deepEqual(await endOf(large.client), { kind: 'error', limit: 'maxPayload' })
    assert.deepEqual(await endOf(large.server), { kind: 'remote', code: 1009 })
    const often = await meet(broom, {}, { messageRate: { perSecond: 1, burst: 2 } })
    const heard = hear(often.client)
    hear(often.server)
    for (let count = 0; count < 5; count++) often.server.write('x')
    assert.deepEqual(await endOf(often.client), { kind: 'error', limit: 'messageRate' })
    assert.equal((await endOf(often.server)).kind, 'remote')
    assert.equal(heard.length, 2)
  }),

  feature('the frames that a server sends are counted, too', async (broom) => {
    for (const [limit, dialing] of [
      ['maxFragments', {}],
      ['maxFragments', { compression: true }],
      ['maxBufferedChunks', {}],
    ] as const) {
      const limits = { maxFragments: 4, maxBufferedChunks: 8 }
      const server = await raw(broom, ({ fields }) => accepting(fields.get('sec-websocket-key'), dialing))
      const client = await dial(broom, `ws://127.0.0.1:${server.port}`, { ...limits, ...dialing })
      const heard = hear(client)
      const peer = await server.peer(0)
      peer.write(Buffer.concat([served(4), served(1)]))
      await until(() => heard.length === 2, 'what is allowed is heard')
      if (limit === 'maxFragments') peer.write(Buffer.concat([served(1), served(5), served(1)]))
      const long = Buffer.concat([Buffer.of(0x81, 100), Buffer.alloc(100, 'x')])
      for (let at = 0; at < 50 && client.state === 'open' && limit === 'maxBufferedChunks'; at++) {
        peer.write(long.subarray(at, at + 1))
        await quiet()
      }
      assert.deepEqual(await endOf(client), { kind: 'error', limit })
      assert.equal(heard.length, limit === 'maxFragments' ? 3 : 2)
    }
  }),

  feature('who pings on and reads no answer meets maxBuffered', async (broom) => {
    const options = { maxBuffered: 200_000, pingRate: { perSecond: 1_000_000 } }
    const raw = await wireUp(broom, await open(broom, options))
    hear(raw.server)
    raw.wire.connection.pause()
    const pings = many(100, frame(ping, 'x'.repeat(125)))
    const { connection } = raw.wire
    for (let count = 0; count < 4_096 && raw.server.state === 'open'; count++) {
      if (connection.state === 'open') connection.write(pings)
      await turn()
    }
    assert.deepEqual(await endOf(raw.server), { kind: 'error', limit: 'maxBuffered' })
  }),

  feature('who writes on to a peer that does not read meets maxBuffered', async (broom) => {
    const maxBuffered = 1_000_000
    const raw = await wireUp(broom, await open(broom, { maxBuffered }))
    hear(raw.server)
    raw.wire.connection.pause()
    const flood = async (): Promise<void> => {
      for (let count = 0; count < 4_096; count++) {
        raw.server.write('x'.repeat(16 * 1024))
        if (count % 16 === 0) await quiet()
      }
    }
    await assert.rejects(flood(), { limit: 'maxBuffered' })
    assert.ok(raw.server.buffered < 2 * maxBuffered)
    assert.deepEqual(await endOf(raw.server), { kind: 'error', limit: 'maxBuffered' })
    await until(() => raw.server.state === 'closed', 'it is over')
  }),
]
