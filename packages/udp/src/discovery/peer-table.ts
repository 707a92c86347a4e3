import type { IpAddress } from '../datagram.ts'
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
 * names cannot push out those who were there before. Without a clock of its own.
 */
export class PeerTable {
  /** Those who are there, the longest known first. */
  readonly peers = new Map<string, Peer>()
  /** Announcements for which there was no room. */
  refused = 0
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
    if (record && announce.revision < record.announce.revision) return
    if (!this.#admits(record, source)) return void this.refused++
    const renewed = announce.revision !== record?.announce.revision
    const present = record ?? this.#begin(announce)
    if (renewed) present.announce = announce
    if (!present.sources.has(source)) this.#shares.set(source, (this.#shares.get(source) ?? 0) + 1)
    present.refresh(source, from, now)
    this.#show(present, renewed)
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
      if (record.sources.size === 0) this.#lose(record)
      else if (passed.length > 0) this.#show(record, false)
    }
  }

  #admits(record: PeerRecord | undefined, source: string): boolean {
    if (record?.sources.has(source)) return true
    if ((this.#shares.get(source) ?? 0) >= this.#limits.maxPeersPerAddress) return false
    return record ? !record.isFull : this.#records.size < this.#limits.maxPeers
  }

  #begin(announce: Announce): PeerRecord {
    const record = new PeerRecord(announce)
    this.#records.set(announce.id, record)
    return record
  }

  /** A goodbye counts from where its peer was heard. */
  #part(record: PeerRecord | undefined, source: string, now: number): void {
    if (!record?.sources.has(source) || record.goneUntil !== undefined) return
    record.goneUntil = now + goneFor
    this.#hide(record)
  }

  #lose(record: PeerRecord): void {
    this.#forget(record)
    this.#hide(record)
  }

  #forget(record: PeerRecord): void {
    for (const source of record.sources.keys()) this.#leave(record, source)
    this.#records.delete(record.announce.id)
  }

  #leave(record: PeerRecord, source: string): void {
    record.sources.delete(source)
    const share = (this.#shares.get(source) ?? 0) - 1
    if (share > 0) this.#shares.set(source, share)
    else this.#shares.delete(source)
  }

  #show(record: PeerRecord, renewed: boolean): void {
    const before = record.peer
    const peer = record.snapshot()
    this.peers.set(peer.id, peer)
    if (!before) this.#tell({ kind: 'found', peer })
    else if (renewed || sourceOf(before.address) !== sourceOf(peer.address))
      this.#tell({ kind: 'changed', peer })
  }

  #hide({ peer }: PeerRecord): void {
    if (!peer) return
    this.peers.delete(peer.id)
    this.#tell({ kind: 'lost', peer })
  }
}
