import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { LimitError } from '@fairlead/core'
import * as udp from '@fairlead/udp'
import { describe, expect, test } from 'vitest'

import { converse } from '../../src/session/conversation.ts'
import { SessionListener } from '../../src/session/listener.ts'
import { Counters } from '../../src/stats.ts'
import { until } from '../tools.ts'
import { noneIsLeftToTheProcess, StuckCarrier, stuckSocket, trouble } from './harness.ts'

noneIsLeftToTheProcess()

type SendQueue = Required<udp.SendQueueOptions>

const address = { kind: 'ip', family: 4, host: '127.0.0.1', port: 9 } as const
const sender = { address: '127.0.0.1', port: 9, family: 'IPv4' } as const

/** One of each, whose system takes nothing until it is told to. */
const kinds = {
  async 'a bound socket'(sendQueue: SendQueue) {
    const { carrier, counters, socket } = stuckSocket(sendQueue)
    const { told, onTrouble } = trouble()
    socket.handle({ onDatagram() {}, onTrouble })
    const [write, send] = [socket.write.bind(socket), socket.send.bind(socket)]
    return {
      carrier,
      counters,
      told,
      life: socket,
      write: (data: Uint8Array) => write(data, address),
      send: (data: Uint8Array) => send(data, address),
    }
  },

  async 'a connection'(sendQueue: SendQueue) {
    const carrier = new StuckCarrier()
    const counters = new Counters()
    const opened = { socket: carrier, address, peer: { address, sender }, addressOf: () => address }
    const connection = await converse<Uint8Array, udp.IpAddress>(opened, { sendQueue }, counters, 0)
    const { told, onTrouble } = trouble()
    connection.handle({ onData() {}, onTrouble })
    const [write, send] = [connection.write.bind(connection), connection.send.bind(connection)]
    return { carrier, counters, told, life: connection, write, send }
  },

  async 'a session'(sendQueue: SendQueue) {
    const carrier = new StuckCarrier()
    const counters = new Counters()
    const opened = { socket: carrier, address, addressOf: () => address }
    const { told, onTrouble } = trouble()
    const listener = new SessionListener<Uint8Array, udp.IpAddress>({ sendQueue }, opened, counters, (it) => {
      it.validate()
      return { onData() {}, onTrouble }
    })
    carrier.bring(Buffer.from('ahoy'), sender)
    await until(() => listener.connections.size === 1)
    const [session] = listener.connections as Set<udp.UdpSession<Uint8Array>>
    if (!session) throw new Error('no session')
    const [write, send] = [session.write.bind(session), session.send.bind(session)]
    return { carrier, counters, told, life: session, write, send }
  },
}

const data = Buffer.alloc(100)

/** Everything that was accepted is somewhere. */
function held({ counters }: { counters: Counters }, accepted: number): number {
  const { sent, sendErrors, sendDropped } = counters
  return accepted - sent - sendErrors - sendDropped
}

