import type { Accept } from '@fairlead/core'
import { channels } from '@fairlead/core/transport'
import * as udp from '@fairlead/udp'
import { expect, test, vi } from 'vitest'

import { openBound } from '../../src/opening/open-bound.ts'
import type { SessionOptions } from '../../src/options.ts'
import { SessionListener } from '../../src/session/listener.ts'
import type { Session } from '../../src/session/session.ts'
import { Counters } from '../../src/stats.ts'
import { bare, next, until } from '../tools.ts'

type ByteSession = Session<Uint8Array, udp.IpAddress>

/** A listener that is given its datagrams by hand. */
async function listenerOf(options: SessionOptions = {}, accept?: Accept<ByteSession, Uint8Array>) {
  const counters = new Counters()
  const opened = await openBound({}, counters)
  return new SessionListener<Uint8Array, udp.IpAddress>(options, opened, counters, accept)
}

const from = (address: string, port = 4_000) => ({ address, port, family: 'IPv4' }) as const
const host = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
const bytes = (size: number): Uint8Array => new Uint8Array(size)

test(
  '100,000 distinct senders stay inside the limit, in bounded memory, and push out no validated peer',
  { timeout: 30_000 },
  async () => {
    await using listener = await listenerOf({ maxSessions: 1_000 }, () => ({ onData() {} }))
    for (let port = 1; port <= 10; port++) listener.receive(bytes(1), from('192.0.2.1', port))
    const living = [...listener.connections]
    for (const session of living) session.validate()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 100_000; index++) {
      listener.receive(bytes(1), from(host(index)))
      // As between two datagrams of a real socket.
      if (index % 32 === 0) await Promise.resolve()
      if (index % 4_096 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024)
    expect(listener.connections.size).toBe(1_000)
    expect(living.map(({ state }) => state)).toEqual(Array.from({ length: 10 }, () => 'open'))
    expect(listener.stats()).toMatchObject({ received: 100_010, evicted: 99_010, rejected: 0 })
  },
)

test('who has to make room hears why: an error for whoever reads', async () => {
  await using listener = await listenerOf({ maxSessions: 1 })
  listener.receive(bytes(1), from('10.0.0.1'))
  const first = await next(listener)
  const reading = (async () => {
    for await (const _ of first);
  })()
  listener.receive(bytes(1), from('10.0.0.2'))
  await expect(reading).rejects.toMatchObject({ name: 'LimitError', limit: 'maxSessions', value: 2 })
  expect(await first.closed).toMatchObject({
    kind: 'error',
    error: { message: 'Session ended: another needed its place' },
  })
  expect((await next(listener)).remoteAddress.host).toBe('10.0.0.2')
})

test('one address has its share, and a newcomer whom nobody may make room for is refused', async () => {
  const refused: unknown[] = []
  const note = (message: unknown): void => void refused.push(message)
  channels.refuse.subscribe(note)
  try {
    const limits = { maxSessionsPerAddress: 2, maxSessions: 3 }
    await using listener = await listenerOf(limits, (session) => {
      session.validate()
      return { onData() {} }
    })
    for (let port = 1; port <= 4; port++) listener.receive(bytes(1), from('10.0.0.1', port))
    for (let index = 2; index <= 4; index++) listener.receive(bytes(1), from(host(index)))
    await listener.suspend()
    listener.receive(bytes(1), from('10.0.0.9'))
    expect(listener.connections.size).toBe(3)
    expect(listener.stats()).toMatchObject({ rejected: 5, evicted: 0 })
    const peer = (host: string, port = 4_000) => ({ kind: 'ip', family: 4, host, port })
    expect(refused).toEqual([
      { listener, peer: peer('10.0.0.1', 3), cause: 'maxSessionsPerAddress' },
      { listener, peer: peer('10.0.0.1', 4), cause: 'maxSessionsPerAddress' },
      { listener, peer: peer('10.0.0.3'), cause: 'maxSessions' },
      { listener, peer: peer('10.0.0.4'), cause: 'maxSessions' },
      { listener, peer: peer('10.0.0.9'), cause: 'suspended' },
    ])
  } finally {
    channels.refuse.unsubscribe(note)
  }
})

