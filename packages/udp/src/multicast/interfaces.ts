import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'

import { ipAddress } from '@fairlead/core'

import type { IpAddress } from '../address/datagram.ts'
import { literalOf } from '../address/literal.ts'
import { addressAt, bitsOf, networkOf } from './prefix.ts'

/** One address of one of this machine's interfaces, as data. An interface with three addresses is three of these. */
export interface NetworkInterface {
  /** What the system calls the interface: `eth0`, `lo`. */
  readonly name: string
  readonly family: 4 | 6
  /** This machine's address there, in canonical form and without a zone. */
  readonly host: string
  /** What stands behind the `%` of a link-local IPv6 address: the interface's name, on Windows its number. */
  readonly zone?: string
  readonly netmask: string
  /** How many leading bits the addresses on this link share. */
  readonly prefix: number
  /** Whether it leads nowhere but to this machine. */
  readonly internal: boolean
  /**
   * The address that reaches everybody on an IPv4 link (RFC 919, RFC 922). Links of one or two addresses
   * have none (RFC 3021), and neither has IPv6.
   */
  readonly broadcast?: string
  /**
   * Whether `host` is an address on this link; one with a zone only in this zone. What is no literal address
   * is on no link.
   */
  has(host: string): boolean
}

/** What the system's table of interfaces is read from. */
export type InterfaceSource = () => NodeJS.Dict<NetworkInterfaceInfo[]>

/**
 * The addresses of this machine's interfaces that are up, loopback included; a new list at each call, since
 * interfaces come and go. Empty where the system does not tell, as in some sandboxes.
 *
 * @example
 * ```ts
 * const isNeighbour = (host: string) => interfaces().some((it) => it.has(host))
 * socket.handle({
 *   onDatagram: (data, from) => console.log(isNeighbour(from.host) ? 'from near' : 'from afar', data.length),
 * })
 * ```
 */
export function interfaces(): NetworkInterface[] {
  try {
    return readInterfaces()
  } catch {
    return []
  }
}

/**
 * The directed broadcast address of each IPv4 link that leads out of this machine, each once. To send there,
 * the socket needs the option `broadcast`; routers drop it (RFC 2644), so it stays on its link.
 *
 * @example
 * ```ts
 * const socket = await bind({ host: '0.0.0.0', broadcast: true })
 * for (const host of broadcastAddresses()) await socket.send('who is there?', { host, port: 7000 })
 * ```
 */
export function broadcastAddresses(): string[] {
  const directed = interfaces().flatMap(({ internal, broadcast }) => (internal ? [] : (broadcast ?? [])))
  return [...new Set(directed)]
}

/** As {@link interfaces}, from any source. @throws whatever the source throws. */
export function readInterfaces(source: InterfaceSource = networkInterfaces): NetworkInterface[] {
  return Object.entries(source()).flatMap(([name, infos = []]) => infos.map((info) => entryOf(name, info)))
}

function entryOf(label: string, info: NetworkInterfaceInfo): NetworkInterface {
  // Linux lists IPv4 aliases by their labels, `eth0:1`; the interface is what stands before the colon.
  const [name = label] = label.split(':')
  const address = ipAddress(info.address, 0)
  const { family, host } = address
  const zone = zoneOf(name, address, info)
  const prefix = Number(info.cidr?.split('/')[1] ?? (family === 4 ? 32 : 128))
  const network = networkOf(address, prefix)
  const has = (other: string): boolean => {
    const asked = literalOf(other)
    if (asked?.family !== family || (asked.zone ?? zone) !== zone) return false
    return networkOf(asked, prefix) === network
  }
  return {
    name,
    family,
    host,
    ...(zone !== undefined && { zone }),
    netmask: info.netmask,
    prefix,
    internal: info.internal,
    ...(family === 4 && prefix < 31 && { broadcast: broadcastOf(address, prefix) }),
    has,
  }
}

function zoneOf(name: string, { family, host }: IpAddress, info: NetworkInterfaceInfo): string | undefined {
  // fe80::/10 (RFC 4291 section 2.5.6).
  if (family === 4 || !/^fe[89ab]/.test(host)) return undefined
  const index = 'scopeid' in info && info.scopeid
  return process.platform === 'win32' && index ? String(index) : name
}

/** The host part all ones (RFC 919 section 7). */
function broadcastOf(address: IpAddress, prefix: number): string {
  return addressAt(bitsOf(address) | ((1n << BigInt(32 - prefix)) - 1n))
}
