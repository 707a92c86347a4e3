import { expect, test } from 'vitest'

import { bundle, type BundleConnection } from '../../src/bundle.ts'
import { troubles } from '../tools.ts'
import { bench, ends, heard, quiet, turn } from './tools.ts'

/** A datagram of texts. */
function datagram(texts: readonly string[], sequence?: number): Uint8Array {
  const head = Buffer.from([0xb3, 0, 0, 0, sequence ?? 0])
  const body = texts.map((text) => Buffer.from(`${String.fromCharCode(text.length)}${text}`, 'latin1'))
  return Buffer.concat([sequence === undefined ? Buffer.from([0xb2]) : head, ...body])
}

test('messages arrive as they were written, empty ones, too', async () => {
  const [here, there] = ends()
  const messages = heard(there)
  const texts = ['ahoy', '', '\u2693 \ud83d\ude00', 'x'.repeat(1_000), '']
  for (const text of texts) here.write(text)
  await quiet()
  expect(messages).toEqual(texts)
  expect(there.stats()).toMatchObject({ received: 5, receivedDatagrams: 1, malformed: 0, lost: 0 })
  expect(here.stats()).toMatchObject({ sent: 5, sentDatagrams: 1 })
})

test('messages of bytes are parts of their datagram, and apart from each other', async () => {
  const { bundle: it, peer } = bench()
  const messages = heard(it)
  peer.write(datagram(['ab', 'cd']))
  await quiet()
  messages[0]?.fill(0)
  expect(messages).toEqual([Buffer.from([0, 0]), Buffer.from('cd')])
  expect(messages[0]?.buffer).toBe(messages[1]?.buffer)
})

test('bytes that are no UTF-8 become replacement characters', async () => {
  const { bundle: it, peer } = bench({ messages: 'text' })
  const messages = heard(it)
  peer.write(datagram(['a\xff']))
  await quiet()
  expect(messages).toEqual(['a\ufffd'])
})

test('what is malformed is dropped whole, told once in a row, and ends nothing', async () => {
  const { bundle: it, peer } = bench({ messages: 'text' })
  const { told, onTrouble } = troubles()
  const messages: string[] = []
  it.handle({ onData: (message) => void messages.push(message), onTrouble })
  for (const bad of ['', 'GET /', '\xb2\x01a\x05b', '\xb3\x00\x00', '\xb1\x00']) {
    peer.write(Buffer.from(bad, 'latin1'))
  }
  await quiet()
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({
    name: 'ProtocolError',
    message: 'Cannot read datagram: this is no bundle of version 1',
    side: 'remote',
    peer: it.remoteAddress,
  })
  peer.write(datagram(['good']))
  peer.write(Buffer.from('\xb2\x80', 'latin1'))
  await quiet()
  expect(told[1]?.message).toBe('Cannot read datagram: a message has no valid length')
  expect(messages).toEqual(['good'])
  expect(it.stats()).toMatchObject({ malformed: 6, received: 1, receivedDatagrams: 1 })
  expect(it.state).toBe('open')
})

test('a datagram with a number is heard once, one without as often as it comes', async () => {
  for (const sequence of [true, false]) {
    const { bundle: it, peer } = bench({ messages: 'text', sequence })
    const messages = heard(it)
    for (const one of [datagram(['a', 'b'], 1), datagram(['c'], 3), datagram(['a', 'b'], 1)]) peer.write(one)
    for (let times = 0; times < 2; times++) peer.write(datagram(['d']))
    await quiet()
    expect(messages).toEqual(['a', 'b', 'c', 'd', 'd'])
    expect(it.stats()).toMatchObject({ received: 5, receivedDatagrams: 5, lost: 1, duplicated: 1 })
  }
})

test('a pause in the middle of a datagram keeps the rest, and holds back the next', async () => {
  const { bundle: it, below, peer } = bench({ messages: 'text' })
  const messages: string[] = []
  it.handle({
    onData(message) {
      messages.push(message)
      if (messages.length === 2) it.pause()
    },
  })
  peer.write(datagram(['a', 'b', 'c']))
  await turn()
  peer.write(datagram(['d']))
  await quiet()
  expect(messages).toEqual(['a', 'b'])
  expect(peer.buffered).toBe(2 + 1)
  it.resume()
  await quiet()
  expect(messages).toEqual(['a', 'b', 'c', 'd'])
  expect(below.state).toBe('open')
})

