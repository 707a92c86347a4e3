import { expect, test } from 'vitest'

import { PeerTable } from '../../src/discovery/peer-table.ts'
import type { DiscoveryEvent } from '../../src/discovery/peer.ts'
import { addressOf, announceOf, idOf } from './tools.ts'

const here = addressOf('10.0.0.1')

function tableOf(limits = {}): { table: PeerTable; told: string[]; events: DiscoveryEvent[] } {
  const events: DiscoveryEvent[] = []
  const told: string[] = []
  const table = new PeerTable({ maxPeers: 256, maxPeersPerAddress: 32, ...limits }, (event) => {
    events.push(event)
    told.push(`${event.kind} ${event.peer.name}`)
  })
  return { table, told, events }
}

test('finds a peer, hears it again without a word, and loses it when its lifetime has passed', () => {
  const { table, told } = tableOf()
  table.hear(announceOf({}, { lifetime: 5_000 }), here, 0)
  expect(table.peers.get(idOf(1))).toMatchObject({
    type: 'chat',
    name: 'anna',
    address: { host: '10.0.0.1', port: 7000 },
    expires: 5_000,
  })
  table.hear(announceOf({}, { lifetime: 5_000 }), here, 4_000)
  table.expire(8_999)
  expect(told).toEqual(['found anna'])
  expect(table.peers.get(idOf(1))?.expires).toBe(9_000)
  table.expire(9_000)
  expect(told).toEqual(['found anna', 'lost anna'])
  expect(table.peers.size).toBe(0)
  expect(table.isEmpty).toBe(true)
  table.hear(announceOf(), here, 10_000)
  expect(told.at(-1)).toBe('found anna')
})

test('tells a change once, and not one that is out of date', () => {
  const { table, told } = tableOf()
  table.hear(announceOf({ name: 'anna' }, { revision: 1 }), here, 0)
  table.hear(announceOf({ name: 'berta' }, { revision: 2 }), here, 0)
  table.hear(announceOf({ name: 'berta' }, { revision: 2 }), here, 0)
  table.hear(announceOf({ name: 'anna' }, { revision: 1 }), here, 0)
  expect(told).toEqual(['found anna', 'changed berta'])
  expect(table.peers.get(idOf(1))?.name).toBe('berta')
})

test('a goodbye ends a peer for good, only from where it was heard', () => {
  const { table, told } = tableOf()
  const goodbye = announceOf({}, { lifetime: 0 })
  table.hear(goodbye, here, 0)
  expect(table.isEmpty).toBe(true)
  table.hear(announceOf(), here, 0)
  table.hear(goodbye, addressOf('10.0.0.2'), 1)
  expect(told).toEqual(['found anna'])
  table.hear(goodbye, here, 2)
  table.hear(goodbye, here, 3)
  table.hear(announceOf(), here, 4)
  expect(told).toEqual(['found anna', 'lost anna'])
  table.expire(10_001)
  expect(table.isEmpty).toBe(false)
  table.expire(10_002)
  expect(table.isEmpty).toBe(true)
})

test('knows a peer at several addresses, and prefers loopback, then IPv4', () => {
  const { table, events } = tableOf()
  const hosts = ['fe80::1%eth0', '10.0.0.1', '10.9.9.9', '127.0.0.1']
  for (const host of hosts) table.hear(announceOf({}, { lifetime: 5_000 }), addressOf(host), 0)
  expect(events.map(({ kind, peer }) => [kind, peer.address.host])).toEqual([
    ['found', 'fe80::1'],
    ['changed', '10.0.0.1'],
    ['changed', '127.0.0.1'],
  ])
  expect(table.peers.get(idOf(1))?.addresses.map(({ host }) => host)).toEqual([
    '127.0.0.1',
    '10.0.0.1',
    '10.9.9.9',
    'fe80::1',
  ])
  expect(table.peers.get(idOf(1))?.addresses.at(-1)).toMatchObject({ zone: 'eth0', port: 7000 })
  table.hear(announceOf({}, { lifetime: 5_000 }), addressOf('10.9.9.9'), 4_000)
  table.expire(5_000)
  expect(events.at(-1)).toMatchObject({ kind: 'changed', peer: { address: { host: '10.9.9.9' } } })
  expect(table.peers.size).toBe(1)
})

test('believes no lifetime beyond an hour', () => {
  const { table } = tableOf()
  table.hear(announceOf({}, { lifetime: 0xffff_ffff }), here, 0)
  expect(table.peers.get(idOf(1))?.expires).toBe(3_600_000)
})

test('a thousand forged peers from one address, or from many, do not push out those who are there', () => {
  const { table, told } = tableOf()
  table.hear(announceOf({}, { id: idOf(5_000) }), addressOf('10.0.0.7'), 0)
  for (let i = 0; i < 1_000; i++) table.hear(announceOf({}, { id: idOf(i) }), here, 0)
  expect(table.peers.size).toBe(33)
  expect(table.refused).toBe(968)
  for (let i = 0; i < 1_000; i++) {
    table.hear(announceOf({}, { id: idOf(10_000 + i) }), addressOf(`10.1.${i >> 8}.${i & 255}`), 0)
  }
  expect(table.peers.size).toBe(256)
  expect(table.refused).toBe(968 + 777)
  expect(told.length).toBe(256)
  table.hear(announceOf({}, { id: idOf(5_000) }), addressOf('10.0.0.7'), 80_000)
  table.expire(90_000)
  expect([...table.peers.keys()]).toEqual([idOf(5_000)])
  for (let i = 0; i < 32; i++) table.hear(announceOf({}, { id: idOf(i) }), here, 90_000)
  expect(table.peers.size).toBe(33)
})