test('a newcomer for whom the backlog has no place is refused, too', async () => {
  const causes: string[] = []
  const note = ({ cause }: { cause: string }): void => void causes.push(cause)
  channels.refuse.subscribe(note)
  try {
    await using listener = await listenerOf()
    for (let index = 0; index < 130; index++) listener.receive(bytes(1), from(host(index)))
    expect(causes).toEqual(['backlog', 'backlog'])
    expect(listener.stats().rejected).toBe(2)
    expect(listener.connections.size).toBe(128)
  } finally {
    channels.refuse.unsubscribe(note)
  }
})

test('listening, and what passed, is told to whoever wants to know', async () => {
  const told: unknown[] = []
  const onListen = ({ listener }: { listener: unknown }): void => void told.push(listener)
  const onClose = ({ bytesIn, bytesOut }: { bytesIn?: number; bytesOut?: number }): void =>
    void told.push([bytesIn, bytesOut])
  channels.listen.subscribe(onListen)
  channels.close.subscribe(onClose)
  try {
    const listener = await listenerOf({})
    await listener.suspend()
    await listener.resume()
    listener.receive(bytes(5), from('127.0.0.1', 9))
    const session = await next(listener)
    session.write(bytes(7))
    await listener.close()
    expect(told).toEqual([listener, listener, [5, 7]])
  } finally {
    channels.listen.unsubscribe(onListen)
    channels.close.unsubscribe(onClose)
  }
})

test('to a peer that is not validated goes three times what came, to the byte', async () => {
  await using listener = await udp.listen()
  await using peer = await bare()
  const say = (size: number): void => peer.send(bytes(size), listener.address.port, '127.0.0.1')
  say(10)
  const session = await next(listener)
  expect(session.validated).toBe(false)
  session.write(bytes(20))
  const refused = { name: 'LimitError', limit: 'maxAmplification', value: 31, retryable: true }
  await expect(session.send(bytes(11))).rejects.toMatchObject(refused)
  expect(() => session.write(bytes(11))).toThrow(
    'Cannot send: 31 bytes in all to a peer that is not validated are more than 3 times the 10 that came',
  )
  session.write(bytes(10))
  session.write(bytes(0))
  expect(() => session.write(bytes(1))).toThrow('31 bytes')
  say(1)
  await until(() => listener.stats().received === 2)
  session.write(bytes(3))
  expect(() => session.write(bytes(1))).toThrow('34 bytes')
  expect(listener.stats()).toMatchObject({ withheld: 4 })
  expect(session.state).toBe('open')

  session.validate()
  session.validate()
  expect(session.validated).toBe(true)
  await session.send(bytes(1_200))
  await until(() => listener.stats().sent === 5)
  expect(listener.stats()).toMatchObject({ sentBytes: 1_233, withheld: 4 })
})

test('the factor can be another one, and lifted', async () => {
  for (const [maxAmplification, most] of [
    [1.5, 15],
    [Infinity, 1_200],
  ] as const) {
    await using listener = await listenerOf({ maxAmplification, maxUnvalidatedDatagrams: 1 })
    listener.receive(bytes(10), from('127.0.0.1', 9))
    const session = await next(listener)
    session.write(bytes(most))
    if (maxAmplification === Infinity) session.write(bytes(most))
    else expect(() => session.write(bytes(1))).toThrow('are more than 1.5 times')
  }
})

