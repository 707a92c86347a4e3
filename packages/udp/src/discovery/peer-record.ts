import type { IpAddress } from '../address/datagram.ts'
import type { Announce } from './message.ts'
import type { Peer } from './peer.ts'

/** The longest lifetime that is believed, in milliseconds. */
const maxLifetime = 3_600_000
/** Who announces does so every 30 s at least. Who was not heard for three times as long may lose his place. */
const silence = 90_000
/** A machine has several interfaces, and an address of each family on each. */
const maxSources = 8

/** What one address says of a peer. */
interface Source {
  readonly address: IpAddress
  announce: Announce
  heard: number
  expires: number
}

/**
 * What is kept of one peer, by where it was heard. Each address speaks for itself only: what it is, says the one
 * that is known longest, so that nobody else can speak for it who announces its id, however high his revision.
 */
export class PeerRecord {
  readonly id: string
  /** By host and zone, the longest known first. */
  readonly sources = new Map<string, Source>()
  /** It said goodbye: until then, what arrives late is not taken for a return. */
  goneUntil: number | undefined
  peer: Peer | undefined
  /** Of what {@link peer} shows. */
  #revision = 0

  constructor(id: string) {
    this.id = id
  }

  get isFull(): boolean {
    return this.sources.size >= maxSources
  }

  /** Whether nothing was heard of it, or nothing from this source, for too long to keep a place. */
  isSilent(now: number, source?: string): boolean {
    const asked = source === undefined ? this.sources.values() : [this.sources.get(source)]
    return Array.from(asked).every((it) => it === undefined || now - it.heard > silence)
  }

  /** A source that is silent. */
  silentSource(now: number): string | undefined {
    return [...this.sources.keys()].find((source) => this.isSilent(now, source))
  }

  /** False when what this source says is out of date. */
  hear(source: string, address: IpAddress, announce: Announce, now: number): boolean {
    const known = this.sources.get(source)
    if (known && announce.revision < known.announce.revision) return false
    const expires = now + Math.min(announce.lifetime, maxLifetime)
    if (!known) this.sources.set(source, { address, announce, heard: now, expires })
    else if (announce.revision === known.announce.revision) Object.assign(known, { heard: now, expires })
    else Object.assign(known, { announce, heard: now, expires })
    return true
  }

  /** Makes the snapshot anew. True when it says something else of the service, or has another address. */
  renew(now: number): boolean {
    const before = this.peer
    const known = [...this.sources.values()] as [Source, ...Source[]]
    // An interface that is down says nothing any more, and the others of the same peer do.
    const speaker = known.find(({ heard }) => now - heard <= silence) ?? known[0]
    const { service, revision } = speaker.announce
    const { type, name, port, data } = service
    const sources = known.toSorted((a, b) => rank(a.address) - rank(b.address))
    const addresses = sources.map(({ address }) => Object.freeze({ ...address, port }))
    const [address] = addresses as [IpAddress]
    const expires = Math.max(...sources.map((source) => source.expires))
    const { id } = this
    this.peer = Object.freeze({ id, type, name, address, addresses: Object.freeze(addresses), data, expires })
    const renewed = revision !== this.#revision
    this.#revision = revision
    return renewed || !before || sourceOf(before.address) !== sourceOf(address)
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
