import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'

/** A network that this machine is part of. */
export interface Network {
  /** This machine's address in it. */
  readonly host: string
  /** The address that reaches everybody in it. */
  readonly broadcast: string
  has(host: string): boolean
}

/** The IPv4 networks that lead out of this machine. */
export function networks(): Network[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address, netmask, cidr }) => {
      const members = new BlockList()
      members.addSubnet(address, Number(cidr?.split('/')[1] ?? 32))
      return { host: address, broadcast: broadcastOf(address, netmask), has: (host) => members.check(host) }
    })
}

/** The address of this machine that `peer` can reach; without a peer, or a common network, the first one. */
export function hostFor(peer?: string): string {
  const all = networks()
  const common = peer === undefined ? undefined : all.find((network) => network.has(peer))
  return (common ?? all[0])?.host ?? '127.0.0.1'
}

/** The host part all ones (RFC 919). */
function broadcastOf(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number)
  return address
    .split('.')
    .map((octet, at) => (Number(octet) | ~(mask[at] ?? 0)) & 255)
    .join('.')
}