test('empty datagrams cost nothing in bytes, and are counted', async () => {
  await using listener = await listenerOf({ maxUnvalidatedDatagrams: 3 })
  listener.receive(bytes(0), from('127.0.0.1', 9))
  const session = await next(listener)
  for (let index = 0; index < 3; index++) session.write(bytes(0))
  expect(() => session.write(bytes(0))).toThrow(
    'Cannot send: 4 datagrams to a peer that is not validated are too many',
  )
  await expect(session.send(bytes(0))).rejects.toMatchObject({
    limit: 'maxUnvalidatedDatagrams',
    value: 4,
    retryable: false,
  })
  session.validate()
  session.write(bytes(0))
})

const echoes: Record<string, Accept<udp.UdpSession<Uint8Array>, Uint8Array>> = {
  handle: (session) => ({ onData: (data) => void session.write(data) }),
  iterate: async (session) => {
    for await (const data of session) await session.send(data)
  },
}

test.each(Object.entries(echoes))(
  'two echo listeners that are set on each other come to an end: they %s',
  async (_, echo) => {
    const options = { maxUnvalidatedDatagrams: 50 }
    await using one = await udp.listen(options, echo)
    await using other = await listenerOf(options, echo)
    // As if `one` had said it.
    for (let index = 0; index < 3; index++) other.receive(bytes(10), from('127.0.0.1', one.address.port))
    let before = -1
    const total = (): number => one.stats().sent + other.stats().sent
    while (total() > before) {
      before = total()
      for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
    }
    // Each of the three may go round until one side has had its share, and no further.
    expect(total()).toBeGreaterThanOrEqual(50)
    expect(total()).toBeLessThanOrEqual(3 * 2 * 50)
    expect(one.stats().withheld + other.stats().withheld).toBeGreaterThanOrEqual(1)
  },
)

test('two who answer each datagram with two come to an end, too', async () => {
  const options = { maxUnvalidatedDatagrams: 50 }
  const twice: Accept<udp.UdpSession<Uint8Array>, Uint8Array> = (session) => ({
    onData(data) {
      session.write(data)
      session.write(data)
    },
  })
  await using one = await udp.listen(options, twice)
  await using other = await listenerOf(options, twice)
  other.receive(bytes(10), from('127.0.0.1', one.address.port))
  await until(() => one.stats().sent + other.stats().sent === 100)
  for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
  expect(one.stats().sent + other.stats().sent).toBe(100)
  expect([one.connections.size, other.connections.size]).toEqual([0, 0])
})

test('who has had his share gets no other one by beginning anew, but after he was silent', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const accepted: ByteSession[] = []
    await using listener = await listenerOf({ maxUnvalidatedDatagrams: 2, idleTimeout: 40 }, (session) => {
      accepted.push(session)
      return { onData: (data) => void session.write(data) }
    })
    for (let index = 0; index < 10; index++) {
      listener.receive(bytes(1), from('127.0.0.1', 9))
      await Promise.resolve()
    }
    expect(listener.stats()).toMatchObject({ withheld: 1 })
    expect([accepted.length, listener.connections.size]).toEqual([1, 0])
    // Too late for the one that is closed.
    accepted[0]?.validate()
    listener.receive(bytes(1), from('127.0.0.1', 9))
    listener.receive(bytes(1), from('127.0.0.1', 10))
    expect(accepted.length).toBe(2)
    vi.advanceTimersByTime(60)
    listener.receive(bytes(1), from('127.0.0.1', 9))
    expect(accepted.length).toBe(3)
    expect(listener.stats()).toMatchObject({ expired: 1, evicted: 0, rejected: 8 })
  } finally {
    vi.useRealTimers()
  }
})

test('a listener that is made to speak to itself comes to an end, too', async () => {
  await using listener = await listenerOf({ maxUnvalidatedDatagrams: 50 }, (session) => ({
    onData: (data) => void session.write(data),
  }))
  listener.receive(bytes(10), from('127.0.0.1', listener.address.port))
  await until(() => listener.stats().withheld === 1)
  expect(listener.stats()).toMatchObject({ sent: 50, received: 51 })
})

