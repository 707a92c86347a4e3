import type { Destination } from '../address/datagram.ts'
import { bind } from '../bind.ts'
import type { NetworkInterface } from '../multicast/interfaces.ts'
import { placesOf } from '../multicast/multicast-interface.ts'
import type { UdpSocket } from '../socket.ts'

/**
 * Of IPv4's Local Scope, the smallest that is free to use (RFC 2365 section 6.1), and of IPv6's link-local scope,
 * not assigned by IANA for good (RFC 4291 section 2.7).
 */
export const groups = { 4: '239.255.70.76', 6: 'ff12::464c:4431' } as const

/** One interface, and one family on it: what datagrams are sent to, each from a socket of its own. */
export interface Link {
  /** The same for as long as nothing has changed. */
  readonly key: string
  readonly family: 4 | 6
  /** The interface's name. */
  readonly name: string
  /** The interface's address in IPv4; in IPv6, the system chooses a link-local one. */
  readonly host: string
  /** The group, and perhaps the broadcast address. */
  readonly to: readonly Destination[]
}

/** What links are chosen by. */
export interface LinkOptions {
  readonly port: number
  readonly interfaces: readonly string[] | undefined
  readonly broadcast: boolean
}

/** All links of one family, loopback first: whoever is on this machine is so heard there first. */
export function linksOf(all: readonly NetworkInterface[], family: 4 | 6, options: LinkOptions): Link[] {
  const { port, interfaces, broadcast } = options
  const rank = ([name]: readonly [string, unknown]): number =>
    all.some((it) => it.name === name && it.internal) ? 0 : 1
  const { forms } = placesOf(all, family, interfaces)
  return [...forms]
    .toSorted((a, b) => rank(a) - rank(b))
    .map(([name, [form = '']]) => {
      const zone = form.split('%')[1]
      const group = { host: groups[family], port, ...(zone !== undefined && { zone }) }
      const own = all.find((it) => it.name === name && it.host === form && !it.internal)
      const directed = broadcast && own?.broadcast !== undefined ? [{ host: own.broadcast, port }] : []
      const to = [group, ...directed]
      return { key: JSON.stringify([name, form, to]), family, name, host: family === 4 ? form : '::', to }
    })
}

/** The socket that sends there: the interface cannot be chosen for each datagram. @throws ListenError */
export async function openLink({ family, name, host, to }: Link): Promise<UdpSocket> {
  const socket = await bind({
    host,
    ipv6Only: family === 6,
    recvBufferSize: 4_096,
    multicastInterface: family === 4 ? host : name,
    multicastTtl: 1,
    multicastLoopback: true,
    broadcast: to.length > 1,
  })
  // Nobody has a reason to send here, and what goes wrong is counted.
  socket.handle({ onDatagram() {}, onTrouble() {} })
  return socket
}
