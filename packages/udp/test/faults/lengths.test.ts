import { messagePair } from '@fairlead/core/memory'
import * as udp from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'
import { requests } from '@fairlead/udp/request'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { ServiceDiscovery } from '../../src/discovery/discovery.ts'
import { decode, encode } from '../../src/discovery/message.ts'
import { decodeMessage, encodeMessage, isOurs } from '../../src/request/message.ts'
import { readFrame, writeFrame } from '../../src/validation/frames.ts'
import { Air, announceOf } from '../discovery/tools.ts'
import { until } from '../tools.ts'
import { noneIsLeftToTheProcess } from './harness.ts'

noneIsLeftToTheProcess()

const id = 'abcdefghijkl'
const nonce = 'n'.repeat(16)

const frames: readonly Uint8Array[] = [
  writeFrame('hello', nonce),
  writeFrame('retry', nonce, Buffer.alloc(17, 1)),
  writeFrame('answer', nonce, Buffer.alloc(17, 1)),
  writeFrame('welcome', nonce),
  writeFrame('refuse', nonce),
  writeFrame('stale'),
]

/** Valid datagrams of everything that this package says over the wire. */
const valid: readonly Uint8Array[] = [
  Buffer.from([0xb2, 2, 1, 2, 0, 1, 9]),
  Buffer.from([0xb3, 0, 0, 0, 7, 2, 1, 2, 0, 1, 9]),
  encodeMessage('request', id, Buffer.from('question'), 100),
  encodeMessage('answer', id, Buffer.from('answer')),
  encodeMessage('failure', id, Uint8Array.of(1)),
  encode(announceOf({ data: { colour: 'red', size: 'large' } })),
  encode({ kind: 'query', type: 'chat' }),
  ...frames,
]

/** Every length field of one, two and four bytes lies, wherever it stands; every truncation; some more behind. */
function* liesOf(datagram: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at <= datagram.length; at++) yield datagram.subarray(0, at)
  for (let at = 0; at < datagram.length; at++) {
    for (const lie of [
      [0],
      [1],
      [0x7f],
      [0x80],
      [0xff],
      [0x80, 0x80, 0x80, 0x80],
      [0xff, 0xff, 0xff, 0xff],
      [0x80, 0, 0, 0],
      [0xff, 0xff],
    ]) {
      const copy = Uint8Array.from(datagram)
      copy.set(lie.slice(0, copy.length - at), at)
      yield copy
    }
  }
  yield Buffer.concat([datagram, Buffer.alloc(1_000, 0xff)])
  yield Buffer.concat([datagram, datagram])
}

const lies = valid.flatMap((datagram) => [...liesOf(datagram)])

/** Anything, and valid datagrams of which anything was changed. */
const junk = fc.oneof(
  fc.uint8Array({ maxLength: 1_300 }),
  fc
    .tuple(
      fc.constantFrom(...valid),
      fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 8 }),
      fc.nat(120),
    )
    .map(([datagram, changes, end]) => {
      const copy = Uint8Array.from(datagram.subarray(0, Math.max(1, end)))
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value
      return copy
    }),
)

test('17 a bundle: each lie is a bundle that is whole, or malformed and counted', async () => {
  const [below, peer] = messagePair<Uint8Array>()
  const bundled = bundle(below)
  let heard = 0
  bundled.handle({ onData: () => void heard++ })
  const samples = [...lies, ...fc.sample(junk, 1_000)]
  for (const [at, datagram] of samples.entries()) {
    peer.write(datagram)
    if (at % 100 === 0) await peer.drained()
  }
  await until(() => {
    const { receivedDatagrams, malformed } = bundled.stats()
    return receivedDatagrams + malformed === samples.length
  })
  const { received, receivedDatagrams, malformed } = bundled.stats()
  expect(heard).toBe(received)
  expect(malformed).toBeGreaterThan(0)
  expect(receivedDatagrams).toBeGreaterThan(0)
  // Sequence numbers that lie make no memory: the window is what it is.
  expect(bundled.state).toBe('open')
  bundled.destroy()
})

