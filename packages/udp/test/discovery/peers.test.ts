import { BusyError, ClosedError, LimitError } from '@fairlead/core'
import { DatagramNetwork } from '@fairlead/core/memory'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { firstAnnounce, ServiceAnnouncement } from '../../src/discovery/announcement.ts'
import { type Search, ServiceDiscovery } from '../../src/discovery/discovery.ts'
import { encode } from '../../src/discovery/message.ts'
import { checkService, type Service } from '../../src/discovery/service.ts'
import { Air, type AirMedium, announceOf, even, idOf } from './tools.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)

function announcing(
  medium: AirMedium,
  service: Partial<Service> = {},
  lifetime = 90_000,
): ServiceAnnouncement {
  const checked = checkService({ type: 'chat', name: 'anna', port: 7000, ...service })
  return new ServiceAnnouncement(medium, firstAnnounce(checked, lifetime), even)
}

function discovering(medium: AirMedium, search: Partial<Search> = {}): ServiceDiscovery {
  const all = { type: 'chat', except: undefined, maxPeers: 256, maxPeersPerAddress: 32, ...search }
  return new ServiceDiscovery(medium, all, even)
}

/** What is told, as text, until the iteration ends. */
function record(discovery: ServiceDiscovery): string[] {
  const told: string[] = []
  const read = async (): Promise<void> => {
    for await (const { kind, peer } of discovery)
      told.push(`${kind} ${peer.name} ${peer.data['colour'] ?? ''}`.trim())
    told.push('end')
  }
  void read()
  return told
}

const namesOf = (discovery: ServiceDiscovery): string[] =>
  [...discovery.peers.values()].map(({ name }) => name)

test('finds who is there already, who comes, what changes, and who leaves', async () => {
  const air = new Air()
  const anna = announcing(await air.medium('10.0.0.1'))
  await pass(10_000)
  const discovery = discovering(await air.medium('10.0.0.3'))
  const told = record(discovery)
  // Her next announcement by herself comes later: this is the answer.
  await pass(200)
  expect(told).toEqual(['found anna'])
  const berta = announcing(await air.medium('10.0.0.2'), { name: 'berta' })
  await pass(100)
  anna.update({ data: { colour: 'red' } })
  await pass(100)
  expect(told).toEqual(['found anna', 'found berta', 'changed anna red'])
  expect(discovery.peers.get(anna.id)).toMatchObject({
    id: anna.id,
    address: { kind: 'ip', family: 4, host: '10.0.0.1', port: 7000 },
  })
  await Promise.all([anna.close(), pass(100)])
  expect(anna.state).toBe('closed')
  expect(told.at(-1)).toBe('lost anna red')
  expect(namesOf(discovery)).toEqual(['berta'])
  await pass(600_000)
  expect(told.length).toBe(4)
  berta.destroy()
  await pass(89_000)
  const closing = discovery.close()
  await closing
  expect(await discovery.closed).toEqual({ kind: 'local' })
  await pass(1)
  expect(told.at(-1)).toBe('end')
})

test('loses who is destroyed when the lifetime has passed, and finds who comes back', async () => {
  const air = new Air()
  const discovery = discovering(await air.medium('10.0.0.3'))
  const told = record(discovery)
  const first = announcing(await air.medium('10.0.0.1'), {}, 9_000)
  await pass(1_500)
  first.destroy()
  expect(first.state).toBe('closed')
  await pass(6_000)
  expect(told).toEqual(['found anna'])
  await pass(4_000)
  expect(told).toEqual(['found anna', 'lost anna'])
  const second = announcing(await air.medium('10.0.0.1'))
  await pass(200)
  expect(told).toEqual(['found anna', 'lost anna', 'found anna'])
  expect(second.id).not.toBe(first.id)
})

test('leaves out other types and itself; without a type, finds all', async () => {
  const air = new Air()
  const chat = announcing(await air.medium('10.0.0.1'))
  announcing(await air.medium('10.0.0.2'), { name: 'berta' })
  announcing(await air.medium('10.0.0.2'), { type: 'files', name: 'shelf' })
  const others = discovering(await air.medium('10.0.0.1'), { except: chat.id })
  const all = discovering(await air.medium('10.0.0.1'), { type: '' })
  await pass(200)
  expect(namesOf(others)).toEqual(['berta'])
  expect(namesOf(all).toSorted()).toEqual(['anna', 'berta', 'shelf'])
})

test('everybody finds everybody, whatever is lost, doubled and overtaken', async () => {
  const air = new Air(new DatagramNetwork({ loss: 0.3, duplication: 0.2, reordering: 0.3 }, 11))
  const names = Array.from({ length: 8 }, (_, i) => `peer ${i}`)
  const peers: { announcement: ServiceAnnouncement; discovery: ServiceDiscovery }[] = []
  for (const [i, name] of names.entries()) {
    const announcement = announcing(await air.medium(`10.0.0.${i + 1}`), { name })
    peers.push({ announcement, discovery: discovering(await air.medium(`10.0.0.${i + 1}`)) })
  }
  await pass(10_000)
  for (const { discovery } of peers) expect(namesOf(discovery).toSorted()).toEqual(names)
  for (const { announcement } of peers) announcement.update({ data: { colour: 'blue' } })
  await pass(10_000)
  for (const { discovery } of peers) {
    expect([...discovery.peers.values()].map(({ data }) => data['colour'])).toEqual(names.map(() => 'blue'))
  }
  const leaving = peers.slice(0, 7).map(({ announcement }) => announcement.close())
  await pass(100)
  await Promise.all(leaving)
  // Whoever lost both goodbyes knows at the latest when the lifetime has passed.
  await pass(91_000)
  for (const { discovery } of peers) expect(namesOf(discovery)).toEqual(['peer 7'])
})

