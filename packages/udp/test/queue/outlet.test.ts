import { LimitError, type SocketError } from '@fairlead/core'
import { expect, test } from 'vitest'

import { Lane } from '../../src/queue/lane.ts'
import { Outlet } from '../../src/queue/outlet.ts'
import { Counters } from '../../src/stats.ts'
import { until } from '../tools.ts'

type Callback = (error: Error | null) => void

/** A socket whose system takes nothing until told to. */
function stuck() {
  const callbacks: Callback[] = []
  const socket = {
    send: (...parts: unknown[]) => void callbacks.push(parts.at(-1) as Callback),
    getSendQueueCount: () => callbacks.length,
    getSendQueueSize: () => callbacks.length * 10,
  }
  return { socket: socket as never, callbacks }
}

function laneOn(outlet: Outlet) {
  const told: SocketError[] = []
  const events: string[] = []
  const lane = new Lane(outlet, {
    relieved: () => void events.push('relieved'),
    flushed: () => void events.push('flushed'),
    troubled: (error) => void told.push(error),
    overflowed: (error) => void told.push(error),
    addressOf: (host = '127.0.0.1', port = 9) => ({ kind: 'ip', family: 4, host, port }),
  })
  return { lane, told, events }
}

const data = new Uint8Array(10)

/** The system takes all, what is passed on meanwhile, too. */
function answer(callbacks: Callback[]): void {
  for (let callback = callbacks.shift(); callback; callback = callbacks.shift()) callback(null)
}

test('the queue is bounded: beyond it datagrams are dropped, counted, told once, and room is told', async () => {
  const { socket, callbacks } = stuck()
  const counters = new Counters()
  const { lane, told, events } = laneOn(
    new Outlet(socket, { datagrams: 300, bytes: 10_000, policy: 'drop-newest' }, counters),
  )
  const dropped = Array.from({ length: 310 }, () => lane.write(data, 9)).filter((it) => it !== undefined)
  expect(dropped.length).toBe(10)
  expect(dropped[0]).toMatchObject({ limit: 'sendQueue', value: 300 })
  expect(told).toEqual([dropped[0]])
  expect(lane).toMatchObject({ pending: 300, bytes: 3_000, congested: true })
  answer(callbacks)
  expect(events).toEqual(['flushed'])
  await until(() => events.includes('relieved'))
  expect(lane).toMatchObject({ pending: 0, bytes: 0, congested: false })
  expect(counters).toMatchObject({ sent: 300, sentBytes: 3_000, sendDropped: 10, sendErrors: 0 })
})

test('by bytes, too; and what the system took at once does not count', () => {
  const full = laneOn(
    new Outlet(stuck().socket, { datagrams: 1_000, bytes: 25, policy: 'drop-newest' }, new Counters()),
  ).lane
  expect([1, 2, 3].map(() => full.write(data, 9) === undefined)).toEqual([true, true, false])
  const taken = { send() {}, getSendQueueCount: () => 0, getSendQueueSize: () => 0 } as never
  const free = laneOn(
    new Outlet(taken, { datagrams: 2, bytes: 25, policy: 'drop-newest' }, new Counters()),
  ).lane
  expect([1, 2, 3].map(() => free.write(data, 9) === undefined)).toEqual([true, true, true])
  const silent = laneOn(
    new Outlet({ send() {} }, { datagrams: 2, bytes: 25, policy: 'drop-newest' }, new Counters()),
  ).lane
  expect([1, 2, 3].map(() => silent.write(data, 9) === undefined)).toEqual([true, true, false])
})

test('lanes of one outlet keep their own books and are relieved together', async () => {
  const { socket, callbacks } = stuck()
  const outlet = new Outlet(
    socket,
    { datagrams: 1_000, bytes: 100_000, policy: 'drop-newest' },
    new Counters(),
  )
  const [one, two, idle] = [laneOn(outlet), laneOn(outlet), laneOn(outlet)]
  for (let i = 0; i < 256; i++) one.lane.write(data, 9)
  two.lane.write(data, 9, '127.0.0.1')
  expect([one, two, idle].map((it) => it.lane.congested)).toEqual([true, true, false])
  expect([one, two, idle].map((it) => it.lane.pending)).toEqual([256, 1, 0])
  answer(callbacks)
  await until(() => two.events.includes('relieved'))
  expect([one.events, two.events, idle.events]).toEqual([
    ['flushed', 'relieved'],
    ['flushed', 'relieved'],
    [],
  ])
})

test('refused twice, a datagram is given up', () => {
  const { socket, callbacks } = stuck()
  const counters = new Counters()
  const { lane, told, events } = laneOn(
    new Outlet(socket, { datagrams: 9, bytes: 99, policy: 'drop-newest' }, counters),
  )
  const refusal = Object.assign(new Error('send ECONNREFUSED'), { code: 'ECONNREFUSED' })
  lane.write(data, 9)
  callbacks.shift()?.(refusal)
  expect(lane.pending).toBe(1)
  callbacks.shift()?.(refusal)
  expect(callbacks.length).toBe(0)
  expect(counters).toMatchObject({ sent: 0, refused: 2, sendErrors: 1 })
  expect([told.length, lane.pending, events]).toEqual([2, 0, ['flushed']])
})

