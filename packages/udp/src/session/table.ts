import { Ranking } from './ranking.ts'
import { type Rank, ranks, type Seat } from './seat.ts'

/** How many sessions there may be. */
export interface SessionLimits {
  readonly maxSessions: number
  readonly maxSessionsPerAddress: number
}

/** Limits of the table: of sessions, and of what is sent to a peer that is not validated. */
export interface TableLimits extends SessionLimits {
  readonly maxUnvalidatedDatagrams: number
}

/** A limit is met; whoever has to go for a newcomer, or nobody may be made to. */
export interface Pressure<S> {
  readonly limit: keyof SessionLimits
  readonly value: number
  readonly victim: Seat<S> | undefined
}

/** What the table needs of a clock: ticks, and how many of them a session may be silent. */
export interface Ticks {
  readonly now: number
  readonly idleAfter: number
}

/**
 * The sessions of a listener, each in its peer's seat: by remote address, and in the order in which they were heard.
 *
 * A session that ends leaves its seat to a tally of what was sent to the peer, if that was not validated, until
 * nothing came from there for the idle time. Else whoever ends each session after an answer would never have sent much.
 *
 * Who has to go when a newcomer finds no room, in all or for its network, stands in docs/UDP.md, "Who gives way". So
 * senders with forged addresses push out each other, and those who never proved theirs; never a validated
 * session that is in use. A tally that gave way is forgotten, so that a loop can be kept alive by those who forge as
 * many senders as there are places, for as long as they do; and whoever fills places with peers that had their share
 * holds half of them.
 */
export class SessionTable<S> {
  readonly #limits: TableLimits
  readonly #clock: Ticks
  /** By port first, which is cheaper to look up than a text; beyond one to a port, by host. */
  readonly #ports = new Map<number, Seat<S> | Map<string, Seat<S>>>()
  /** Most networks have one seat: what it takes to order them is made for the second. */
  readonly #networks = new Map<string, Seat<S> | Ranking<S>>()
  readonly #all = new Ranking<S>(['older', 'newer'])

  constructor(limits: TableLimits, clock: Ticks) {
    this.#limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#all.size
  }

  get now(): number {
    return this.#clock.now
  }

  find(host: string, port: number): Seat<S> | undefined {
    const there = this.#ports.get(port)
    if (there instanceof Map) return there.get(host)
    return there?.host === host ? there : undefined
  }

  /** Which limit a newcomer from `network` meets, if any. */
  pressure(network: string): Pressure<S> | undefined {
    const { maxSessions, maxSessionsPerAddress } = this.#limits
    const there = this.#networks.get(network)
    const near = there instanceof Ranking ? there.size : there ? 1 : 0
    if (near >= maxSessionsPerAddress) {
      const first = there instanceof Ranking ? there.first(maxSessionsPerAddress) : there
      return { limit: 'maxSessionsPerAddress', value: near + 1, victim: this.#yielding(first) }
    }
    if (this.size < maxSessions) return undefined
    return {
      limit: 'maxSessions',
      value: this.size + 1,
      victim: this.#yielding(this.#all.first(maxSessions)),
    }
  }

  /** Gives `session` a seat: a new one, or the one that its peer has had and left. */
  enter(seat: Seat<S>, session: S, validated: boolean): void {
    seat.session = session
    if (this.#holds(seat)) return this.#move(seat, ranks.unproved)
    seat.heardAt = this.#clock.now
    seat.rank = validated ? ranks.validated : ranks.unproved
    const { host, port, network } = seat
    const there = this.#ports.get(port)
    if (there === undefined) this.#ports.set(port, seat)
    else if (there instanceof Map) there.set(host, seat)
    else {
      const both = [
        [there.host, there],
        [host, seat],
      ] as const
      this.#ports.set(port, new Map(both))
    }
    const near = this.#networks.get(network)
    if (near instanceof Ranking) near.add(seat)
    else this.#networks.set(network, near ? rankingOf(near, seat) : seat)
    this.#all.add(seat)
  }

  /** The session of a seat is over. */
  leave(seat: Seat<S>): void {
    seat.session = undefined
    if (!this.#holds(seat)) return
    if (seat.validated || seat.sent === 0) this.delete(seat)
    else if (!seat.spent) this.#move(seat, ranks.vacant)
  }

  /** Of no effect for a seat that is not in the table any more. */
  delete(seat: Seat<S>): void {
    if (!this.#holds(seat)) return
    const { host, port, network } = seat
    const there = this.#ports.get(port)
    if (there instanceof Map && there.size > 1) there.delete(host)
    else this.#ports.delete(port)
    const near = this.#networks.get(network)
    if (near instanceof Ranking && near.size > 1) near.remove(seat)
    else this.#networks.delete(network)
    this.#all.remove(seat)
  }

  /** Something came in this tick. Moving it once a tick and not for each datagram is what makes the order cheap. */
  heard(seat: Seat<S>): void {
    if (seat.heardAt !== this.#clock.now) this.#move(seat, seat.rank, this.#clock.now)
  }

  /** A datagram was sent to a peer that is not validated. */
  sent(seat: Seat<S>): void {
    const { maxUnvalidatedDatagrams } = this.#limits
    if (maxUnvalidatedDatagrams === Infinity) return
    seat.sent++
    if (seat.sent >= maxUnvalidatedDatagrams && !seat.spent) this.#move(seat, ranks.spent)
  }

  /** It is validated from now on. */
  promote(seat: Seat<S>): void {
    this.#move(seat, ranks.validated)
  }

  /** Calls `end` for all that were not heard for too long, those of each rank in order. It must delete them. */
  expire(end: (seat: Seat<S>) => void): void {
    for (const order of this.#all.orders) {
      while (order.oldest && this.#silence(order.oldest) > this.#clock.idleAfter) end(order.oldest)
    }
  }

  #holds(seat: Seat<S>): boolean {
    return this.find(seat.host, seat.port) === seat
  }

  /** Of no effect for a seat that is not in the table any more. */
  #move(seat: Seat<S>, rank: Rank, heardAt = seat.heardAt): void {
    if (!this.#holds(seat)) return
    const near = this.#networks.get(seat.network)
    const rankings = near instanceof Ranking ? [this.#all, near] : [this.#all]
    for (const ranking of rankings) ranking.remove(seat)
    seat.rank = rank
    seat.heardAt = heardAt
    for (const ranking of rankings) ranking.add(seat)
  }

  #yielding(seat: Seat<S> | undefined): Seat<S> | undefined {
    if (!seat?.validated) return seat
    return this.#silence(seat) > this.#clock.idleAfter / 4 ? seat : undefined
  }

  #silence(seat: Seat<S>): number {
    return this.#clock.now - seat.heardAt
  }
}

function rankingOf<S>(...seats: Seat<S>[]): Ranking<S> {
  const ranking = new Ranking<S>(['elder', 'younger'])
  for (const seat of seats) ranking.add(seat)
  return ranking
}