test('many who ask at once get one answer, one second after the last at the earliest', async () => {
  const air = new Air()
  const medium = await air.medium('10.0.0.1')
  announcing(medium)
  await pass(8_000)
  const before = medium.messages.length
  const asker = await air.medium('10.0.0.9')
  for (let i = 0; i < 100; i++) {
    asker.send(encode({ kind: 'query', type: 'chat' }))
    asker.send(encode({ kind: 'query', type: 'other' }))
    await pass(5)
  }
  expect(medium.messages.length).toBe(before + 1)
  asker.send(encode({ kind: 'query', type: 'other' }))
  await pass(900)
  expect(medium.messages.length).toBe(before + 2)
})

test('a new interface is told and asked anew', async () => {
  const air = new Air()
  const [speaker, listener] = [await air.medium('10.0.0.1'), await air.medium('10.0.0.2')]
  announcing(speaker)
  discovering(listener)
  await pass(20_000)
  const [said, asked] = [speaker.messages.length, listener.messages.length]
  expect(asked).toBe(3)
  speaker.widen()
  listener.widen()
  await pass(200)
  expect(listener.messages.length).toBe(asked + 1)
  expect(speaker.messages.length).toBeGreaterThan(said)
})

test('an update that cannot be announced changes nothing', async () => {
  const air = new Air()
  const anna = announcing(await air.medium('10.0.0.1'))
  const large = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`k${i}`, 'v'.repeat(255)]))
  expect(() => anna.update({ data: large })).toThrow(LimitError)
  expect(() => anna.update({ name: 'a\nb' })).toThrow(RangeError)
  expect(() => anna.update(null as never)).toThrow(TypeError)
  expect(anna.service).toEqual({ type: 'chat', name: 'anna', port: 7000, data: {} })
  anna.update({ name: 'anne', type: 'other' } as object)
  expect(anna.service).toMatchObject({ type: 'chat', name: 'anne' })
  anna.destroy()
  expect(() => anna.update({ name: 'anna' })).toThrow(ClosedError)
})

test('a slow reader gets what came of it: one event for each peer', async () => {
  const air = new Air()
  const discovery = discovering(await air.medium('10.0.0.3'))
  const anna = announcing(await air.medium('10.0.0.1'))
  const berta = announcing(await air.medium('10.0.0.2'), { name: 'berta' })
  await pass(200)
  anna.update({ data: { colour: 'red' } })
  await pass(500)
  await Promise.all([berta.close(), pass(100)])
  const reader = discovery[Symbol.asyncIterator]()
  expect(() => discovery[Symbol.asyncIterator]()).toThrow(BusyError)
  expect((await reader.next()).value).toMatchObject({ kind: 'found', peer: { data: { colour: 'red' } } })
  const next = reader.next()
  await expect(reader.next()).rejects.toThrow(BusyError)
  await Promise.all([anna.close(), pass(100)])
  expect((await next).value).toMatchObject({ kind: 'lost', peer: { name: 'anna' } })
  await reader.return?.()
  expect(await reader.next()).toEqual({ done: true, value: undefined })
  const later = discovery[Symbol.asyncIterator]().next()
  discovery.destroy()
  expect(await later).toEqual({ done: true, value: undefined })
})

test('counts what is no message and what there was no room for', async () => {
  const air = new Air()
  const discovery = discovering(await air.medium('10.0.0.3'), { maxPeers: 10 })
  const forger = await air.medium('10.0.0.9')
  for (let i = 0; i < 20; i++) forger.send(encode(announceOf({}, { id: idOf(i) })))
  for (let i = 0; i < 5; i++) forger.send(Buffer.from('what?'))
  await pass(10)
  expect(discovery.peers.size).toBe(10)
  expect(discovery.stats()).toMatchObject({
    received: 25,
    malformed: 5,
    refused: 10,
    foreign: 0,
    sendErrors: 0,
  })
})

test('closing tells nobody twice, ends at once when there is no grace, and leaves no timer', async () => {
  const air = new Air()
  const medium = await air.medium('10.0.0.1')
  const anna = announcing(medium)
  await pass(100)
  const closing = anna.close({ grace: 10 })
  void anna.close()
  await pass(20)
  await closing
  expect(medium.messages.filter((it) => it?.kind === 'announce' && it.lifetime === 0).length).toBe(2)
  expect(vi.getTimerCount()).toBe(0)
  const berta = announcing(await air.medium('10.0.0.2'))
  const cut = berta.close()
  berta.destroy(new Error('enough'))
  await cut
  expect(await berta.closed).toMatchObject({ kind: 'error' })
  await pass(100)
  expect(vi.getTimerCount()).toBe(0)
})
