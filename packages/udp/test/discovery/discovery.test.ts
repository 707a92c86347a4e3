import { createSocket } from 'node:dgram'
import { once } from 'node:events'

import { LimitError, ListenError } from '@fairlead/core'
import { announce, discover, type DiscoveryEvent } from '@fairlead/udp/discovery'
import { expect, test } from 'vitest'

import { groups } from '../../src/discovery/link.ts'
import { encode } from '../../src/discovery/message.ts'
import { until } from '../tools.ts'
import { announceOf, ownPort } from './tools.ts'

/** Loopback alone, at a port of this test's own. */
function here(): { port: number; family: 4; interfaces: string[] } {
  return { port: ownPort(), family: 4, interfaces: ['127.0.0.1'] }
}

test('peers on this machine find each other, see changes, and who leaves and comes back', async () => {
  const options = here()
  await using discovery = await discover({ type: 'chat' }, options)
  const events = discovery[Symbol.asyncIterator]()
  const next = async (): Promise<DiscoveryEvent> => (await events.next()).value as DiscoveryEvent
  const first = await announce({ type: 'chat', name: 'anna', port: 7000, data: { colour: 'red' } }, options)
  const found = await next()
  expect(found).toMatchObject({
    kind: 'found',
    peer: {
      id: first.id,
      type: 'chat',
      name: 'anna',
      address: { kind: 'ip', family: 4, host: '127.0.0.1', port: 7000 },
      data: { colour: 'red' },
    },
  })
  expect(discovery.peers.get(first.id)).toEqual(found.peer)
  first.update({ data: { colour: 'blue' } })
  expect(await next()).toMatchObject({ kind: 'changed', peer: { id: first.id, data: { colour: 'blue' } } })
  await first.close()
  expect(await next()).toMatchObject({ kind: 'lost', peer: { id: first.id } })
  await using second = await announce({ type: 'chat', name: 'anna', port: 7000 }, options)
  expect(await next()).toMatchObject({ kind: 'found', peer: { id: second.id } })
  expect([...discovery.peers.keys()]).toEqual([second.id])
  expect(second.stats()).toMatchObject({ malformed: 0, refused: 0, foreign: 0, sendErrors: 0 })
  expect(second.stats().sent).toBeGreaterThan(0)
})

test('who comes later asks, several hear on one port, and each may leave itself out', async () => {
  const options = here()
  await using anna = await announce({ type: 'chat', name: 'anna', port: 7000 }, options)
  await until(() => anna.stats().sent > 0)
  await using berta = await announce({ type: 'chat', name: 'berta', port: 7001 }, options)
  await using one = await discover({ type: 'chat' }, { ...options, except: anna.id })
  await using other = await discover({}, options)
  await until(() => one.peers.size === 1 && other.peers.size === 2)
  expect([...one.peers.keys()]).toEqual([berta.id])
})

test('takes whatever is sent to the port', async () => {
  const options = here()
  await using discovery = await discover({ type: 'chat' }, { ...options, maxPeers: 8 })
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.setMulticastInterface('127.0.0.1')
  for (const data of ['', 'FLD', '\u0000'.repeat(2_000)]) socket.send(data, options.port, groups[4])
  for (let i = 0; i < 20; i++) {
    const id = i.toString(16).padStart(32, 'f')
    socket.send(encode(announceOf({}, { id })), options.port, groups[4])
  }
  await until(() => discovery.stats().received >= 23)
  socket.close()
  expect(discovery.stats()).toMatchObject({ malformed: 3, refused: 12 })
  expect(discovery.peers.size).toBe(8)
})

test('closing ends the iteration', async () => {
  const discovery = await discover({ type: 'chat' }, here())
  const next = discovery[Symbol.asyncIterator]().next()
  await discovery.close()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(await discovery.closed).toEqual({ kind: 'local' })
})

test.each([
  ['type', {}, { type: '' }, RangeError],
  ['type', {}, { type: 't'.repeat(64) }, LimitError],
  ['type', {}, { type: 7 }, TypeError],
  ['name', {}, { name: '\u001b[2J' }, RangeError],
  ['name', {}, { name: '\ud800' }, RangeError],
  ['name', {}, { name: 'ü'.repeat(32) }, LimitError],
  ['port', {}, { port: 0 }, RangeError],
  ['port', {}, { port: '80' }, RangeError],
  ['data', {}, { data: null }, TypeError],
  ['data', {}, { data: { '': 'v' } }, RangeError],
  ['data.colour', {}, { data: { colour: 7 } }, TypeError],
  ['data.colour', {}, { data: { colour: 'v'.repeat(256) } }, LimitError],
  ['data', {}, { data: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, ''])) }, LimitError],
  ['port', { port: 0 }, {}, RangeError],
  ['interfaces', { interfaces: [] }, {}, TypeError],
  ['interfaces', { interfaces: 'eth0' }, {}, TypeError],
  ['family', { family: 5 }, {}, RangeError],
  ['broadcast', { broadcast: 'yes' }, {}, TypeError],
  ['lifetime', { lifetime: 999 }, {}, RangeError],
  ['lifetime', { lifetime: Infinity }, {}, RangeError],
  ['signal', { signal: 'now' }, {}, TypeError],
])('announce refuses by name: %s', async (name, options, service, kind) => {
  const attempt = announce({ type: 'chat', port: 7000, ...service } as never, options as never)
  const error = await attempt.catch((it: unknown) => it)
  expect(error).toBeInstanceOf(kind)
  expect((error as Error).message).toContain(`Invalid option ${name}: `)
})

test('announce refuses what is larger than a datagram', async () => {
  const data = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`k${i}`, 'v'.repeat(255)]))
  await expect(announce({ type: 'chat', port: 7000, data })).rejects.toThrow(LimitError)
})

test.each([
  ['type', { type: '' }, {}],
  ['except', {}, { except: 7 }],
  ['maxPeers', {}, { maxPeers: 0 }],
  ['maxPeersPerAddress', {}, { maxPeersPerAddress: Infinity }],
  ['port', {}, { port: 65_536 }],
])('discover refuses by name: %s', async (name, query, options) => {
  await expect(discover(query, options as never)).rejects.toThrow(`Invalid option ${name}: `)
})

test('refuses what is no object, an interface that is not there, and a port that another holds', async () => {
  await expect(announce(null as never)).rejects.toThrow(TypeError)
  await expect(discover('chat' as never)).rejects.toThrow(TypeError)
  await expect(discover({}, { ...here(), interfaces: ['none0'] })).rejects.toThrow(ListenError)
  const socket = createSocket('udp4').bind(0, '0.0.0.0')
  await once(socket, 'listening')
  await expect(discover({}, { port: socket.address().port })).rejects.toThrow(ListenError)
  socket.close()
})

test('an abort ends the attempt', async () => {
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  await expect(discover({}, { signal })).rejects.toBe(reason)
  const controller = new AbortController()
  const attempt = announce({ type: 'chat', port: 7000 }, { ...here(), signal: controller.signal })
  controller.abort(reason)
  await expect(attempt).rejects.toBe(reason)
})