describe.each(Object.entries(kinds))('3 %s that sends faster than the system takes', (_, make) => {
  test('drop-newest: bounded by count, and every datagram is accounted for', async () => {
    const scene = await make({ datagrams: 1_000, bytes: 1e9, policy: 'drop-newest' })
    const { carrier, counters, told, life } = scene
    let congested = 0
    for (let at = 0; at < 20_000; at++) if (!scene.write(data)) congested++
    expect(congested).toBeGreaterThan(19_000)
    expect(life.buffered).toBe(1_000 * 100)
    expect(counters).toMatchObject({ sent: 0, sendErrors: 0, sendDropped: 19_000 })
    // Of all that the runtime has a bounded part; the rest can still be given up.
    expect(carrier.queue.length).toBeLessThanOrEqual(256)
    expect(told.map((it) => (it as LimitError).limit)).toEqual(['sendQueue'])
    while (carrier.queue.length > 0) carrier.take()
    expect(counters).toMatchObject({ sent: 1_000, sentBytes: 100_000, sendDropped: 19_000 })
    expect([held(scene, 20_000), life.buffered]).toEqual([0, 0])
    await life.close()
  })

  test('drop-newest: bounded by bytes', async () => {
    const scene = await make({ datagrams: 1e9, bytes: 1e6, policy: 'drop-newest' })
    for (let at = 0; at < 2_000; at++) scene.write(Buffer.alloc(1_200))
    expect(scene.life.buffered).toBeLessThanOrEqual(1e6)
    expect(scene.life.buffered).toBeGreaterThan(1e6 - 1_200)
    while (scene.carrier.queue.length > 0) scene.carrier.take()
    expect(held(scene, 2_000)).toBe(0)
    await scene.life.close()
  })

  test('drop-oldest: what waited longest is given up, and the last is sent', async () => {
    const scene = await make({ datagrams: 500, bytes: 1e9, policy: 'drop-oldest' })
    const { carrier, counters, life } = scene
    for (let at = 0; at < 5_000; at++) scene.write(Buffer.from(String(at)))
    expect(counters.sendDropped).toBe(4_500)
    let last = ''
    for (; carrier.queue.length > 0; carrier.take()) last = String(carrier.queue[0]?.data)
    expect([last, held(scene, 5_000), life.buffered]).toEqual(['4999', 0, 0])
    await life.close()
  })

  test('block: write throws and counts nothing; a thousand sends wait, and no more', async () => {
    const scene = await make({ datagrams: 300, bytes: 1e9, policy: 'block' })
    const { carrier, counters, life } = scene
    for (let at = 0; at < 300; at++) scene.write(data)
    expect(() => scene.write(data)).toThrow(LimitError)
    const sends = Array.from({ length: 2_000 }, () => scene.send(data))
    const settled = Promise.allSettled(sends)
    expect(life.buffered).toBe(300 * 100)
    for (let turns = 0; turns < 30 || carrier.queue.length > 0; turns++) {
      while (carrier.queue.length > 0) carrier.take()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const failed = (await settled).filter((it) => it.status === 'rejected')
    expect(failed.length).toBe(2_000 - 1_024)
    expect(new Set(failed.map((it) => (it.reason as LimitError).limit))).toEqual(new Set(['maxWaiting']))
    expect(counters).toMatchObject({ sent: 300 + 1_024, sendErrors: 0, sendDropped: 0 })
    await life.close()
  })

  test('block: who waits when it is destroyed, or closed and the grace is over, waits no longer', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const scene = await make({ datagrams: 300, bytes: 1e9, policy: 'block' })
      for (let at = 0; at < 300; at++) scene.write(data)
      const settled = Promise.allSettled(Array.from({ length: 100 }, () => scene.send(data)))
      if (end === 'close') await scene.life.close({ grace: 10 })
      else scene.life.destroy(new Error('enough'))
      expect((await settled).every(({ status }) => status === 'rejected')).toBe(true)
      scene.carrier.close()
      await until(() => held(scene, 300) === 0)
      expect(scene.counters).toMatchObject({ sent: 0, sendErrors: 300, sendDropped: 0 })
    }
  })

  test('a send that waits, is refused or dropped, and that nobody awaits, ends nothing', async () => {
    for (const policy of ['block', 'drop-newest', 'drop-oldest', 'close'] as const) {
      const scene = await make({ datagrams: 300, bytes: 1e9, policy })
      for (let at = 0; at < 1_500; at++) void scene.send(data)
      void scene.life.drained()
      scene.life.destroy()
      void scene.send(data)
      void scene.life.drained()
      scene.carrier.close()
      await new Promise((resolve) => setImmediate(resolve))
    }
  })

  test('close: costs whoever wrote, and counts what waited', async () => {
    const scene = await make({ datagrams: 300, bytes: 1e9, policy: 'close' })
    let accepted = 0
    for (let at = 0; at < 310 && scene.life.state === 'open'; at++, accepted++) scene.write(data)
    expect(await scene.life.closed).toMatchObject({ kind: 'error', error: { limit: 'sendQueue' } })
    scene.carrier.close()
    await until(() => held(scene, accepted) === 0)
    expect(scene.counters).toMatchObject({ sent: 0, sendErrors: 300, sendDropped: 1 })
  })

  test('a close ends within its grace, and a destroy at once, however much waits', async () => {
    for (const end of ['close', 'destroy'] as const) {
      const scene = await make({ datagrams: 8_000, bytes: 1e9, policy: 'drop-newest' })
      for (let at = 0; at < 8_000; at++) scene.write(data)
      const waiting = scene.send(data)
      const drained = scene.life.drained()
      const settled = Promise.allSettled([waiting, drained])
      if (end === 'close') await scene.life.close({ grace: 20 })
      else scene.life.destroy()
      const kind = end === 'close' ? 'timeout' : 'local'
      expect((await scene.life.closed).kind).toBe(kind)
      await settled
      scene.carrier.close()
      await until(() => held(scene, 8_001) === 0)
      expect(scene.counters).toMatchObject({ sent: 0, sendErrors: 8_000, sendDropped: 1 })
      expect(scene.life.buffered).toBe(0)
    }
  })

  test.each(['drop-newest', 'drop-oldest', 'close'] as const)(
    'an onTrouble that writes again, or destroys it, when it hears of what was dropped: %s',
    async (policy) => {
      for (const act of ['write', 'destroy'] as const) {
        const scene = await make({ datagrams: 300, bytes: 1e9, policy })
        let calls = 0
        scene.life.handle({
          onData() {},
          onDatagram() {},
          onTrouble() {
            if (++calls > 100) throw new Error('round and round')
            if (act === 'destroy') scene.life.destroy()
            else if (scene.life.state === 'open') scene.write(data)
          },
        })
        let accepted = 0
        const written = new Set<string>()
        for (; accepted < 400 && scene.life.state === 'open'; accepted++) {
          try {
            scene.write(data)
          } catch (error) {
            written.add((error as Error).name)
          }
        }
        expect([...written]).toEqual([])
        expect(calls).toBe(1)
        scene.life.destroy()
        scene.carrier.close()
        await until(() => scene.life.buffered === 0)
      }
    },
  )
})

