import * as udp from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'
import { requests } from '@fairlead/udp/request'
import { describe, expect, test } from 'vitest'

import { encodeMessage } from '../../src/request/message.ts'
import { writeFrame } from '../../src/validation/frames.ts'
import { until } from '../tools.ts'
import { noneIsLeftToTheProcess } from './harness.ts'

noneIsLeftToTheProcess()

interface End {
  readonly address: udp.IpAddress
}

/**
 * What forged sender addresses do, without forging any: each end takes the mirror for the other, because all that
 * one sends there goes to the other.
 */
async function mirror(one: End, other: End) {
  const [left, right] = [await udp.bind(), await udp.bind()]
  let passed = 0
  left.handle({ onDatagram: (data) => void (passed++, right.write(data, other.address)) })
  right.handle({ onDatagram: (data) => void (passed++, left.write(data, one.address)) })
  return {
    get passed() {
      return passed
    },
    /** What a forger sends, seemingly from the one to the other. */
    forge: (data: Uint8Array | string) => void right.write(data, other.address),
    /** Resolves when nothing has passed for some turns of the event loop, with what had. */
    async silence(most = 60_000): Promise<number> {
      for (let [last, still] = [-1, 0]; still < 30;) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        still = passed === last ? still + 1 : 0
        last = passed
        if (passed > most) throw new Error('it goes round and round')
      }
      return passed
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([left.close(), right.close()])
    },
  }
}

type Echo = (session: udp.UdpSession<Uint8Array>) => unknown

/** Whoever writes an echo writes it in one of these ways. */
const echoes: [string, Echo][] = [
  ['by handler', (session) => ({ onData: (data: Uint8Array) => void session.write(data) })],
  [
    'by handler, with trouble heard',
    (session) => ({ onData: (data: Uint8Array) => void session.write(data), onTrouble() {} }),
  ],
  ['by handler and send', (session) => ({ onData: (data: Uint8Array) => session.send(data) })],
  [
    'by handler and a send nobody awaits',
    (session) => ({ onData: (data: Uint8Array) => void session.send(data) }),
  ],
  [
    'by iteration',
    async (session) => {
      for await (const data of session) await session.send(data)
    },
  ],
]

describe('21 two echo servers, each with the address of the other forged', () => {
  test.each(echoes)('%s: the loop ends by itself', async (_, echo) => {
    const open = () => udp.listen({}, echo as never)
    await using one = await open()
    await using other = await open()
    await using between = await mirror(one, other)
    between.forge('ahoy')
    const passed = await between.silence()
    expect(passed).toBeGreaterThan(0)
    expect(passed).toBeLessThanOrEqual(2_002)
  })

  test.each([
    ['close', (session: udp.UdpSession<Uint8Array>) => void session.close()],
    ['destroy', (session: udp.UdpSession<Uint8Array>) => session.destroy()],
  ])('each session ends with its answer, by %s: it ends, too', async (_, end) => {
    const open = () =>
      udp.listen({ maxUnvalidatedDatagrams: 100 }, (session) => ({
        onData(data) {
          session.write(data)
          end(session)
        },
      }))
    await using one = await open()
    await using other = await open()
    await using between = await mirror(one, other)
    between.forge('ahoy')
    const passed = await between.silence(5_000)
    expect(passed).toBeGreaterThanOrEqual(100)
    expect(passed).toBeLessThanOrEqual(202)
  })

  test.each(echoes)('%s, with many at once: it ends, too', async (_, echo) => {
    const open = () => udp.listen({ maxUnvalidatedDatagrams: 100 }, echo as never)
    await using one = await open()
    await using other = await open()
    await using between = await mirror(one, other)
    const many = 20
    for (let at = 0; at < many; at++) between.forge(`ahoy ${at}`)
    // Whoever fails at the limit ends its session and begins another; each time that costs the loop a datagram.
    expect(await between.silence()).toBeLessThanOrEqual((2 * 100 + 2) * many)
  })

  test('who lifts the limits has none: this is what they prevent', async () => {
    const open = () =>
      udp.listen({ maxAmplification: Infinity }, (session) => ({
        onData: (data) => void session.write(data),
      }))
    await using one = await open()
    await using other = await open()
    await using between = await mirror(one, other)
    between.forge('ahoy')
    await expect(between.silence(5_000)).rejects.toThrow('round and round')
  })

  test('one that answers threefold: the loop does not grow without end', async () => {
    const open = () =>
      udp.listen({ maxUnvalidatedDatagrams: 100 }, (session) => ({
        onData(data) {
          for (let at = 0; at < 3; at++) session.send(data).catch(() => {})
        },
      }))
    await using one = await open()
    await using other = await open()
    await using between = await mirror(one, other)
    between.forge('ahoy')
    expect(await between.silence()).toBeLessThanOrEqual(202)
    expect(one.stats().withheld + other.stats().withheld).toBeGreaterThan(0)
  })

  test('one with validation and one without, and two with: nothing but a stale goes round, once', async () => {
    const echo = (session: udp.UdpSession<Uint8Array>) => ({
      onData: (data: Uint8Array) => void session.write(data),
    })
    await using careful = await udp.listen({ validation: 'cookie' }, echo)
    await using another = await udp.listen({ validation: 'cookie' }, echo)
    await using careless = await udp.listen({}, echo)
    const nonce = 'n'.repeat(16)
    const cookie = Buffer.alloc(17, 1)
    const datagrams = [
      Buffer.from('a datagram'),
      writeFrame('hello', nonce),
      writeFrame('retry', nonce, cookie),
      writeFrame('answer', nonce, cookie),
      writeFrame('welcome', nonce),
      writeFrame('refuse', nonce),
      writeFrame('stale'),
    ]
    for (const [one, other] of [
      [careful, careless],
      [careless, careful],
      [careful, another],
    ] as const) {
      await using between = await mirror(one, other)
      for (const datagram of datagrams) between.forge(datagram)
      expect(await between.silence()).toBeLessThanOrEqual(3 * datagrams.length)
    }
  })
})