test('a handler that takes over in the middle of a datagram has the rest of it', async () => {
  const { bundle: it, peer } = bench({ messages: 'text' })
  const [first, second]: string[][] = [[], []]
  it.handle({
    onData(message) {
      first?.push(message)
      it.handle({ onData: (next) => void second?.push(next) })
    },
  })
  peer.write(datagram(['a', 'b', 'c']))
  await quiet()
  expect([first, second]).toEqual([['a'], ['b', 'c']])
})

test('a destroy in the middle of a datagram is the end of it', async () => {
  const { bundle: it, peer } = bench({ messages: 'text' })
  const told: string[] = []
  it.handle({
    onData(message) {
      told.push(message)
      it.destroy()
    },
    onClose: ({ kind }) => void told.push(kind),
  })
  peer.write(datagram(['a', 'b', 'c']))
  await quiet()
  expect(told).toEqual(['a', 'local'])
})

test('iteration reads message by message, and keeps what was not read', async () => {
  const { bundle: it, peer } = bench({ messages: 'text' })
  peer.write(datagram(['a', 'b', 'c']))
  for await (const message of it) {
    expect(message).toBe('a')
    break
  }
  const messages = heard(it)
  await quiet()
  expect(messages).toEqual(['b', 'c'])
})

test('over a connection that ends, the end comes behind the last message, and is answered', async () => {
  const [here, there] = ends()
  const read = async (connection: BundleConnection<string>): Promise<string[]> => {
    const messages: string[] = []
    for await (const message of connection) messages.push(message)
    return messages
  }
  const reading = read(there)
  here.write('a')
  here.write('b')
  const closing = here.close()
  expect(await reading).toEqual(['a', 'b'])
  await there.close()
  await closing
  expect(await here.closed).toEqual({ kind: 'local' })
})

test('a handler without an opinion on the end answers it, and sends what it wrote before', async () => {
  const { bundle: it, peer } = bench({ messages: 'text', sequence: false })
  it.handle({ onData: (message) => void it.write(message) })
  peer.write(datagram(['ahoy']))
  await peer.close()
  expect(await it.closed).toEqual({ kind: 'remote' })
  expect(it.stats()).toMatchObject({ sent: 1, dropped: 0 })
})

test('whoever reads the connection below from now on has its datagrams', async () => {
  const { bundle: it, below, peer } = bench({ messages: 'text' })
  const messages = heard(it)
  await quiet()
  const datagrams = heard(below)
  peer.write(datagram(['a']))
  await quiet()
  expect(datagrams).toHaveLength(1)
  expect(messages).toEqual([])
})

test.each([
  [{ messages: 'json' }, TypeError, /Invalid option messages/],
  [{ sequence: 1 }, TypeError, /Invalid option sequence/],
  [{ maxDatagramSize: 6 }, RangeError, /Invalid option maxDatagramSize: 6 is not an integer from 7/],
  [{ maxDatagramSize: 2, sequence: false }, RangeError, /from 3/],
  [{ maxDatagramSize: 65_528 }, RangeError, /to 65527/],
  [{ maxDatagramSize: 99.5 }, RangeError, /Invalid option maxDatagramSize/],
  [{ maxDatagramSize: '99' }, RangeError, /Invalid option maxDatagramSize/],
  [null, TypeError, /Invalid options of bundle/],
])('the options %j are refused', (options, kind, message) => {
  const { below } = bench()
  expect(() => bundle(below, options as object)).toThrow(kind)
  expect(() => bundle(below, options as object)).toThrow(message)
})

test('a datagram is no larger than the connection below takes', () => {
  const { below } = bench()
  const small = Object.assign(below, { maxMessageSize: 100 })
  expect(bundle(small).maxMessageSize).toBe(94)
  expect(bundle(small, { maxDatagramSize: 50, sequence: false }).maxMessageSize).toBe(48)
  expect(() => bundle(small, { maxDatagramSize: 101 })).toThrow(/from 7 to 100/)
})