/** Servers that end each session when they have answered. */
const oneShots: Record<string, Accept<udp.UdpSession<Uint8Array>, Uint8Array>> = {
  close: (session) => ({
    onData(data) {
      session.write(data)
      void session.close()
    },
  }),
  destroy: (session) => ({
    onData(data) {
      session.write(data)
      session.destroy()
    },
  }),
  return: async (session) => {
    for await (const data of session) {
      await session.send(data)
      return
    }
  },
}

test.each(Object.entries(oneShots))(
  'what was sent to a peer counts for its next session, too, and for that after it: they %s',
  async (_, serve) => {
    await using listener = await listenerOf({ maxUnvalidatedDatagrams: 5 }, serve)
    for (let index = 0; index < 20; index++) {
      listener.receive(bytes(1), from('127.0.0.1', 9))
      await until(() => listener.connections.size === 0)
      await until(() => listener.stats().sent === Math.min(index + 1, 5))
    }
    expect(listener.stats()).toMatchObject({ sent: 5, rejected: 15, withheld: 0 })
  },
)

test('what is remembered of a peer is forgotten when nothing came from there for the idle time', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    let sessions = 0
    await using listener = await listenerOf({ maxUnvalidatedDatagrams: 2, idleTimeout: 40 }, (session) => {
      sessions++
      session.write(bytes(1))
      session.destroy()
    })
    const come = (): void => listener.receive(bytes(1), from('127.0.0.1', 9))
    for (let index = 0; index < 10; index++) {
      come()
      vi.advanceTimersByTime(20)
    }
    expect(sessions).toBe(2)
    vi.advanceTimersByTime(60)
    come()
    expect(sessions).toBe(3)
    // Nobody was there to be timed out, or to be told.
    expect(listener.stats()).toMatchObject({ expired: 0, rejected: 8 })
  } finally {
    vi.useRealTimers()
  }
})

test('who is known to be where he says has nothing remembered of him', async () => {
  let sessions = 0
  await using listener = await listenerOf({ maxUnvalidatedDatagrams: 1 }, (session) => {
    sessions++
    session.validate()
    session.write(bytes(100))
    session.destroy()
  })
  for (let index = 0; index < 10; index++) listener.receive(bytes(1), from('127.0.0.1', 9))
  expect(sessions).toBe(10)
})

