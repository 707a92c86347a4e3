import { ClosedError, LimitError } from '@fairlead/core'
import { DatagramNetwork } from '@fairlead/core/memory'
import type { InnerHandler } from '@fairlead/core/transport'
import { connect, listen } from '@fairlead/udp/memory'
import { expect, test } from 'vitest'

import { bundle } from '../../src/bundle.ts'
import { troubles, until } from '../tools.ts'
import { bench, ends, heard, quiet, turn } from './tools.ts'

/** Room for three messages of four bytes each. */
const three = { messages: 'text', sequence: false, maxDatagramSize: 16 } as const

function texts(datagrams: readonly Uint8Array[]): string[] {
  return datagrams.map((datagram) => Buffer.from(datagram).toString('latin1'))
}

test('what is written in a turn, or sent and awaited, leaves together at its end', async () => {
  const { bundle, datagrams } = bench({ messages: 'text', sequence: false })
  bundle.write('a')
  for (const text of ['b', 'c']) await bundle.send(text)
  expect(bundle.buffered).toBe(7)
  await Promise.resolve().then(() => bundle.write('d'))
  await quiet()
  bundle.write('e')
  await quiet()
  expect(texts(datagrams)).toEqual(['\xb2\x01a\x01b\x01c\x01d', '\xb2\x01e'])
  expect(bundle.buffered).toBe(0)
  expect(bundle.stats()).toMatchObject({ sent: 5, sentDatagrams: 2, dropped: 0 })
})

test('a full datagram leaves at once', async () => {
  const { bundle, below, datagrams } = bench(three)
  for (const text of ['one.', 'two.', 'thre']) bundle.write(text)
  expect(below.buffered).toBe(0)
  bundle.write('four')
  expect(below.buffered).toBe(16)
  await quiet()
  expect(texts(datagrams)).toEqual(['\xb2\x04one.\x04two.\x04thre', '\xb2\x04four'])
})

test('a cork holds the last datagram over turns, and the last uncork sends it at once', async () => {
  const { bundle, below, datagrams } = bench(three)
  bundle.write('one')
  bundle.cork()
  bundle.cork()
  await quiet()
  bundle.write('two')
  bundle.uncork()
  await quiet()
  expect(datagrams).toEqual([])
  expect(bundle.buffered).toBe(9)
  bundle.uncork()
  expect(below.buffered).toBe(9)
  bundle.uncork()
  bundle.cork()
  for (const text of ['a', 'full', 'full', 'one']) bundle.write(text)
  await quiet()
  expect(texts(datagrams)).toEqual(['\xb2\x03one\x03two', '\xb2\x01a\x04full\x04full'])
  bundle.uncork()
  await quiet()
  expect(texts(datagrams).at(-1)).toBe('\xb2\x03one')
})

test('close sends what waits, corked or not; destroy does not, and counts it', async () => {
  const closed = bench(three)
  closed.bundle.cork()
  closed.bundle.write('bye')
  void closed.bundle.close()
  const destroyed = bench(three)
  destroyed.bundle.cork()
  destroyed.bundle.write('bye')
  destroyed.bundle.destroy()
  await quiet()
  expect(texts(closed.datagrams)).toEqual(['\xb2\x03bye'])
  expect(closed.bundle.stats()).toMatchObject({ sent: 1, dropped: 0 })
  expect(destroyed.datagrams).toEqual([])
  expect(destroyed.bundle.stats()).toMatchObject({ sent: 0, dropped: 1 })
  expect(() => closed.bundle.write('late')).toThrow(ClosedError)
  await expect(destroyed.bundle.send('late')).rejects.toThrow(ClosedError)
})

test('a message that no datagram holds is refused, and the largest fills one', async () => {
  const { bundle, datagrams } = bench(three)
  expect(bundle).toMatchObject({ reliable: false, maxMessageSize: 14 })
  for (const text of ['x'.repeat(15), '\u00fc'.repeat(8)]) {
    await expect(bundle.send(text)).rejects.toMatchObject({
      name: 'LimitError',
      limit: 'maxMessageSize',
      value: Buffer.byteLength(text),
    })
    expect(() => bundle.write(text)).toThrow(LimitError)
  }
  bundle.write('\u00fc'.repeat(7))
  await quiet()
  expect(datagrams.map(({ byteLength }) => byteLength)).toEqual([16])
})

test('the bytes of a message may be used again at once', async () => {
  const { bundle, datagrams } = bench({ sequence: false })
  const bytes = new Uint8Array([1, 2])
  bundle.write(bytes)
  bytes.fill(9)
  bundle.write(bytes)
  await quiet()
  expect(datagrams).toEqual([Buffer.from([0xb2, 2, 1, 2, 2, 9, 9])])
})

test.each([5, null, undefined, {}, new Uint8Array(1)])('%s is no text', (message) => {
  expect(() => bench(three).bundle.write(message as string)).toThrow(TypeError)
})

test.each([5, null, undefined, {}, 'text'])('%s is no bytes', (message) => {
  expect(() => bench().bundle.write(message as Uint8Array)).toThrow(TypeError)
})

test('a first number is a random one, and the next is one more', async () => {
  const numbers = await Promise.all(
    [bench(), bench()].map(async ({ bundle, datagrams }) => {
      bundle.write(new Uint8Array())
      bundle.uncork()
      await quiet()
      bundle.write(new Uint8Array())
      await quiet()
      const [first, second] = datagrams.map((datagram) => Buffer.from(datagram).readUInt32BE(1))
      expect(second).toBe(((first as number) + 1) >>> 0)
      return first
    }),
  )
  expect(numbers[0]).not.toBe(numbers[1])
})