test('17 requests: each lie is a request, an answer nobody waits for, malformed or stray', async () => {
  await using server = requests(await udp.bind(), { answer: (question) => question })
  await using peer = await udp.bind()
  const samples = [...lies, ...fc.sample(junk, 1_000)]
  let at = 0
  for (const datagram of samples) {
    await peer.send(datagram, server.address)
    const { received, malformed, stray, duplicates } = server.stats()
    if (++at % 100 === 0) await until(() => sum(server.stats()) === at)
    expect(received + malformed + stray + duplicates).toBeLessThanOrEqual(at)
  }
  await until(() => sum(server.stats()) === samples.length)
  const { received, executed, repeated, inProgress, refused, running } = server.stats()
  expect(received).toBe(executed + repeated + inProgress + refused)
  expect(running).toBe(0)
  expect(server.state).toBe('open')
})

function sum({
  received,
  malformed,
  stray,
  duplicates,
  filtered,
}: ReturnType<ReturnType<typeof requests>['stats']>) {
  return received + malformed + stray + duplicates + filtered
}

test('17 discovery: each lie is a message or malformed, and counted', async () => {
  const air = new Air()
  const discovery = new ServiceDiscovery(await air.medium('10.0.0.1'), {
    type: '',
    except: undefined,
    maxPeers: 256,
    maxPeersPerAddress: 32,
  })
  const stranger = await air.network.bind('10.0.0.2 x')
  const samples = [...lies, ...fc.sample(junk, 1_000)]
  const own = discovery.stats().received
  const before = discovery.stats().malformed
  for (const [at, datagram] of samples.entries()) {
    stranger.write(datagram, '10.0.0.1 0')
    if (at % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => discovery.stats().received - own >= samples.length)
  expect(discovery.stats().malformed - before).toBe(samples.filter((it) => decode(it) === undefined).length)
  expect(discovery.peers.size).toBeLessThanOrEqual(32)
  await discovery.close()
})

test('17 validation: a listener that speaks it answers no lie with more than it got, and keeps nobody for it', async () => {
  await using listener = await udp.listen({ validation: 'cookie' })
  await using peer = await udp.bind()
  let answered = 0
  peer.handle({ onDatagram: (data) => void (answered += data.byteLength) })
  const samples = [...frames.flatMap((datagram) => [...liesOf(datagram)]), ...fc.sample(junk, 200)]
  for (const [at, datagram] of samples.entries()) {
    const before = answered
    await peer.send(datagram, listener.address)
    await until(() => listener.stats().received === at + 1 && listener.stats().sent === peer.stats().received)
    expect(answered - before).toBeLessThanOrEqual(datagram.byteLength)
  }
  expect(listener.connections.size).toBe(0)
  // What was made from a cookie of ones is worth nothing.
  expect(listener.stats().badCookies).toBeGreaterThan(0)
})

test('17 validation: a client takes no lie for a welcome, and gives what is not for it to the application', async () => {
  await using server = await udp.listen({ validation: 'cookie' })
  await using client = await udp.connect({ port: server.address.port, validation: 'cookie' })
  const { value: session } = await server[Symbol.asyncIterator]().next()
  const heard: Uint8Array[] = []
  client.handle({ onData: (data) => void heard.push(data) })
  const samples = lies.filter(({ byteLength }) => byteLength <= 1_200)
  let expected = 0
  for (const [at, datagram] of samples.entries()) {
    await session?.send(datagram)
    if (readFrame(datagram)?.type !== 'stale') expected++
    // No more at a time than any receive buffer takes.
    if (at % 50 === 0) await until(() => heard.length === expected)
  }
  await until(() => heard.length === expected)
  expect(client.state).toBe('open')
})

test('17 readers of datagrams allocate nothing by a length that lies, and never throw', () => {
  fc.assert(
    fc.property(junk, (datagram) => {
      const messages = [
        decode(datagram),
        isOurs(datagram) ? decodeMessage(datagram) : undefined,
        readFrame(datagram),
      ]
      const message = messages[1] as { data: Uint8Array } | undefined
      if (message) expect(message.data.byteLength).toBeLessThanOrEqual(datagram.byteLength)
    }),
    { numRuns: 3_000 },
  )
  for (const datagram of lies) {
    decode(datagram)
    readFrame(datagram)
    if (isOurs(datagram)) decodeMessage(datagram)
  }
})