describe('21 what is no echo does not answer junk at all', () => {
  const junk = [
    Buffer.alloc(0),
    Buffer.from('junk'),
    Buffer.from([0xb2, 0xff]),
    encodeMessage('answer', 'abcdefghijkl', Buffer.from('x')),
    encodeMessage('failure', 'abcdefghijkl', Uint8Array.of(1)),
    encodeMessage('request', 'abcdefghijkl', Buffer.from('x'), 400).subarray(0, 17),
    Buffer.from([0xf5, 0x52, 2, 1]),
  ]

  test('two endpoints of requests: junk is counted; a request is answered once, and the answer never', async () => {
    const open = async () => requests(await udp.bind(), { answer: (question) => question })
    await using one = await open()
    await using other = await open()
    await using between = await mirror(one, other)
    for (const datagram of junk) between.forge(datagram)
    expect(await between.silence()).toBe(0)
    between.forge(encodeMessage('request', 'lkjihgfedcba', Buffer.from('x'), 400))
    expect(await between.silence()).toBe(1)
    expect(other.stats()).toMatchObject({ executed: 1, malformed: 1, stray: 4, duplicates: 2 })
    expect(one.stats()).toMatchObject({ executed: 0, duplicates: 1 })
  })

  test('an endpoint of requests and an echo server: each says a few words', async () => {
    await using one = requests(await udp.bind(), { answer: (question) => question })
    await using other = await udp.listen({}, (session) => ({ onData: (data) => void session.write(data) }))
    await using between = await mirror(one, other)
    for (const datagram of junk) between.forge(datagram)
    between.forge(encodeMessage('request', 'lkjihgfedcba', Buffer.from('x'), 400))
    // The echo, and the answer to the request, and the echo of that.
    expect(await between.silence()).toBeLessThanOrEqual(junk.length + 3)
  })

  test('two bundles: junk is counted, and nobody answers it', async () => {
    const bundles: { malformed: number }[] = []
    const open = () =>
      udp.listen({}, (session) => {
        const bundled = bundle(session)
        bundled.handle({ onData: (data) => void bundled.write(data), onTrouble() {} })
        void session.closed.then(() => bundles.push(bundled.stats()))
      })
    const one = await open()
    const other = await open()
    await using between = await mirror(one, other)
    for (const datagram of junk) between.forge(datagram)
    await until(() => other.stats().received === junk.length)
    expect(await between.silence()).toBe(0)
    await Promise.all([one.close({ grace: 0 }), other.close({ grace: 0 })])
    await until(() => bundles.length === 1)
    expect(bundles[0]?.malformed).toBe(junk.length)
  })

  test('two bundles that echo: the limits of their sessions end it', async () => {
    const open = () =>
      udp.listen({ maxUnvalidatedDatagrams: 100 }, (session) => {
        const bundled = bundle(session)
        bundled.handle({ onData: (data) => void bundled.write(data), onTrouble() {} })
      })
    await using one = await open()
    await using other = await open()
    await using between = await mirror(one, other)
    between.forge(Buffer.from([0xb2, 2, 1, 2]))
    expect(await between.silence()).toBeLessThanOrEqual(202)
  })
})