test('who writes waits while the connection below is congested, and goes on when it has drained', async () => {
  const [here, there] = ends({ maxDatagramSize: 1_200 })
  const text = 'x'.repeat(1_000)
  let count = 1
  while (here.write(text)) count++
  expect(here.buffered).toBeGreaterThan(64 * 1024)
  let drained = 0
  here.handle({ onData() {}, onDrain: () => void drained++ })
  const sent = here.send(text)
  await quiet()
  expect(drained).toBe(0)
  const messages = heard(there)
  await sent
  expect(drained).toBe(1)
  expect(here.write('last')).toBe(true)
  await quiet()
  expect(messages).toHaveLength(count + 2)
})

test('an aborted signal ends waiting for room', async () => {
  const [here] = ends()
  const reason = new Error('changed my mind')
  while (here.write('x'.repeat(1_000)));
  await expect(here.drained({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('what the connection below refuses is counted and told once, until it accepts again', async () => {
  const { bundle, below, datagrams } = bench(three)
  const { told, onTrouble } = troubles()
  bundle.handle({ onData() {}, onTrouble })
  await turn()
  const { write } = below
  const full = new LimitError('Cannot send: the send queue is full', { limit: 'sendQueue', value: 1 })
  below.write = () => {
    throw full
  }
  for (const text of ['one.', 'two.', 'thre', 'four']) bundle.write(text)
  expect(told).toEqual([])
  await quiet()
  expect(told).toEqual([full])
  expect(bundle.stats()).toMatchObject({ sent: 0, dropped: 4 })
  below.write = write
  bundle.write('five')
  await quiet()
  below.write = () => {
    throw full
  }
  bundle.write('six')
  await quiet()
  expect(texts(datagrams)).toEqual(['\xb2\x04five'])
  expect(told).toEqual([full, full])
  expect(bundle.stats()).toMatchObject({ sent: 1, dropped: 5 })
  expect(bundle.state).toBe('open')
})

test.each(['text', 'binary'] as const)(
  'who writes %s on hearing of trouble in the middle of a write is not called inside it',
  async (messages) => {
    const network = new DatagramNetwork()
    const got: number[] = []
    await listen(network, { name: 'there' }, (session) => {
      bundle(session).handle({ onData: (message) => void got.push(message.byteLength) })
    })
    const below = await connect(network, { to: 'there', sendQueue: { datagrams: 2 } })
    const it = bundle(below, { messages: messages as 'text', sequence: false })
    const message = (size: number): string =>
      messages === 'text' ? 'a'.repeat(size) : (new Uint8Array(size) as unknown as string)
    let inside = false
    const told: boolean[] = []
    it.handle({
      onData() {},
      onTrouble() {
        told.push(inside)
        it.write(message(700))
      },
    })
    inside = true
    for (let count = 0; count < 6; count++) it.write(message(1_000))
    inside = false
    await until(() => got.includes(700))
    expect(told).toEqual([false])
    expect(got.filter((size) => size !== 700 && size !== 1_000)).toEqual([])
    const { sent, dropped } = it.stats()
    expect([sent, sent + dropped]).toEqual([got.length, 7])
    await below.close()
  },
)

test('a callback of the connection below may write in the middle of a write', async () => {
  const { bundle: it, below, peer, datagrams } = bench(three)
  let drained = 0
  it.handle({ onData() {}, onDrain: () => void (drained++ === 0 && it.write('again')) })
  await turn()
  const { write } = below
  below.write = (datagram) => {
    const answer = write.call(below, datagram)
    ;(it as unknown as InnerHandler<Uint8Array>).onDrain?.()
    return answer
  }
  for (const text of ['a'.repeat(14), 'b'.repeat(14)]) it.write(text)
  await until(() => datagrams.length === 3)
  expect(texts(datagrams)).toEqual([
    `\xb2\x0e${'a'.repeat(14)}`,
    '\xb2\x05again',
    `\xb2\x0e${'b'.repeat(14)}`,
  ])
  peer.destroy()
})

test('who awaits a send waits for room below when that refused a datagram, as a queue that may block', async () => {
  const { bundle: it, below } = bench(three)
  it.handle({ onData() {} })
  let refused = false
  let relieve: () => void = () => {}
  below.write = () => {
    refused = true
    throw new LimitError('Cannot send: the send queue is full', { limit: 'sendQueue', value: 1 })
  }
  below.drained = () => (refused ? new Promise((resolve) => (relieve = resolve)) : Promise.resolve())
  for (const text of ['one.', 'two.', 'thre']) await it.send(text)
  let done = false
  const fourth = it.send('four').then(() => (done = true))
  await quiet()
  expect([refused, done]).toEqual([true, false])
  relieve()
  await fourth
  it.destroy()
})

test('what the connection below drops by itself is counted; telling of it is its own', async () => {
  const { bundle, below } = bench(three)
  const { told, onTrouble } = troubles()
  bundle.handle({ onData() {}, onTrouble })
  below.write = () => false
  for (const text of ['one.', 'two.', 'thre']) expect(bundle.write(text)).toBe(true)
  expect(bundle.write('four')).toBe(false)
  await quiet()
  expect(bundle.stats()).toMatchObject({ sent: 0, sentDatagrams: 0, dropped: 4 })
  expect(told).toEqual([])
})