test('forged neighbours of a peer that had its share do not win it another', async () => {
  const limits = { maxUnvalidatedDatagrams: 3, maxSessionsPerAddress: 4 }
  let sent = 0
  await using listener = await listenerOf(limits, (session) => ({
    onData() {
      session.write(bytes(1))
      if (session.remoteAddress.port === 9) sent++
    },
  }))
  for (let round = 0; round < 10; round++) {
    for (let index = 0; index < 5; index++) listener.receive(bytes(1), from('127.0.0.1', 9))
    await new Promise((resolve) => setImmediate(resolve))
    for (let port = 10; port < 20; port++) listener.receive(bytes(1), from('127.0.0.1', port))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(sent).toBe(3)
})

test('sessions that are gone leave the backlog to those who come', async () => {
  await using listener = await listenerOf({ idleTimeout: 40 })
  for (let index = 0; index < 128; index++) listener.receive(bytes(1), from(host(index)))
  await until(() => listener.stats().expired === 128)
  listener.receive(bytes(1), from('192.0.2.1'))
  expect(listener.stats().rejected).toBe(0)
  const session = await next(listener)
  expect(session).toMatchObject({ state: 'open', remoteAddress: { host: '192.0.2.1' } })
})

test('nobody has to make room for a newcomer whom the backlog has no place for', async () => {
  await using listener = await listenerOf({ maxSessions: 128 })
  for (let index = 0; index < 129; index++) listener.receive(bytes(1), from(host(index)))
  expect(listener.stats()).toMatchObject({ evicted: 0, rejected: 1 })
})

test('whatever of a session throws or rejects is counted, and told as the last trouble', async () => {
  const failing: Accept<udp.UdpSession<Uint8Array>, Uint8Array>[] = [
    () => {
      throw new Error('number 1')
    },
    () => Promise.reject(new Error('number 2')),
    () => ({
      onData() {
        throw new Error('number 3')
      },
    }),
    () => ({ onData: () => Promise.reject(new Error('number 4')) }),
    (session) => {
      queueMicrotask(() => session.destroy())
      return {
        onData() {},
        onClose() {
          throw new Error('number 5')
        },
      }
    },
  ]
  let count = 0
  await using listener = await listenerOf({}, (session) => failing[count++]?.(session))
  for (const index of failing.keys()) {
    listener.receive(bytes(1), from(host(index)))
    await until(() => listener.stats().handlerErrors === index + 1)
    expect(listener.stats().lastError?.message).toMatch(`number ${index + 1}`)
  }
})

test('a connection counts what its handler throws, too', async () => {
  await using listener = await udp.listen({}, echoes['handle'])
  await using peer = await udp.connect({ port: listener.address.port })
  peer.handle({
    onData() {
      throw new Error('the handler throws')
    },
  })
  await peer.send(bytes(1))
  await peer.closed
  expect(peer.stats()).toMatchObject({ handlerErrors: 1 })
  expect(peer.stats().lastError?.message).toMatch('the handler throws')
})

test('every datagram that came is found again in the counters', async () => {
  let delivered = 0
  const receiveQueue = { datagrams: 4 }
  const options = { maxSessions: 4, maxSessionsPerAddress: 3, maxUnvalidatedDatagrams: 2, receiveQueue }
  await using listener = await listenerOf({ ...options, idleTimeout: 40 }, (session) => {
    const { port } = session.remoteAddress
    if (port === 1) return { onData: () => void delivered++ }
    // Never reads, and is closed in the end with what waits for it.
    if (port === 2) return
    // Closes while what was written is under way, and more comes.
    if (port === 3) {
      session.validate()
      session.write(bytes(1))
      return void session.close()
    }
    return {
      onData(data) {
        delivered++
        session.write(data)
        if (port === 4) session.destroy()
      },
    }
  })
  for (let round = 0; round < 8; round++) {
    for (const port of [1, 2, 3, 4, 5]) {
      for (let times = 0; times < 3; times++) listener.receive(bytes(1), from(host(port % 3), port))
      await Promise.resolve()
    }
    if (round % 3 === 2) await new Promise((resolve) => setImmediate(resolve))
  }
  await listener.suspend()
  listener.receive(bytes(1), from('192.0.2.1'))
  listener.receive(bytes(1), from('192.0.2.1', 0))
  await until(() => listener.connections.size === 0)
  const { received, receiveDropped, rejected, filtered } = listener.stats()
  for (const count of [delivered, receiveDropped, rejected]) expect(count).toBeGreaterThan(0)
  expect(received).toBe(delivered + receiveDropped + rejected)
  expect([received, filtered]).toEqual([121, 1])
})

test('of IPv6, a network of 64 bits counts as one address; but not of link-local ones, or those of IPv4', async () => {
  const limits = { maxSessionsPerAddress: 2 }
  await using listener = await listenerOf(limits, () => ({ onData() {} }))
  const from6 = (address: string) => ({ address, port: 4_000, family: 'IPv6' }) as const
  const comes = (...addresses: string[]): number => {
    const { evicted } = listener.stats()
    for (const address of addresses) listener.receive(bytes(1), from6(address))
    return listener.stats().evicted - evicted
  }
  expect(comes('2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:1::1', '2001:db8:0:1:1::')).toBe(0)
  expect(comes('2001:db8::1:2:3:4')).toBe(1)
  expect(comes('2001:db8:0:1::5')).toBe(1)
  expect(comes('fe80::1%eth0', 'fe80::2%eth0', 'fe80::3%eth0')).toBe(0)
  expect(comes('::ffff:192.0.2.1', '::ffff:192.0.2.2', '::ffff:192.0.2.3')).toBe(0)
})