test('cancelled by our own destroy, or thrown by the runtime: counted, and only the foreign is told', () => {
  const { socket, callbacks } = stuck()
  const counters = new Counters()
  const { lane, told } = laneOn(
    new Outlet(socket, { datagrams: 9, bytes: 99, policy: 'drop-newest' }, counters),
  )
  lane.write(data, 9)
  callbacks.shift()?.(Object.assign(new Error('send ECANCELED'), { code: 'ECANCELED' }))
  expect(told).toEqual([])
  const throwing = {
    send() {
      throw new Error('out of order')
    },
  } as never
  const broken = laneOn(new Outlet(throwing, { datagrams: 9, bytes: 99, policy: 'drop-newest' }, counters))
  expect(broken.lane.write(data, 9)).toBeUndefined()
  expect(broken.told[0]?.message).toBe('Cannot send to 127.0.0.1:9: out of order')
  expect(broken.lane.pending).toBe(0)
  expect(counters.sendErrors).toBe(2)
})

test('drop-oldest gives up what waited longest, and never what the runtime has already', () => {
  const { socket, callbacks } = stuck()
  const counters = new Counters()
  const { lane, told } = laneOn(
    new Outlet(socket, { datagrams: 258, bytes: 1e6, policy: 'drop-oldest' }, counters),
  )
  for (let at = 0; at < 300; at++) expect(lane.write(new Uint8Array(at), 9)).toBeUndefined()
  expect(counters.sendDropped).toBe(42)
  expect(told.length).toBe(1)
  expect(lane.pending).toBe(258)
  answer(callbacks)
  expect(counters).toMatchObject({ sent: 258, sendDropped: 42, sendErrors: 0 })
  // The first, which the runtime had, and the last 257.
  expect(counters.sentBytes).toBe(sum(43, 299))
  expect(lane).toMatchObject({ pending: 0, bytes: 0 })
})

function sum(first: number, last: number): number {
  return ((first + last) * (last - first + 1)) / 2
}

test('block throws what cannot wait, and lets wait what can, as many as may', async () => {
  const { socket, callbacks } = stuck()
  const counters = new Counters()
  const { lane, told, events } = laneOn(
    new Outlet(socket, { datagrams: 2, bytes: 1e6, policy: 'block' }, counters),
  )
  expect([lane.mustWait(10), lane.write(data, 9), lane.write(data, 9)]).toEqual([false, undefined, undefined])
  expect(lane.mustWait(10)).toBe(true)
  expect(() => lane.write(data, 9)).toThrow(LimitError)
  expect([told, counters.sendDropped]).toEqual([[], 0])
  const never = new Promise<void>(() => {})
  for (let count = 0; count < 1_024; count++) void lane.wait(never, async () => {})
  await expect(lane.wait(never, async () => {})).rejects.toMatchObject({ limit: 'maxWaiting', value: 1_025 })
  answer(callbacks)
  await until(() => events.includes('relieved'))
  expect(lane.mustWait(10)).toBe(false)
})

test('close tells the owner to close', () => {
  const { told, lane } = laneOn(
    new Outlet(stuck().socket, { datagrams: 1, bytes: 1e6, policy: 'close' }, new Counters()),
  )
  lane.write(data, 9)
  const error = lane.write(data, 9)
  expect(error).toMatchObject({ limit: 'sendQueue' })
  expect(told).toEqual([error, error])
})

test('drop-oldest keeps the last however few may wait', () => {
  const { socket, callbacks } = stuck()
  const counters = new Counters()
  const { lane } = laneOn(new Outlet(socket, { datagrams: 8, bytes: 1e6, policy: 'drop-oldest' }, counters))
  for (let at = 0; at < 1_000; at++) lane.write(new Uint8Array(at), 9)
  expect(callbacks.length).toBe(1)
  answer(callbacks)
  expect(counters).toMatchObject({ sent: 8, sendDropped: 992, sentBytes: sum(993, 999) })
})

test('the runtime gets one datagram while the system is full, so that no error is given to others', () => {
  const { socket, callbacks } = stuck()
  const { lane } = laneOn(
    new Outlet(socket, { datagrams: 99, bytes: 1e6, policy: 'drop-newest' }, new Counters()),
  )
  for (let at = 0; at < 10; at++) lane.write(data, 9)
  for (let left = 10; left > 0; left--) {
    expect([callbacks.length, lane.pending]).toEqual([1, left])
    callbacks.shift()?.(null)
  }
  expect(callbacks.length).toBe(0)
})

test('what the carrier throws is booked on what it was given', () => {
  const counters = new Counters()
  const callbacks: Callback[] = []
  const socket = {
    send(bytes: Uint8Array, ...rest: unknown[]) {
      if (bytes.length === 1) throw new Error('not that one')
      callbacks.push(rest.at(-1) as Callback)
    },
    getSendQueueCount: () => 0,
  }
  const { lane } = laneOn(new Outlet(socket, { datagrams: 9, bytes: 1e6, policy: 'drop-newest' }, counters))
  lane.write(new Uint8Array(1_000), 9)
  lane.write(new Uint8Array(1), 9)
  expect(lane.bytes).toBe(1_000)
  callbacks[0]?.(null)
  expect(counters).toMatchObject({ sent: 1, sentBytes: 1_000, sendErrors: 1 })
  expect(lane).toMatchObject({ pending: 0, bytes: 0 })
})