test('one burst of forged peers with the longest lifetime makes room once nobody hears it any more', () => {
  const { table, told } = tableOf()
  const forged = { lifetime: 0xffff_ffff }
  for (let i = 0; i < 256; i++) {
    table.hear(announceOf({}, { id: idOf(i), ...forged }), addressOf(`10.2.0.${i >> 5}`), 0)
  }
  const honest = announceOf({ name: 'berta' }, { id: idOf(999) })
  const foundAt = [0, 30_000, 60_000, 90_000, 120_000].find((now) => {
    table.hear(honest, here, now)
    return table.peers.has(idOf(999))
  })
  expect(foundAt).toBe(120_000)
  expect(table.peers.size).toBe(256)
  expect(told.slice(-2)).toEqual(['lost anna', 'found berta'])
})

test('an address whose peers are not heard any more has room for another one', () => {
  const { table, told } = tableOf({ maxPeersPerAddress: 2 })
  for (const id of [idOf(1), idOf(2)]) table.hear(announceOf({}, { id, lifetime: 3_600_000 }), here, 0)
  table.hear(announceOf({}, { id: idOf(1), lifetime: 3_600_000 }), here, 60_000)
  table.hear(announceOf({ name: 'berta' }, { id: idOf(3) }), here, 90_000)
  expect(table.refused).toBe(1)
  table.hear(announceOf({ name: 'berta' }, { id: idOf(3) }), here, 90_001)
  expect([...table.peers.keys()]).toEqual([idOf(1), idOf(3)])
  table.hear(announceOf({ name: 'carla' }, { id: idOf(4) }), here, 90_001)
  expect([table.refused, told.slice(-2)]).toEqual([2, ['lost anna', 'found berta']])
})

test('of eight addresses the one that is not heard any more makes room', () => {
  const { table } = tableOf()
  const hear = (last: number, now: number): void =>
    table.hear(announceOf({}, { lifetime: 3_600_000 }), addressOf(`10.0.0.${last}`), now)
  for (let last = 1; last <= 8; last++) hear(last, 0)
  for (let last = 1; last <= 7; last++) hear(last, 60_000)
  hear(9, 90_000)
  expect(table.refused).toBe(1)
  hear(9, 90_001)
  expect(table.peers.get(idOf(1))?.addresses.map(({ host }) => Number(host.slice(7)))).toEqual([
    1, 2, 3, 4, 5, 6, 7, 9,
  ])
})

test('a peer that said goodbye and makes room is lost once', () => {
  const { table, told } = tableOf({ maxPeersPerAddress: 1 })
  table.hear(announceOf({}, { lifetime: 3_600_000 }), here, 0)
  table.hear(announceOf({}, { lifetime: 0 }), here, 90_000)
  table.hear(announceOf({ name: 'berta' }, { id: idOf(2) }), here, 90_001)
  expect(told).toEqual(['found anna', 'lost anna', 'found berta'])
})

test('whoever announces the id of a peer from elsewhere, in however high a revision, does not speak for it', () => {
  const { table, told } = tableOf()
  const elsewhere = addressOf('10.0.0.66')
  table.hear(announceOf({}, { revision: 0 }), here, 0)
  table.hear(announceOf({ name: 'mallory' }, { revision: 0 }), elsewhere, 1)
  const forged = announceOf({ name: 'mallory', port: 666 }, { revision: 0xffff_ffff, lifetime: 3_600_000 })
  table.hear(forged, elsewhere, 2)
  table.hear(announceOf({ name: 'anna 2', port: 7001 }, { revision: 1 }), here, 30_000)
  expect(told).toEqual(['found anna', 'changed anna 2'])
  expect(table.peers.get(idOf(1))).toMatchObject({
    name: 'anna 2',
    address: { host: '10.0.0.1', port: 7001 },
    addresses: [{ host: '10.0.0.1' }, { host: '10.0.0.66', port: 7001 }],
  })
})

test('when the address that is known longest is not heard any more, the next one speaks', () => {
  const { table, told } = tableOf()
  const [old, fresh] = [here, addressOf('fe80::1%eth0')]
  const claim = { lifetime: 3_600_000 }
  for (const from of [old, fresh]) table.hear(announceOf({}, claim), from, 0)
  table.hear(announceOf({ name: 'berta' }, { ...claim, revision: 1 }), fresh, 30_000)
  expect(told).toEqual(['found anna'])
  table.hear(announceOf({ name: 'berta' }, { ...claim, revision: 1 }), fresh, 90_001)
  expect(told).toEqual(['found anna', 'changed berta'])
})

test('goodbyes that are remembered take room, and one peer has eight addresses at most', () => {
  const { table } = tableOf({ maxPeersPerAddress: 2 })
  for (const id of [idOf(1), idOf(2)]) {
    table.hear(announceOf({}, { id }), here, 0)
    table.hear(announceOf({}, { id, lifetime: 0 }), here, 0)
  }
  table.hear(announceOf({}, { id: idOf(3) }), here, 0)
  expect(table.peers.size).toBe(0)
  table.expire(10_000)
  table.hear(announceOf({}, { id: idOf(3) }), here, 10_000)
  expect(table.peers.size).toBe(1)
  for (let i = 0; i < 20; i++) table.hear(announceOf({}, { id: idOf(3) }), addressOf(`10.0.1.${i}`), 10_000)
  expect(table.peers.get(idOf(3))?.addresses.length).toBe(8)
  expect(table.refused).toBe(14)
})
