import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, vi } from 'vitest'

import { DatagramPeer } from './datagrams.ts'
import { type Driver, printsItsComments } from './driver.ts'
import type { Recipe } from './recipes.ts'
import { Running } from './running.ts'

async function echo(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const port = await running.port()
  const peer = await DatagramPeer.open()
  for (const text of ['ahoy', 'again']) {
    peer.say(text, port)
    await peer.hears(text)
  }
  await running.interrupt()
  await peer.close()
}

async function onePeer(recipe: Recipe): Promise<void> {
  const first = await DatagramPeer.open()
  const { port } = first
  const running = await Running.start(recipe, { ports: { 7125: port } })
  await first.hears('requests:1|c')
  await first.close()
  await running.prints(new RegExp(`^Cannot send to 127\\.0\\.0\\.1:${port}: connection refused$`, 'gm'))
  const second = await DatagramPeer.open({ port })
  await second.hears('requests:1|c', 2)
  await running.interrupt()
  await second.close()
}

async function collector(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const port = await running.port()
  const peer = await DatagramPeer.open()
  for (const text of ['requests:1|c', 'requests:2|c\nerrors:1|c\n', 'nonsense']) peer.say(text, port)
  await running.prints(/^3 datagrams, 0 dropped, (?:0|who knows how many) by the kernel; 1 lines unread$/gm)
  expect(running.output).toMatch(/^requests 3\nerrors 1\n3 datagrams/m)
  await running.interrupt()
  await peer.close()
}

async function onceForMany(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const port = await running.port()
  const peer = await DatagramPeer.open()
  const said = Array.from({ length: 100 }, (_, index) => `line ${index}`)
  for (const text of said) peer.say(text, port)
  const log = join(running.folder, 'datagrams.log')
  const written = (): string[] => {
    const lines = readFileSync(log, { encoding: 'utf8', flag: 'a+' }).trimEnd().split('\n')
    return lines.map((line) => Buffer.from(line.replace(/^127\.0\.0\.1 /, ''), 'base64').toString())
  }
  await vi.waitFor(() => expect(written()).toEqual(said), { timeout: 30_000 })
  await running.interrupt()
  await peer.close()
}

async function discovery(recipe: Recipe): Promise<void> {
  // Keeps the port, which all of them share, from everybody else.
  const keeper = await DatagramPeer.open({ group: '239.255.70.76' })
  const start = (name: string): Promise<Running> =>
    Running.start(recipe, { ports: { 7996: keeper.port }, args: [name] })
  const [anna, berta] = [await start('anna'), await start('berta')]
  await anna.prints(/^found: berta$/gm)
  await anna.prints(/^ahoy from berta$/gm)
  await berta.prints(/^found: anna$/gm)
  await berta.prints(/^ahoy from anna$/gm)
  await berta.interrupt()
  await anna.prints(/^lost: berta$/gm)
  await anna.interrupt()
  await keeper.close()
}

async function multicastChat(recipe: Recipe): Promise<void> {
  const group = '239.255.7.7'
  const peer = await DatagramPeer.open({ group })
  const running = await Running.start(recipe, { ports: { 7007: peer.port } })
  await running.prints(/^joined on \w+$/gm)
  running.type('ahoy')
  await peer.hears('ahoy')
  await running.prints(/^127\.0\.0\.1: ahoy$/gm)
  peer.say('\x1b[31mred', peer.port, group)
  await running.prints(/^127\.0\.0\.1: \[31mred$/gm)
  running.endInput()
  await running.endsWell()
  await peer.close()
}

async function watching(recipe: Recipe): Promise<void> {
  const running = await Running.start(recipe)
  const [socket, listener] = await running.prints(/^listening: .*"port":(\d+)/gm, 2)
  await running.prints(new RegExp(`^bound: 127\\.0\\.0\\.1:${socket}$`, 'gm'))
  const peer = await DatagramPeer.open()
  peer.say('ahoy', Number(listener))
  await peer.hears('ahoy')
  await running.prints(new RegExp(`^in: 127\\.0\\.0\\.1:${peer.port}$`, 'gm'))
  running.signal('SIGUSR2')
  await running.prints(/^no new sessions$/gm)
  const late = await DatagramPeer.open()
  late.say('ahoy', Number(listener))
  await running.prints(/^refused: suspended$/gm)
  peer.say('ahoy', Number(socket))
  await running.interrupt()
  expect(running.output).toMatch(/^unbound: local, \d bytes in$/m)
  expect(running.output).toMatch(/^out: shutdown, 4 bytes in, 4 out$/m)
  await peer.close()
  await late.close()
}

const udp = (heading: string): string => `packages/udp/README.md: ${heading}`

export const udpDrivers: ReadonlyMap<string, Driver> = new Map([
  [udp('@fairlead/udp'), printsItsComments],
  [udp('Echo'), echo],
  [udp('One peer'), onePeer],
  [udp('A collector'), collector],
  [udp('Once for many'), onceForMany],
  [udp('One handler on TCP and UDP'), printsItsComments],
  [udp('A greeting'), printsItsComments],
  [udp('Who fell silent'), printsItsComments],
  [udp('Requests with retries'), printsItsComments],
  [udp('Discovery on the local network'), discovery],
  [udp('Multicast chat'), multicastChat],
  [udp('Many small messages'), printsItsComments],
  [udp('Sending to names'), printsItsComments],
  [udp('Watching'), watching],
  [udp('Tests without sockets'), printsItsComments],
])
