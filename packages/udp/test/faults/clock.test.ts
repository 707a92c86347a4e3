import { Deadline } from '@fairlead/core/transport'
import * as udp from '@fairlead/udp'
import { requests } from '@fairlead/udp/request'
import { afterEach, expect, test, vi } from 'vitest'

import { ServiceAnnouncement, firstAnnounce } from '../../src/discovery/announcement.ts'
import { ServiceDiscovery } from '../../src/discovery/discovery.ts'
import { Air } from '../discovery/tools.ts'
import { until } from '../tools.ts'
import { noneIsLeftToTheProcess } from './harness.ts'

noneIsLeftToTheProcess()
afterEach(() => vi.restoreAllMocks())

const day = 24 * 60 * 60 * 1_000
const jumps: [string, number][] = [
  ['forward', day],
  ['backward', -day],
]

function jump(by: number): void {
  const now = Date.now.bind(Date)
  vi.spyOn(Date, 'now').mockImplementation(() => now() + by)
}

test.each(jumps)(
  '22 the clock of the machine jumps %s by a day: who is idle expires, nobody else',
  async (_, by) => {
    await using listener = await udp.listen({ messages: 'text', idleTimeout: 100 }, (session) => ({
      onData: (message) => void session.write(message),
    }))
    const { port } = listener.address
    await using busy = await udp.connect({ port, messages: 'text' })
    await using idle = await udp.connect({ port, messages: 'text' })
    let echoes = 0
    busy.handle({ onData: () => void echoes++ })
    busy.write('ahoy')
    idle.write('ahoy')
    await until(() => listener.connections.size === 2)
    const sessions = [...listener.connections]
    jump(by)
    const since = performance.now()
    const timer = setInterval(() => busy.write('still here'), 5)
    await until(() => listener.stats().expired > 0)
    clearInterval(timer)
    // In ticks of a quarter: not before its time.
    expect(performance.now() - since).toBeGreaterThan(70)
    expect(listener.stats().expired).toBe(1)
    const busyOne = sessions.find((it) => it.remoteAddress.port === busy.localAddress.port)
    expect(busyOne?.state).toBe('open')
    expect(echoes).toBeGreaterThan(5)
  },
)

test.each(jumps)(
  '22 it jumps %s: cookies stay good, requests are answered once, peers stay',
  async (_, by) => {
    await using listener = await udp.listen({ validation: 'cookie', messages: 'text' }, (session) => ({
      onData: (message) => void session.write(message),
    }))
    await using server = requests(await udp.bind(), { answer: (question) => question })
    await using client = requests(await udp.bind())
    const air = new Air()
    const search = { type: '', except: undefined, maxPeers: 9, maxPeersPerAddress: 9 }
    const discovery = new ServiceDiscovery(await air.medium('10.0.0.1'), search)
    const service = { type: 'chat', name: 'anna', port: 7_000, data: {} }
    const announcement = new ServiceAnnouncement(await air.medium('10.0.0.2'), firstAnnounce(service, 90_000))
    await until(() => discovery.peers.size === 1)
    const pending = client.request('slow', { to: { host: '127.0.0.1', port: 9 }, timeout: 60_000 })
    pending.catch(() => {})
    jump(by)
    const connecting = udp.connect({ port: listener.address.port, validation: 'cookie', messages: 'text' })
    expect(Buffer.from(await client.request('x', { to: server.address })).toString()).toBe('x')
    await using peer = await connecting
    peer.write('ahoy')
    expect(await peer[Symbol.asyncIterator]().next()).toEqual({ value: 'ahoy', done: false })
    // All deadlines are looked at together: when this one has passed, the others were seen, too.
    await new Promise<void>((resolve) => new Deadline({ onDeadline: resolve }).set(1))
    expect(discovery.peers.size).toBe(1)
    expect(client.stats()).toMatchObject({ pending: 1, timeouts: 0 })
    expect(server.stats()).toMatchObject({ executed: 1, remembered: 1 })
    announcement.destroy()
    discovery.destroy()
    client.destroy()
    await expect(pending).rejects.toThrow()
  },
)
