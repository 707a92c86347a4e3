import type { IpAddress } from '../address/datagram.ts'
import type { Announce } from './message.ts'
import { PeerRecord, sourceOf } from './peer-record.ts'
import { type DiscoveryEvent, type Peer } from './peer.ts'

/** Milliseconds for which a goodbye is remembered: longer than a datagram stays on a local network. */
const goneFor = 10_000

/** How many peers are kept. */
export interface PeerLimits {
  readonly maxPeers: number
  readonly maxPeersPerAddress: number
}

/**
 * Who is there, by what was announced. What it has no room for is refused: whoever floods the network with
 * names cannot push out those who are heard. Those who are not heard any more make room, whatever lifetime they
 * claimed. Without a clock of its own.
 */
export class PeerTable {
  /** Those who are there, the longest known first. */
  readonly peers = new Map<string, Peer>()
  /** Announcements for which there was no room. */
  refused = 0
  /** The one that was not heard for longest first. */
  readonly #records = new Map<string, PeerRecord>()
  /** How many records each address has a part in. */
  readonly #shares = new Map<string, number>()
  readonly #limits: PeerLimits
  readonly #tell: (event: DiscoveryEvent) => void

  constructor(limits: PeerLimits, tell: (event: DiscoveryEvent) => void) {
    this.#limits = limits
    this.#tell = tell
  }

  /** Whether there is nothing that could expire. */
  get isEmpty(): boolean {
    return this.#records.size === 0
  }

  hear(announce: Announce, from: IpAddress, now: number): void {
    const source = sourceOf(from)
    const record = this.#records.get(announce.id)
    if (announce.lifetime === 0) return this.#part(record, source, now)
    if (record?.goneUntil !== undefined) return
    if (!this.#admits(record, source, now)) return void this.refused++
    const present = record ?? new PeerRecord(announce.id)
    const isNew = !present.sources.has(source)
    if (!present.hear(source, from, announce, now)) return
    if (isNew) this.#shares.set(source, (this.#shares.get(source) ?? 0) + 1)
    this.#records.delete(present.id)
    this.#records.set(present.id, present)
    this.#show(present, now)
  }

  /** Forgets whoever was not heard for too long. */
  expire(now: number): void {
    for (const record of this.#records.values()) {
      if (record.goneUntil !== undefined) {
        if (record.goneUntil <= now) this.#forget(record)
        continue
      }
      const passed = [...record.sources].filter(([, { expires }]) => expires <= now)
      for (const [source] of passed) this.#leave(record, source)
      if (passed.length > 0) this.#settle(record, now)
    }
  }

  #admits(record: PeerRecord | undefined, source: string, now: number): boolean {
    if (record?.sources.has(source)) return true
    const { maxPeers, maxPeersPerAddress } = this.#limits
    const share = this.#shares.get(source) ?? 0
    if (share >= maxPeersPerAddress && !this.#freeShare(source, now)) return false
    if (record) return !record.isFull || this.#freeSource(record, now)
    return this.#records.size < maxPeers || this.#freePlace(now)
  }

  /** Lets go of a peer that this address does not speak of any more. */
  #freeShare(source: string, now: number): boolean {
    for (const record of this.#records.values()) {
      if (!record.sources.has(source) || !record.isSilent(now, source)) continue
      this.#leave(record, source)
      this.#settle(record, now)
      return true
    }
    return false
  }

  #freeSource(record: PeerRecord, now: number): boolean {
    const silent = record.silentSource(now)
    if (silent !== undefined) this.#leave(record, silent)
    return silent !== undefined
  }

  #freePlace(now: number): boolean {
    const [oldest] = this.#records.values()
    if (!oldest?.isSilent(now)) return false
    this.#lose(oldest)
    return true
  }

  /** A goodbye counts from where its peer was heard. */
  #part(record: PeerRecord | undefined, source: string, now: number): void {
    if (!record?.sources.has(source) || record.goneUntil !== undefined) return
    record.goneUntil = now + goneFor
    this.#hide(record)
  }

  /** A source has gone. */
  #settle(record: PeerRecord, now: number): void {
    if (record.sources.size === 0) this.#lose(record)
    else if (record.goneUntil === undefined) this.#show(record, now)
  }

  #lose(record: PeerRecord): void {
    this.#forget(record)
    if (record.goneUntil === undefined) this.#hide(record)
  }

  #forget(record: PeerRecord): void {
    for (const source of record.sources.keys()) this.#leave(record, source)
    this.#records.delete(record.id)
  }

  #leave(record: PeerRecord, source: string): void {
    record.sources.delete(source)
    const share = (this.#shares.get(source) ?? 0) - 1
    if (share > 0) this.#shares.set(source, share)
    else this.#shares.delete(source)
  }

  #show(record: PeerRecord, now: number): void {
    const before = record.peer
    const changed = record.renew(now)
    const peer = record.peer as Peer
    this.peers.set(peer.id, peer)
    if (!before) this.#tell({ kind: 'found', peer })
    else if (changed) this.#tell({ kind: 'changed', peer })
  }

  #hide({ peer }: PeerRecord): void {
    if (!peer) return
    this.peers.delete(peer.id)
    this.#tell({ kind: 'lost', peer })
  }
}
