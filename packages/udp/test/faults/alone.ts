import { closeSync, openSync, readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'

import * as udp from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'
import { discover } from '@fairlead/udp/discovery'
import { requests } from '@fairlead/udp/request'

import { SessionListener } from '../../src/session/listener.ts'

export { networks } from './networks.ts'

/** What rejects, in words. */
async function refusal(opening: Promise<{ destroy(): void }>): Promise<string> {
  try {
    ;(await opening).destroy()
    return 'opened'
  } catch (error) {
    const { name, message } = error as Error
    return `${name}: ${message}`
  }
}

async function echoed(server: udp.UdpSocket, client: udp.UdpSocket): Promise<string> {
  client.write('still here', server.address)
  const reader = client[Symbol.asyncIterator]()
  const { value } = await reader.next()
  await reader.return?.()
  return Buffer.from(value?.data ?? []).toString()
}

/** With a limit of descriptors that is soon reached. */
export async function outOfDescriptors() {
  const server = await udp.bind()
  server.handle({ onDatagram: (data, from) => void server.write(data, from) })
  const client = await udp.bind()
  const member = await udp.bind({ host: '0.0.0.0', reuseAddr: true })
  member.handle({ onDatagram() {}, onTrouble() {} })
  // What the resolver and the timers need is there before.
  await echoed(server, client)
  udp.interfaces()
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    // That was the last.
  }
  const refused = {
    bind: await refusal(udp.bind()),
    listen: await refusal(udp.listen()),
    connect: await refusal(udp.connect({ port: 9 })),
    validated: await refusal(udp.connect({ port: 9, validation: 'cookie' })),
    discover: await refusal(discover({}, { interfaces: ['127.0.0.1'] })),
    join: joined(member),
    interfaces: udp.interfaces(),
    kernelDropped: String(client.stats().kernelDropped),
    echoed: await echoed(server, client),
  }
  for (const descriptor of taken) closeSync(descriptor)
  const again = await udp.bind()
  return { ...refused, after: await echoed(server, again) }
}

/** Whether it did something that can be understood. */
function joined(socket: udp.UdpSocket): boolean {
  try {
    socket.join('239.77.4.4', { interfaces: ['127.0.0.1'] })
    return true
  } catch (error) {
    return error instanceof Error && error.name === 'ListenError'
  }
}

const timers = (): string[] =>
  process.getActiveResourcesInfo().filter((it) => /UDP|Timeout|Immediate/.test(it))

/** Opens and closes everything there is, in every way. */
export async function startsAndStops() {
  const sink = await udp.bind()
  const { port } = sink.address
  const data = Buffer.from('x')
  const ways: (() => Promise<unknown>)[] = [
    async () => (await udp.bind()).close(),
    async () => (await udp.bind()).destroy(new Error('x')),
    async () => {
      const socket = await udp.bind()
      socket.write('x', sink.address)
      await socket.close()
    },
    async () => {
      const socket = await udp.bind({ lookup: () => new Promise(() => {}) })
      socket.write('x', { host: 'a.example', port })
      socket.destroy()
    },
    async () => {
      const peer = await udp.connect({ port })
      for (let at = 0; at < 3; at++) peer.write(data)
      peer.destroy()
    },
    async () => {
      const listener = await udp.listen({}, (session) => ({ onData: (it) => void session.write(it) }))
      const peer = await udp.connect({ port: listener.address.port })
      peer.write(data)
      await peer[Symbol.asyncIterator]().next()
      await Promise.all([peer.close(), listener.close({ grace: 0 })])
    },
    async () => {
      const listener = await udp.listen({ validation: 'cookie' })
      const peer = await udp.connect({ port: listener.address.port, validation: 'cookie' })
      peer.destroy()
      listener.destroy()
    },
    async () => bundle(await udp.connect({ port })).close(),
    async () => {
      const asking = requests(await udp.bind())
      asking.request('x', { to: sink.address }).catch(() => {})
      await asking.close()
    },
    async () => {
      const signal = AbortSignal.abort(new Error('x'))
      await udp.bind({ signal }).catch(() => {})
      const cancel = new AbortController()
      const opening = udp.bind({
        signal: cancel.signal,
        host: 'a.example',
        lookup: () => new Promise(() => {}),
      })
      cancel.abort()
      await opening.catch(() => {})
    },
    async () => {
      const socket = await udp.bind({ host: '0.0.0.0', reuseAddr: true })
      socket.join('239.77.4.5', { interfaces: ['127.0.0.1'] })
      await socket.close()
    },
    async () => void (await udp.bind({ port }).catch(() => {})),
  ]
  for (const way of ways) await way()
  await turn()
  const before = { descriptors: descriptors(), sockets: sockets() }
  let cycles = 0
  for (; cycles < 2_000; cycles += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, at) => (ways[(cycles + at) % ways.length] ?? turn)()))
  }
  await sink.close()
  for (let turns = 0; turns < 10; turns++) await turn()
  return {
    cycles,
    resources: timers(),
    descriptors: Math.max(0, descriptors() - before.descriptors),
    sockets: sockets(),
  }
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((it) => it.includes('UDP')).length
}

