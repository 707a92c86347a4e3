import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import * as udp from '@fairlead/udp'
import { announce, discover } from '@fairlead/udp/discovery'

import { interfaceWatch } from '../../src/multicast/interface-watch.ts'
import { ip } from '../namespaces/cable.ts'
import { until } from '../namespaces/until.ts'

/** Runs all that follow, inside a network namespace; what each came to, or what it threw. */
export async function networks(): Promise<Record<string, unknown>> {
  const scenarios = { down, addressGone, interfaceGone, sessions, discovery, slowLink, resolverHangs }
  const came: Record<string, unknown> = {}
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      came[name] = await scenario()
    } catch (error) {
      came[name] = String((error as Error).stack)
    }
  }
  return came
}

/** Both ends of it are here: what is sent from one address to the other goes by loopback, as long as both are there. */
function plug(): void {
  ip(
    'link add near type veth peer name far',
    'addr add 10.9.1.1/24 broadcast + dev near',
    'addr add 10.9.2.1/24 broadcast + dev far',
    'link set near up',
    'link set far up',
  )
}

const unplug = (): void => ip('link delete near')

const note = (told: string[]) => ({ onTrouble: (error: Error) => void told.push(error.message) })

async function down() {
  const told: string[] = []
  const [four, six] = [await udp.bind({ host: '0.0.0.0' }), await udp.bind({ host: '::' })]
  for (const socket of [four, six]) socket.handle({ onDatagram() {}, ...note(told) })
  await four.send('x', { host: '10.9.9.2', port: 9 })
  await six.send('x', { host: 'ff02::7709', port: 9 })
  await until(() => told.length === 2)
  const connect = await udp.connect({ host: '10.9.9.2', port: 9 }).then(String, String)
  let join = 'joined'
  try {
    four.join('239.77.9.1')
  } catch (error) {
    join = (error as Error).name
  }
  const states = [four.state, six.state]
  const sendErrors = [four.stats().sendErrors, six.stats().sendErrors]
  ip('link set lo up')
  const other = await udp.bind()
  await four.send('ahoy', other.address)
  const { value } = await other[Symbol.asyncIterator]().next()
  await Promise.all([four.close(), six.close(), other.close()])
  return { told, states, sendErrors, connect, join, after: String(Buffer.from(value?.data ?? [])) }
}

async function addressGone() {
  plug()
  const told: string[] = []
  const socket = await udp.bind({ host: '10.9.1.1' })
  const other = await udp.bind({ host: '10.9.2.1' })
  const peer = await udp.connect({ ...other.address, messages: 'text' })
  const closed: string[] = []
  socket.handle({ onDatagram() {}, onClose: ({ kind }) => void closed.push(kind), ...note(told) })
  peer.handle({ onData() {}, onClose: ({ kind }) => void closed.push(kind), ...note(told) })
  const heard: string[] = []
  other.handle({ onDatagram: (data) => void heard.push(String(Buffer.from(data))) })
  await socket.send('ahoy', other.address)
  await until(() => heard.length === 1)
  // The address that it is bound to, and the one that the other is connected to.
  ip('addr flush dev near scope global', 'addr flush dev far scope global')
  for (let at = 0; at < 20; at++) {
    await socket.send('lost', other.address)
    await peer.send('lost')
  }
  await until(() => told.length >= 20)
  const failed = socket.stats().sendErrors === 20
  ip('addr add 10.9.1.1/24 dev near', 'addr add 10.9.2.1/24 dev far')
  await socket.send('ahoy', other.address)
  await peer.send('ahoy')
  await until(() => heard.length === 3)
  const books =
    socket.stats().sent + socket.stats().sendErrors === 22 &&
    peer.stats().sent + peer.stats().sendErrors === 21
  const result = { before: heard[0], failed, closed: [...closed], after: heard[2], books }
  await Promise.all([socket.close(), other.close(), peer.close()])
  unplug()
  return result
}

async function interfaceGone() {
  plug()
  const [told, troubles, heard]: [string[], string[], string[]] = [[], [], []]
  const socket = await udp.bind({ host: '0.0.0.0', reuseAddr: true })
  socket.handle({ onDatagram: (data) => void heard.push(String(Buffer.from(data))), ...note(troubles) })
  socket.join('239.77.9.2', {
    interfaces: ['lo', 'near'],
    onChange: ({ joined, left }) =>
      void told.push([...joined.map((it) => `+${it}`), ...left.map((it) => `-${it}`)].join(' ')),
  })
  await until(() => told.length === 1)
  const say = async (text: string): Promise<void> => {
    const speaker = await udp.bind({ host: '10.9.1.1', multicastInterface: 'near' })
    await speaker.send(text, { host: '239.77.9.2', port: socket.address.port })
    await speaker.close()
  }
  await say('before')
  await until(() => heard.length === 1)
  unplug()
  interfaceWatch.look()
  await until(() => told.length === 2)
  plug()
  interfaceWatch.look()
  await until(() => told.length === 3)
  await say('after')
  await until(() => heard.length === 2)
  const result = {
    told,
    troubles: troubles.filter((it) => !it.includes('no such interface')),
    heard,
    state: socket.state,
  }
  await socket.close()
  unplug()
  return result
}

