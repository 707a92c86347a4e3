import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

import type { SocketError } from '@fairlead/core'

import { InterfaceWatch } from '../../src/multicast/interface-watch.ts'
import { broadcastAddresses, interfaces } from '../../src/multicast/interfaces.ts'
import type { JoinOptions, MembershipChange } from '../../src/multicast/membership.ts'
import { Memberships } from '../../src/multicast/memberships.ts'
import { applyTraffic } from '../../src/opening/socket-options.ts'
import { Cable, ip } from './cable.ts'
import { Far } from './far.ts'
import { until } from './until.ts'

/** What a scenario works with: two cables to the far peer, both plugged in. */
interface Scene {
  readonly far: Far
  readonly first: Cable
  readonly second: Cable
}

/** Runs all scenarios; what each came to, or what it threw. */
export async function run(): Promise<Record<string, unknown>> {
  ip('link set lo up')
  const far = await Far.start()
  const results: Record<string, unknown> = {}
  for (const [name, scenario] of Object.entries(scenarios)) {
    far.heard = []
    const [first, second] = [new Cable(1, far), new Cable(2, far)]
    await first.plug()
    await second.plug()
    try {
      results[name] = await scenario({ far, first, second })
    } catch (error) {
      results[name] = String(error)
    }
    Near.closeAll()
    first.unplug()
    second.unplug()
  }
  far.stop()
  return results
}

const scenarios = {
  async everyInterface({ far, first, second }: Scene) {
    const near = await Near.open()
    const { interfaces: joined } = near.join('239.77.3.1')
    for (const it of [first, second]) await near.from(far, '239.77.3.1', { via: it.host(2) })
    await near.last(far, first)
    return { joined, heard: near.heard }
  },

  async oneInterface({ far, first, second }: Scene) {
    const near = await Near.open()
    const { interfaces: joined } = near.join('239.77.3.2', { interfaces: [second.near] })
    for (const it of [first, second]) await near.from(far, '239.77.3.2', { via: it.host(2) })
    await near.last(far, first)
    return { joined, heard: near.heard }
  },

  async everyIpv6Interface({ far, first, second }: Scene) {
    const near = await Near.open('udp6')
    const { interfaces: joined } = near.join('ff02::7703')
    for (const it of [first, second])
      await near.from(far, 'ff02::7703', { type: 'udp6', via: `::%${it.far}` })
    await until(() => near.heard.length === 2)
    return { joined, heard: near.heard }
  },

  async goneAndBack({ far, first, second }: Scene) {
    const near = await Near.open()
    const six = await Near.open('udp6')
    near.join('239.77.3.3')
    six.join('ff02::7704')
    second.unplug()
    await until(() => near.told.includes('-near2') && six.told.includes('-near2'))
    await second.plug()
    await until(() => near.told.at(-1) === '+near2' && six.told.at(-1) === '+near2')
    for (const it of [first, second]) {
      await near.from(far, '239.77.3.3', { via: it.host(2) })
      await six.from(far, 'ff02::7704', { type: 'udp6', via: `::%${it.far}` })
    }
    await until(() => near.heard.length === 2 && six.heard.length === 2)
    return { told: near.told, heard: near.heard, told6: six.told, heard6: six.heard }
  },

  /** The interface is made again before anybody looks: as a list, nothing has changed. */
  async behindOurBack({ far, second }: Scene) {
    let look = (): void => {}
    const watch = new InterfaceWatch({
      every: (it) => {
        look = it
        return () => {}
      },
    })
    const near = await Near.open('udp4', watch)
    const six = await Near.open('udp6', watch)
    near.join('239.77.3.4')
    six.join('ff02::7705')
    near.join('232.77.3.4', { source: second.host(2) })
    await turn()
    second.unplug()
    await second.plug()
    look()
    await near.from(far, '239.77.3.4', { via: second.host(2) })
    await near.from(far, '232.77.3.4', { via: second.host(2) })
    await six.from(far, 'ff02::7705', { type: 'udp6', via: `::%${second.far}` })
    await until(() => near.heard.length === 2 && six.heard.length === 1)
    return { told: near.told, heard: near.heard, told6: six.told, heard6: six.heard }
  },

  /** More often than a socket can be in groups: what is left behind must not count. */
  async newAddresses({ far, first }: Scene) {
    const near = await Near.open('udp4', new InterfaceWatch({ every: () => () => {} }))
    const watch = new InterfaceWatch({ every: (it) => ((near.look = it), () => {}) })
    const memberships = near.memberships(watch)
    const every = memberships.join('239.77.3.5', { interfaces: [first.near] })
    const source = memberships.join('232.77.3.5', { interfaces: [first.near], source: first.host(3) })
    for (let at = 101; at < 150; at++) {
      ip(`addr flush dev ${first.near} scope global`, `addr add 10.9.1.${at}/24 dev ${first.near}`)
      near.look()
    }
    await near.from(far, '239.77.3.5', { via: first.host(2) })
    await near.from(far, '232.77.3.5', { via: first.host(2), from: first.host(3) })
    await until(() => near.heard.length === 2)
    return { joined: [every.interfaces, source.interfaces], heard: near.heard, troubles: near.troubles }
  },

  async sourceOnly({ far, first }: Scene) {
    const near = await Near.open()
    near.join('232.77.3.6', { source: first.host(3) })
    const via = first.host(2)
    await near.from(far, '232.77.3.6', { via, from: first.host(2) })
    await near.from(far, '232.77.3.6', { via, from: first.host(3) })
    await near.last(far, first)
    return near.heard
  },

  async broadcast({ far }: Scene) {
    const { socket } = await Near.open()
    const port = await far.do('listen', {})
    const addresses = broadcastAddresses()
    const refused = await sent(socket, 'refused', port, addresses[0] ?? '')
    applyTraffic(socket, 4, { broadcast: true })
    for (const host of addresses) await sent(socket, 'ahoy', port, host)
    await until(() => far.heard.length === 2)
    return { refused, addresses, heard: far.heard }
  },

  /** What a member on this machine hears of each, and what the far one does. */
  async reach({ far, first, second }: Scene) {
    const near = await Near.open()
    near.join('239.77.3.7')
    const { port } = near.socket.address()
    await far.do('listen', { port, group: '239.77.3.7', via: [first.host(2), second.host(2)] })
    const ways = {
      'ttl 0': { multicastTtl: 0 },
      'ttl 1': { multicastTtl: 1 },
      'no loopback': { multicastLoopback: false },
      second: { multicastInterface: second.near },
    }
    for (const [name, options] of Object.entries(ways)) {
      const { socket } = await Near.open()
      applyTraffic(socket, 4, { multicastInterface: first.host(1), ...options })
      await sent(socket, name, port, '239.77.3.7')
    }
    await until(() => far.heard.length === 3 && near.heard.length === 3)
    return { near: near.heard, far: far.heard }
  },

  onLink({ first }: Scene) {
    const near = interfaces().filter(({ name }) => name === first.near)
    const asked = [first.host(2), '10.9.2.2', 'fe80::9:1:2%near1', 'fe80::9:1:2%near2']
    const answers = asked.map((host) => near.some((it) => it.has(host)))
    return { answers, broadcast: near.flatMap(({ broadcast = [] }) => broadcast) }
  },
}