/** Heap in use, in bytes, when nothing is left to collect. */
async function heap(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    await turn()
    gc?.()
  }
  return process.memoryUsage().heapUsed
}

/** 100,000 senders, each with an address of its own, some of them real; and three peers that were there before. */
export async function manyStrangers() {
  const maxSessions = 2_000
  let accepted = 0
  const listener = await udp.listen({ maxSessions, messages: 'text' }, (session) => {
    accepted++
    return {
      onData(message) {
        if (message === 'peer') session.validate()
        session.send(message).catch(() => {})
      },
    }
  })
  const { port } = listener.address
  const peers = await Promise.all([1, 2, 3].map(() => udp.connect({ port, messages: 'text' })))
  const echoes = peers.map((peer) => peer[Symbol.asyncIterator]())
  const allEchoed = async (): Promise<boolean> => {
    for (const peer of peers) peer.write('peer')
    const heard = await Promise.all(echoes.map((echo) => echo.next()))
    return heard.every(({ value }) => value === 'peer')
  }
  const echoed = [await allEchoed()]
  const forge = forger(listener)
  // What the engine makes of it is made by then, too.
  for (let at = 0; at < 20_000; at++) forge(at)
  const full = await heap()
  let most = 0
  for (let at = 20_000; at < 100_000; at++) {
    forge(at)
    most = Math.max(most, listener.connections.size)
    if (at % 10_000 === 0) echoed.push(await allEchoed())
  }
  // Some that come over the wire.
  for (let at = 0; at < 200; at++) {
    const stranger = await udp.bind({ host: `127.1.${at >> 4}.${1 + (at & 15)}` })
    await stranger.send('stranger', listener.address)
    await stranger.close()
  }
  echoed.push(await allEchoed())
  const after = await heap()
  const { evicted, rejected, received, sent, sendErrors } = listener.stats()
  const result = {
    most,
    sessions: listener.connections.size,
    echoed: echoed.every(Boolean),
    validated: [...listener.connections].filter((it) => it.validated).length,
    booked: accepted === evicted + listener.connections.size,
    rejected,
    received: received - 100_000 - 3 * echoed.length,
    // Each is answered once at most; the forged ones nobody hears.
    answered: sent + sendErrors <= received,
    grown: (after - full) / 80_000,
  }
  await Promise.all([...peers.map((peer) => peer.close()), listener.close({ grace: 0 })])
  return { ...result, left: listener.connections.size }
}

/** Has datagrams come from addresses of nobody, as if the system had received them. */
function forger(listener: udp.UdpListener<string>): (number: number) => void {
  const { receive } = SessionListener.prototype
  const data = Buffer.from('stranger')
  return (number) => {
    const address = `127.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
    receive.call(listener, data, { address, port: 1_024 + (number % 60_000), family: 'IPv4' })
  }
}