describe('3 10,000 sessions on a system that takes nothing', () => {
  const count = 10_000
  const size = 16_384
  const bytes = 1024 * 1024
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  /** Bytes of datagrams that something still holds. */
  async function kept(): Promise<number> {
    for (let times = 0; times < 3; times++) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    return process.memoryUsage().arrayBuffers
  }

  test.each(['drop-newest', 'drop-oldest'] as const)(
    '%s: the one queue holds, each datagram is counted, and what was dropped is nowhere any more',
    async (policy) => {
      const carrier = new StuckCarrier()
      const counters = new Counters()
      const sessions: udp.UdpSession<Uint8Array>[] = []
      const { told, onTrouble } = trouble()
      const limits = { maxSessions: count, maxSessionsPerAddress: count, maxAmplification: Infinity }
      const listener = new SessionListener<Uint8Array, udp.IpAddress>(
        { ...limits, maxMessageSize: size, sendQueue: { datagrams: 1_024, bytes, policy } },
        { socket: carrier, address, addressOf: ({ port }) => ({ ...address, port }) },
        counters,
        (session) => {
          sessions.push(session)
          return { onData() {}, onTrouble }
        },
      )
      for (let at = 0; at < count; at++) {
        carrier.bring(Buffer.from('ahoy'), { ...sender, port: 1_024 + at })
        // As between two datagrams of a real socket.
        if (at % 32 === 0) await Promise.resolve()
      }
      await until(() => sessions.length === count)
      const before = await kept()
      for (const session of sessions) session.write(Buffer.alloc(size))
      const accepted = bytes / size
      expect(counters).toMatchObject({ sent: 0, sendErrors: 0, sendDropped: count - accepted })
      expect(sessions.reduce((sum, { buffered }) => sum + buffered, 0)).toBe(bytes)
      // Of 160 MiB.
      expect((await kept()) - before).toBeLessThan(2 * bytes)
      // Each whose datagram was dropped hears of it, once.
      expect(told.length).toBe(count - accepted)
      while (carrier.queue.length > 0) carrier.take()
      expect(counters).toMatchObject({ sent: accepted, sentBytes: bytes, sendDropped: count - accepted })
      expect(sessions.some(({ buffered }) => buffered > 0)).toBe(false)
      expect(listener.connections.size).toBe(count)
      listener.destroy()
    },
  )
})
