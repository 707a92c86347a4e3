import * as udp from '@fairlead/udp'
import { requests } from '@fairlead/udp/request'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { addressFrom } from '../../src/address/datagram.ts'
import { Wire } from '../../src/address/wire.ts'
import { decode, encode } from '../../src/discovery/message.ts'
import { PeerTable } from '../../src/discovery/peer-table.ts'
import { encodeMessage } from '../../src/request/message.ts'
import { Seat } from '../../src/session/seat.ts'
import { SessionTable } from '../../src/session/table.ts'
import { announceOf, idOf } from '../discovery/tools.ts'
import { until } from '../tools.ts'
import { noneIsLeftToTheProcess, stuckSocket, trouble } from './harness.ts'

noneIsLeftToTheProcess()

const nasty = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
]

describe('16 names that are those of JavaScript itself', () => {
  test.each(nasty)(
    '%s as a host: it is looked for like any other, once, and only its answer counts',
    async (name) => {
      const asked: string[] = []
      await using other = await udp.bind()
      const { port } = other.address
      const lookup = async (host: string): Promise<string[]> => {
        asked.push(host)
        return ['127.0.0.1']
      }
      await using socket = await udp.bind({ lookup })
      for (const _ of 'abc') await socket.send('x', { host: name, port })
      await until(() => other.stats().received === 3)
      await socket.send('x', { host: name, port })
      await until(() => other.stats().received === 4)
      expect(asked).toEqual([name])
      await using peer = await udp.connect({ host: name, port, lookup })
      expect(peer.remoteAddress.host).toBe('127.0.0.1')
      const sloppy = Object.assign(Object.create({ host: '127.0.0.1' }) as object, {
        port,
      }) as udp.Destination
      await socket.send('x', sloppy)
      await until(() => other.stats().received === 5)
    },
  )

  test('as type, name, key and value of a discovery: read as they were written', () => {
    for (const name of nasty) {
      const data = Object.assign(Object.create(null) as object, { [name]: name }) as Record<string, string>
      const message = decode(encode(announceOf({ type: name, name, data })))
      if (message?.kind !== 'announce') throw new Error('not read')
      expect(Object.entries(message.service.data)).toEqual([[name, name]])
      expect(Object.getPrototypeOf(message.service.data)).toBeNull()
      const events: string[] = []
      const table = new PeerTable({ maxPeers: 9, maxPeersPerAddress: 9 }, ({ kind }) => events.push(kind))
      table.hear(message, { kind: 'ip', family: 4, host: '127.0.0.1', port: 1 }, 0)
      expect(events).toEqual(['found'])
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted')
  })

  test('as identifiers of requests, and as what is asked: each is executed once', async () => {
    const asked: string[] = []
    await using server = requests(await udp.bind(), {
      messages: 'text',
      answer: (question) => {
        asked.push(question)
        return question
      },
    })
    await using peer = await udp.bind()
    for (const name of nasty) {
      for (const _ of 'ab') {
        peer.write(
          encodeMessage('request', name.padEnd(12).slice(0, 12), Buffer.from(name), 400),
          server.address,
        )
        await until(() => asked.includes(name))
      }
    }
    await until(() => server.stats().received === nasty.length * 2)
    expect(asked).toEqual(nasty)
    expect(server.stats()).toMatchObject({ executed: nasty.length, failed: 0 })
  })

  test('options that inherit, or are named so, are no surprise', async () => {
    const options = JSON.parse('{"__proto__": {"port": 1}, "constructor": 5}') as udp.BindOptions
    await using socket = await udp.bind(options)
    expect(socket.address.port).not.toBe(1)
  })
})

describe('16 keys that collide', () => {
  test('50,000 senders on one port, and 50,000 of one address: linear', () => {
    const clock = { now: 0, idleAfter: 4 }
    const spans: number[] = []
    for (const count of [5_000, 50_000]) {
      const limits = { maxSessions: 1e9, maxSessionsPerAddress: 64, maxUnvalidatedDatagrams: 1_000 }
      const table = new SessionTable<string>(limits, clock)
      const enter = (host: string, port: number): void => table.enter(new Seat(host, port), 'session', false)
      const since = performance.now()
      for (let at = 0; at < count; at++) {
        const host = `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`
        if (table.pressure(host)) throw new Error('one to each address is no pressure')
        enter(host, 7_000)
      }
      // One address: never more than it may have are kept.
      for (let at = 0; at < count; at++) {
        const victim = table.pressure('10.255.0.1')?.victim
        if (victim) table.delete(victim)
        enter('10.255.0.1', 1 + (at % 65_535))
      }
      spans.push(performance.now() - since)
      expect(table.size).toBe(count + 64)
    }
    const [few = 0, many = 0] = spans
    // Ten times as many; quadratic would be a hundred times as long.
    expect(many / few).toBeLessThan(40)
  })

  test('announcements of one id from everywhere, and of many ids from one address, stay few', () => {
    const table = new PeerTable({ maxPeers: 256, maxPeersPerAddress: 32 }, () => {})
    for (let at = 0; at < 20_000; at++) {
      const host = `10.1.${(at >> 8) & 255}.${at & 255}`
      table.hear(announceOf({}, { id: idOf(1) }), { kind: 'ip', family: 4, host, port: 1 }, at)
      table.hear(announceOf({}, { id: idOf(at) }), { kind: 'ip', family: 4, host: '10.2.0.1', port: 1 }, at)
    }
    expect(table.peers.size).toBeLessThanOrEqual(33)
    expect(table.refused).toBeGreaterThan(39_000)
  })
})

describe('21 a resolver that hangs', () => {
  test('holds back the one peer only, in bounds, and all others go on', async () => {
    let answer!: (hosts: string[]) => void
    const lookup = (host: string): Promise<string[]> =>
      host === 'slow.example' ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(['127.0.0.1'])
    await using socket = await udp.bind({ lookup })
    await using other = await udp.bind()
    await using slow = await udp.bind()
    const { told, onTrouble } = trouble()
    socket.handle({ onDatagram() {}, onTrouble })
    const to = { host: 'slow.example', port: slow.address.port }
    let refused = 0
    for (let at = 0; at < 300; at++) await socket.send(String(at), to).catch(() => refused++)
    for (const host of ['fast.example', '127.0.0.1']) {
      for (let at = 0; at < 50; at++) await socket.send('x', { host, port: other.address.port })
    }
    await until(() => other.stats().received === 100)
    // Of several that were dropped, the first is told.
    expect([refused, told.length]).toEqual([300 - 256, 1])
    expect(socket.stats()).toMatchObject({ sent: 100, sendDropped: 44 })
    answer(['127.0.0.1'])
    await until(() => slow.stats().received === 256)
    const heard: number[] = []
    for await (const { data } of slow) if (heard.push(Number(Buffer.from(data))) === 256) break
    expect(heard).toEqual(Array.from({ length: 256 }, (_, at) => at))
    expect(socket.buffered).toBe(0)
  })

  test('on thousands of names: so many are asked for at a time, and the rest is refused and counted', async () => {
    let asked = 0
    await using socket = await udp.bind({ lookup: () => (asked++, new Promise(() => {})) })
    await using other = await udp.bind()
    const sends = Array.from({ length: 5_000 }, (_, at) =>
      socket.send('x', { host: `host-${at}.example`, port: 9 }).catch(() => 'refused'),
    )
    const refused = (await Promise.all(sends)).filter((it) => it === 'refused').length
    expect(asked + refused).toBe(5_000)
    expect(asked).toBeLessThanOrEqual(4_096)
    expect(socket.stats().sendDropped).toBe(refused)
    await socket.send('x', other.address)
    await until(() => other.stats().received === 1)
    await socket.close({ grace: 0 })
    expect(socket.stats()).toMatchObject({ sent: 1, sendErrors: asked })
  })

  test.each(['block', 'drop-newest', 'drop-oldest', 'close'] as const)(
    'and answers when the system takes nothing, with the policy %s: what finds no room is counted',
    async (policy) => {
      let answer!: (hosts: string[]) => void
      const lookup = (): Promise<string[]> => new Promise((resolve) => (answer = resolve))
      const { socket, carrier, counters } = stuckSocket({ datagrams: 100, bytes: 1e6, policy }, lookup)
      const { told, onTrouble } = trouble()
      socket.handle({ onDatagram() {}, onTrouble })
      for (let at = 0; at < 200; at++) socket.write('x', { host: 'slow.example', port: 9 })
      answer(['127.0.0.1'])
      await until(() => counters.sendDropped > 0)
      while (carrier.queue.length > 0) carrier.take()
      await socket.close({ grace: 0 })
      const { sent, sendErrors, sendDropped } = counters
      expect(sent + sendErrors + sendDropped).toBe(200)
      if (policy !== 'close') expect([sent, sendDropped]).toEqual([100, 100])
      expect(told[0]).toMatchObject({ limit: 'sendQueue' })
    },
  )

  test('and answers when the socket is closed already: nobody is there any more', async () => {
    let answer!: (hosts: string[]) => void
    const socket = await udp.bind({ lookup: () => new Promise((resolve) => (answer = resolve)) })
    socket.write('x', { host: 'a.example', port: 9 })
    socket.destroy()
    answer(['127.0.0.1'])
    await new Promise((resolve) => setImmediate(resolve))
    expect(socket.stats()).toMatchObject({ sent: 0, sendErrors: 1 })
  })
})

describe('17 whatever is given as a destination', () => {
  test('is sent to, or refused with a word that says why', async () => {
    await using socket = await udp.bind({ lookup: async () => [] })
    socket.handle({ onDatagram() {}, onTrouble() {} })
    const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true })
    const port = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.double(), fc.string(), anything)
    const host = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.domain(), anything)
    const zone = fc.oneof(fc.constant(undefined), fc.string(), anything)
    fc.assert(
      fc.property(fc.record({ host, port, zone }), (to) => {
        try {
          socket.write('', to as never)
          expect(typeof to.host).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          expect((error as Error).message).toMatch(/^Cannot send/)
        }
      }),
      { numRuns: 1_000 },
    )
    expect(socket.state).toBe('open')
  })

  test('or came as the sender, whatever the interface is called, is taken for what it is', () => {
    for (const zone of ['eth0', 'a]b', 'a"b', 'ä', '\u202e', '5', 'x%y']) {
      const from = addressFrom({ address: `fe80::1%${zone}`, family: 'IPv6', port: 9 })
      expect(from).toEqual({ kind: 'ip', family: 6, host: 'fe80::1', port: 9, zone })
      expect(new Wire([6, 4]).hostOf(from)).toBe(`fe80::1%${zone}`)
    }
    const wrong = [
      { host: 'fe80::1', zone: '' },
      { host: 'fe80::1', zone: 'a\0b' },
      { host: 'fe80::1%eth0', zone: 'eth1' },
      { host: '127.0.0.1', zone: 'lo' },
      { host: 'a.example', zone: 'lo' },
    ]
    for (const to of wrong) expect(() => new Wire([6, 4]).hostOf({ ...to, port: 9 })).toThrow(TypeError)
  })

  test('without a host is nobody, and never this machine, even as the first', async () => {
    await using other = await udp.bind()
    const { port } = other.address
    for (const to of [{ port }, { host: undefined, port }, { host: null, port }, { host: '', port }]) {
      await using socket = await udp.bind()
      expect(() => socket.write('x', to as never)).toThrow(/^Cannot send/)
      await socket.send('y', other.address)
      expect(() => socket.write('x', to as never)).toThrow(/^Cannot send/)
      await until(() => socket.buffered === 0)
      expect(socket.stats()).toMatchObject({ sent: 1, sendErrors: 0 })
    }
    await until(() => other.stats().received === 4)
  })
})