async function sessions() {
  plug()
  const troubles: string[] = []
  const listener = await udp.listen({ host: '10.9.1.1', messages: 'text' }, (session) => {
    session.validate()
    return { onData: (message) => void session.write(message), ...note(troubles) }
  })
  const peer = await udp.connect({ ...listener.address, messages: 'text' })
  const echoed: string[] = []
  peer.handle({ onData: (message) => void echoed.push(message), onTrouble() {} })
  await peer.send('before')
  await until(() => echoed.length === 1)
  const [session] = listener.connections
  ip('addr flush dev near scope global')
  for (let at = 0; at < 5; at++) {
    await session?.send('lost')
    await peer.send('lost')
  }
  await until(() => listener.stats().sent + listener.stats().sendErrors >= 6)
  const states = [listener.state, session?.state, peer.state]
  ip('addr add 10.9.1.1/24 dev near')
  await until(() => {
    if (echoed.at(-1) !== 'after') peer.write('after')
    return echoed.at(-1) === 'after'
  })
  const { sendErrors, sent } = listener.stats()
  await Promise.all([peer.close(), listener.close()])
  unplug()
  return {
    states,
    echoed: [...new Set(echoed.filter((it) => it !== 'lost'))],
    troubled: sendErrors > 0 ? troubles.length > 0 : sent > 0,
  }
}

async function discovery() {
  plug()
  const options = { port: 17_997, interfaces: ['near'], family: 4 } as const
  const announcement = await announce({ type: 'chat', port: 7_000 }, options)
  const search = await discover({ type: 'chat' }, options)
  await until(() => search.peers.size === 1)
  const found = search.peers.size
  unplug()
  interfaceWatch.look()
  await sleep(20)
  announcement.update({ data: { again: 'yes' } })
  plug()
  interfaceWatch.look()
  await until(() => [...search.peers.values()][0]?.data['again'] === 'yes')
  const result = { states: [announcement.state, search.state], found, again: search.peers.size }
  await Promise.all([announcement.close(), search.close()])
  unplug()
  return result
}

/** A megabit a second, and a send buffer that is soon full. */
async function slowLink() {
  plug()
  try {
    ip('neigh add 10.9.1.2 lladdr 02:00:00:00:00:02 dev near')
    execFileSync('tc', 'qdisc add dev near root tbf rate 1mbit burst 2kb limit 10mb'.split(' '), {
      stdio: 'pipe',
    })
  } catch (error) {
    unplug()
    return `no slow links are made here: ${String(error)}`
  }
  const to = { host: '10.9.1.2', port: 9 }
  const datagrams = 100
  const open = (policy: 'drop-newest' | 'drop-oldest' | 'block') =>
    udp.bind({ host: '10.9.1.1', sendBufferSize: 4_096, sendQueue: { datagrams, policy } })
  const data = Buffer.alloc(1_000)
  const policies: Record<string, unknown> = {}
  const before = process.memoryUsage().rss
  for (const policy of ['drop-newest', 'drop-oldest', 'block'] as const) {
    const socket = await open(policy)
    let refused = 0
    let most = 0
    for (let at = 0; at < 20_000; at++) {
      try {
        socket.write(data, to)
      } catch {
        refused++
      }
      most = Math.max(most, socket.buffered)
    }
    socket.destroy()
    const booked = (): boolean => {
      const { sent, sendErrors, sendDropped } = socket.stats()
      return sent + sendErrors + sendDropped + refused === 20_000
    }
    await until(booked)
    // What the system took at once counts until its callback has come, in the next turn.
    policies[policy] = {
      bounded: most < 2 * 1_000 * (datagrams + 256),
      booked: booked(),
      dropped: socket.stats().sendDropped > 15_000,
    }
  }
  const grew = process.memoryUsage().rss - before > 200 * 1024 * 1024
  const socket = await open('drop-newest')
  for (let at = 0; at < 500; at++) socket.write(data, to)
  const since = performance.now()
  await socket.close({ grace: 50 })
  const late = performance.now() - since > 500
  const { kind } = await socket.closed
  await until(() => socket.stats().sent + socket.stats().sendErrors + socket.stats().sendDropped === 500)
  const result = { policies, grew, close: { kind, late, booked: true } }
  unplug()
  return result
}

/** The system's own resolver, which asks a server that never answers. */
async function resolverHangs() {
  const folder = mkdtempSync(join(tmpdir(), 'resolver-'))
  const settings = join(folder, 'resolv.conf')
  writeFileSync(settings, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  try {
    execFileSync('mount', ['--bind', settings, '/etc/resolv.conf'], { stdio: 'pipe' })
  } catch (error) {
    return `the resolver's settings cannot be changed here: ${String(error)}`
  } finally {
    rmSync(folder, { recursive: true })
  }
  const server = await udp.bind({ port: 53 })
  const other = await udp.bind()
  const { port } = other.address
  const [socket, closing] = [await udp.bind(), await udp.bind()]
  const told: string[] = []
  socket.handle({ onDatagram() {}, ...note(told) })
  // One at a time: the runtime has two threads for names, in all, so that two that hang stop every other name.
  socket.write('x', { host: 'slow.example', port })
  await until(() => server.stats().received > 0)
  // By the hosts file, and not by a resolver at all.
  await socket.send('x', { host: 'localhost', port })
  await socket.send('x', { host: '127.0.0.1', port })
  await until(() => other.stats().received === 2)
  const before = [...told]
  await until(() => told.length === 1)
  closing.write('x', { host: 'slow.example', port })
  const since = performance.now()
  await closing.close({ grace: 10 })
  const late = performance.now() - since > 500
  const { sent, sendErrors } = socket.stats()
  const result = {
    before,
    late,
    told,
    books: [sent, sendErrors, closing.stats().sendErrors],
    state: socket.state,
  }
  await Promise.all([server.close(), other.close(), socket.close()])
  return result
}