/** A socket of this side, with memberships that look every 10 milliseconds. */
class Near {
  static readonly #open = new Set<Near>()
  readonly socket: Socket
  readonly heard: string[] = []
  readonly told: string[] = []
  readonly troubles: string[] = []
  look = (): void => {}
  readonly #family: 4 | 6
  readonly #all: Memberships[] = []
  readonly #memberships: Memberships

  private constructor(socket: Socket, family: 4 | 6, watch: InterfaceWatch) {
    this.socket = socket
    this.#family = family
    this.#memberships = this.memberships(watch)
    socket.on('message', (data, { address }) => this.heard.push(`${String(data)} from ${address}`))
  }

  static async open(
    type: 'udp4' | 'udp6' = 'udp4',
    watch = new InterfaceWatch({ interval: 10 }),
  ): Promise<Near> {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' }).bind(0)
    await once(socket, 'listening')
    const near = new Near(socket, type === 'udp4' ? 4 : 6, watch)
    this.#open.add(near)
    return near
  }

  static closeAll(): void {
    for (const near of this.#open) {
      for (const memberships of near.#all) memberships.end()
      near.socket.close()
    }
    this.#open.clear()
  }

  memberships(watch: InterfaceWatch): Memberships {
    const troubled = (error: SocketError): void => void this.troubles.push(error.message)
    const memberships = new Memberships(this.socket, this.#family, troubled, watch)
    this.#all.push(memberships)
    return memberships
  }

  join(group: string, options: JoinOptions = {}) {
    return this.#memberships.join(group, {
      ...options,
      onChange: ({ joined, left, failed }: MembershipChange) => {
        const failures = failed.map((it) => `!${it.interface}`)
        this.told.push(
          [...joined.map((it) => `+${it}`), ...left.map((it) => `-${it}`), ...failures].join(' '),
        )
      },
    })
  }

  /** Has the far peer send here, to a group. */
  async from(far: Far, host: string, facts: object): Promise<void> {
    await far.do('send', { text: host, host, port: this.socket.address().port, ...facts })
  }

  /** Waits until everything that was sent before has come, or never will. */
  async last(far: Far, cable: Cable): Promise<void> {
    await far.do('send', { text: 'last', host: cable.host(1), port: this.socket.address().port })
    await until(() => this.heard.at(-1)?.startsWith('last') ?? false)
    this.heard.pop()
  }
}

function sent(socket: Socket, text: string, port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => socket.send(text, port, host, (error) => resolve(error?.message)))
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
