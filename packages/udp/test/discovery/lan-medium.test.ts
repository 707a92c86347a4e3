import { expect, test } from 'vitest'

import { bind } from '../../src/bind.ts'
import { LanMedium } from '../../src/discovery/lan-medium.ts'
import { linksOf } from '../../src/discovery/link.ts'
import { encode } from '../../src/discovery/message.ts'
import { Senders } from '../../src/discovery/senders.ts'
import { InterfaceWatch } from '../../src/multicast/interface-watch.ts'
import { type NetworkInterface, readInterfaces } from '../../src/multicast/interfaces.ts'
import { until } from '../tools.ts'
import { ownPort } from './tools.ts'

const loopback = ['127.0.0.1']
const query = encode({ kind: 'query', type: 'chat' })

/** Interfaces as this test wants them, looked at when it says so. */
function watchOf(first: NetworkInterface[]): { watch: InterfaceWatch; change(to: NetworkInterface[]): void } {
  let list = first
  const watch = new InterfaceWatch({ read: () => list, every: () => () => {} })
  return {
    watch,
    change(to) {
      list = to
      watch.look()
    },
  }
}

async function listening(medium: LanMedium): Promise<{ heard: string[]; links: number }> {
  const told = { heard: [] as string[], links: 0 }
  medium.handle({
    onDatagram: (data) => void told.heard.push(Buffer.from(data).toString()),
    onLink: () => void told.links++,
  })
  return told
}

test('sends to itself and others on this machine; a link that goes and comes is told', async () => {
  const { watch, change } = watchOf(readInterfaces())
  const medium = await LanMedium.open({ port: ownPort(), family: 4, interfaces: loopback }, watch)
  const told = await listening(medium)
  medium.send(Buffer.from('one'))
  await until(() => told.heard.length === 1)
  change([])
  await new Promise((resolve) => setImmediate(resolve))
  change(readInterfaces())
  await until(() => told.links === 1)
  medium.send(Buffer.from('two'))
  await until(() => told.heard.length === 2)
  expect(told.heard).toEqual(['one', 'two'])
  expect(medium.stats()).toEqual({ sent: 2, sendErrors: 0, received: 2, foreign: 0 })
  await medium.close(1_000)
  medium.send(Buffer.from('three'))
  expect(medium.stats().sent).toBe(2)
  change([])
})

test('hears nobody who is on none of its links', async () => {
  // Alone in its network, and none of its own datagrams comes from there.
  const nowhere = readInterfaces().map((it) => (it.family === 4 ? { ...it, prefix: 32 } : it))
  const { watch } = watchOf(nowhere)
  const port = ownPort()
  const medium = await LanMedium.open({ port, family: 4, interfaces: loopback }, watch)
  const told = await listening(medium)
  const foreigner = await bind({ host: '127.0.0.66' })
  for (const data of [query, Buffer.from('no message of ours'), query]) {
    await foreigner.send(data, { host: '127.0.0.1', port })
  }
  await until(() => medium.stats().received === 3)
  // What is not ours is dropped, and counted, by whoever hears it.
  expect([medium.stats().foreign, told.heard]).toEqual([2, ['no message of ours']])
  foreigner.destroy()
  medium.destroy()
  medium.destroy()
})

test('hears nobody from a link that is not one of the chosen', async () => {
  const own = readInterfaces().map((it) => (it.family === 4 ? { ...it, prefix: 32 } : it))
  const other = { ...own[0], name: 'other0', host: '127.0.0.66', prefix: 32 } as NetworkInterface
  const { watch } = watchOf([...own, other])
  const port = ownPort()
  const medium = await LanMedium.open({ port, family: 4, interfaces: loopback }, watch)
  const told = await listening(medium)
  const foreigner = await bind({ host: '127.0.0.66' })
  await foreigner.send(query, { host: '127.0.0.1', port })
  await until(() => medium.stats().received === 1)
  expect([medium.stats().foreign, told.heard]).toEqual([1, []])
  foreigner.destroy()
  medium.destroy()
})

test('opens anew what was made anew, and says what could not be opened', async () => {
  const [link] = linksOf(readInterfaces(), 4, { port: ownPort(), interfaces: loopback, broadcast: false })
  if (!link) throw new Error('No loopback')
  const senders = new Senders()
  expect(await senders.follow([link])).toBe(true)
  expect(await senders.follow([link])).toBe(false)
  expect(senders.forget(6, [link.name])).toBe(false)
  expect(senders.forget(4, [link.name])).toBe(true)
  expect(await senders.follow([link])).toBe(true)
  // TEST-NET-1 (RFC 5737), as long as nobody has it.
  const gone = { ...link, key: 'gone', host: '192.0.2.77' }
  expect(await senders.follow([link, gone])).toBe(false)
  expect(senders.incomplete).toBe(true)
  await senders.follow([link])
  expect(senders.incomplete).toBe(false)
  await senders.close(1_000)
  expect(await senders.follow([])).toBe(false)
})

test('finds the links of each family, loopback first, with broadcast addresses where wanted', () => {
  const none = { netmask: '', prefix: 0, has: () => false }
  const all: NetworkInterface[] = [
    { ...none, name: 'eth0', family: 4, host: '10.0.0.7', internal: false, broadcast: '10.0.0.255' },
    { ...none, name: 'eth0', family: 4, host: '10.0.1.7', internal: false, broadcast: '10.0.1.255' },
    { ...none, name: 'eth0', family: 6, host: 'fe80::7', zone: 'eth0', internal: false },
    { ...none, name: 'lo', family: 4, host: '127.0.0.1', internal: true, broadcast: '127.255.255.255' },
  ]
  const options = { port: 17_996, interfaces: undefined, broadcast: true }
  expect(linksOf(all, 4, options)).toMatchObject([
    { name: 'lo', host: '127.0.0.1', to: [{ host: '239.255.70.76', port: 17_996 }] },
    { name: 'eth0', host: '10.0.0.7', to: [{ host: '239.255.70.76' }, { host: '10.0.0.255', port: 17_996 }] },
  ])
  expect(linksOf(all, 6, options)).toMatchObject([
    { name: 'eth0', host: '::', to: [{ host: 'ff12::464c:4431', zone: 'eth0', port: 17_996 }] },
  ])
  expect(linksOf(all, 4, { ...options, interfaces: ['lo'] }).map(({ name }) => name)).toEqual(['lo'])
})
