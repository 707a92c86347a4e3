import type { IpAddress } from '../datagram.ts'
import type { Announce } from './message.ts'
import type { Peer } from './peer.ts'

/** The longest lifetime that is believed, in milliseconds. */
export const maxLifetime = 3_600_000
/** A machine has several interfaces, and an address of each family on each. */
const maxSources = 8

interface Source {
  readonly address: IpAddress
  expires: number
}

/** What is kept of one announcement: the newest revision, and where it was heard. */
export class PeerRecord {
  /** By host and zone. */
  readonly sources = new Map<string, Source>()
  /** It said goodbye: until then, what arrives late is not taken for a return. */
  goneUntil: number | undefined
  peer: Peer | undefined
  announce: Announce

  constructor(announce: Announce) {
    this.announce = announce
  }

  get isFull(): boolean {
    return this.sources.size >= maxSources
  }

  refresh(source: string, address: IpAddress, now: number): void {
    const expires = now + Math.min(this.announce.lifetime, maxLifetime)
    const known = this.sources.get(source)
    if (known) known.expires = expires
    else this.sources.set(source, { address, expires })
  }

  /** Makes the snapshot anew. */
  snapshot(): Peer {
    const { id, service } = this.announce
    const { type, name, port, data } = service
    const sources = [...this.sources.values()].toSorted((a, b) => rank(a.address) - rank(b.address))
    const addresses = sources.map(({ address }) => Object.freeze({ ...address, port }))
    const [address] = addresses as [IpAddress]
    const expires = Math.max(...sources.map((source) => source.expires))
    this.peer = Object.freeze({ id, type, name, address, addresses: Object.freeze(addresses), data, expires })
    return this.peer
  }
}

/** What is most likely to be reached: whoever binds to all addresses of IPv4 is not heard over IPv6. */
function rank({ family, host }: IpAddress): number {
  if (family === 6) return 2
  return host.startsWith('127.') ? 0 : 1
}

/** Where a datagram came from, without the port: each of a machine's sockets has another. */
export function sourceOf({ host, zone }: IpAddress): string {
  return zone === undefined ? host : `${host}%${zone}`
}
