import type { CloseReason, Resource } from '@fairlead/core'

import type { IpAddress } from '../address/datagram.ts'
import { EventQueue } from './event-queue.ts'
import type { Random } from './jitter.ts'
import type { Medium } from './medium.ts'
import { encode, type Message } from './message.ts'
import { type DiscoveryStats, Participant } from './participant.ts'
import { type PeerLimits, PeerTable } from './peer-table.ts'
import type { DiscoveryEvent, Peer } from './peer.ts'
import { QuerySchedule } from './query-schedule.ts'

/** Milliseconds between two looks at who was not heard for too long. */
const lookEvery = 1_000

/**
 * Who is there, kept up to date for as long as this is open. Whoever called `discover` owns it.
 *
 * Iterating gives first those who are there, as `found`, then what happens. One reader at a time; `break` leaves
 * it open, and a later reader goes on from there. A slow reader misses steps in between, never the outcome: for
 * each peer one event waits at most. Closing ends the iteration.
 */
export interface Discovery extends Resource, AsyncIterable<DiscoveryEvent> {
  /** Who is there now, by `id`, the longest known first: a live view. */
  readonly peers: ReadonlyMap<string, Peer>
  stats(): DiscoveryStats
}

/** What is looked for, and how much is kept. */
export interface Search extends PeerLimits {
  /** Empty for all. */
  readonly type: string
  /** The id of an announcement that is not looked for. */
  readonly except: string | undefined
}

/** The {@link Discovery} over a medium, which it owns. */
export class ServiceDiscovery extends Participant implements Discovery {
  readonly #search: Search
  readonly #query: Uint8Array
  readonly #schedule: QuerySchedule
  readonly #events = new EventQueue()
  readonly #table: PeerTable
  #look = Infinity

  constructor(medium: Medium, search: Search, random: Random = Math.random) {
    super(medium)
    this.#search = search
    this.#query = encode({ kind: 'query', type: search.type })
    this.#schedule = new QuerySchedule(random)
    this.#table = new PeerTable(search, (event) => this.#events.push(event))
    this.start()
  }

  get peers(): ReadonlyMap<string, Peer> {
    return this.#table.peers
  }

  [Symbol.asyncIterator](): AsyncIterator<DiscoveryEvent, undefined> {
    return this.#events.iterate()
  }

  protected get refused(): number {
    return this.#table.refused
  }

  protected get next(): number {
    return Math.min(this.#schedule.next, this.#look)
  }

  protected restart(now: number): void {
    this.#schedule.restart(now)
  }

  protected hear(message: Message, from: IpAddress, now: number): void {
    if (message.kind !== 'announce' || message.id === this.#search.except) return
    if (this.#search.type !== '' && message.service.type !== this.#search.type) return
    this.#table.hear(message, from, now)
    if (!this.#table.isEmpty && this.#look === Infinity) this.#look = now + lookEvery
  }

  protected ring(now: number): number {
    if (this.#schedule.take(now)) this.medium.send(this.#query)
    if (now >= this.#look) {
      this.#table.expire(now)
      this.#look = this.#table.isEmpty ? Infinity : now + lookEvery
    }
    return this.next
  }

  protected override finish(reason: CloseReason): void {
    super.finish(reason)
    this.#events.end()
  }
}
