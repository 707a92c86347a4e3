/** A session as the table keeps it. */
export interface Seat<S> {
  readonly host: string
  readonly port: number
  readonly validated: boolean
  /** When something came last: a tick of the table's clock. */
  heardAt: number
  /** Neighbours in the order of hearing; the table's own. */
  older: S | undefined
  newer: S | undefined
}

/** How many sessions there may be. */
export interface SessionLimits {
  readonly maxSessions: number
  readonly maxSessionsPerAddress: number
}

/** A limit is met; whoever has to go for a newcomer, or nobody may be made to. */
export interface Pressure<S> {
  readonly limit: keyof SessionLimits
  readonly value: number
  readonly victim: S | undefined
}

/** What the table needs of a clock: ticks, and how many of them a session may be silent. */
export interface Ticks {
  readonly now: number
  readonly idleAfter: number
}

/**
 * The sessions of a listener: by remote address, and in the order in which they were heard.
 *
 * Who has to go when a newcomer finds no room (in all, or for sessions with its address; then one of those):
 *
 * 1. of the sessions that are not validated, the one that was not heard for the longest time;
 * 2. if all are validated, the one of them that was not heard for the longest time, but only when that is more
 *    than a quarter of `idleTimeout`;
 * 3. else nobody, and the newcomer is refused.
 *
 * So senders with forged addresses push out each other, and those who never proved theirs; never a validated
 * session that is in use.
 */
export class SessionTable<S extends Seat<S>> {
  readonly #limits: SessionLimits
  readonly #clock: Ticks
  /** By port first, which is cheaper to look up than a text; beyond one to a port, by host. */
  readonly #ports = new Map<number, S | Map<string, S>>()
  readonly #hosts = new Map<string, S[]>()
  readonly #validated = new Order<S>()
  readonly #others = new Order<S>()
  #size = 0

  constructor(limits: SessionLimits, clock: Ticks) {
    this.#limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  get now(): number {
    return this.#clock.now
  }

  find(host: string, port: number): S | undefined {
    const there = this.#ports.get(port)
    if (there instanceof Map) return there.get(host)
    return there?.host === host ? there : undefined
  }

  /** Which limit a newcomer from `host` meets, if any. */
  pressure(host: string): Pressure<S> | undefined {
    const { maxSessions, maxSessionsPerAddress } = this.#limits
    const near = this.#hosts.get(host) ?? []
    if (near.length >= maxSessionsPerAddress) {
      const first = near.reduce((one, other) => (goesBefore(other, one) ? other : one))
      return { limit: 'maxSessionsPerAddress', value: near.length + 1, victim: this.#yielding(first) }
    }
    if (this.#size < maxSessions) return undefined
    const victim = this.#yielding(this.#others.oldest ?? this.#validated.oldest)
    return { limit: 'maxSessions', value: this.#size + 1, victim }
  }

  add(session: S): void {
    const { host, port } = session
    const there = this.#ports.get(port)
    if (there === undefined) this.#ports.set(port, session)
    else if (there instanceof Map) there.set(host, session)
    else
      this.#ports.set(
        port,
        new Map([
          [there.host, there],
          [host, session],
        ]),
      )
    const near = this.#hosts.get(host)
    if (near) near.push(session)
    else this.#hosts.set(host, [session])
    this.#orderOf(session).add(session)
    this.#size++
  }

  /** Of no effect for a session that is not in the table any more. */
  delete(session: S): void {
    const { host, port } = session
    if (this.find(host, port) !== session) return
    const there = this.#ports.get(port)
    if (there instanceof Map && there.size > 1) there.delete(host)
    else this.#ports.delete(port)
    const near = this.#hosts.get(host) as S[]
    if (near.length === 1) this.#hosts.delete(host)
    else near.splice(near.indexOf(session), 1)
    this.#orderOf(session).remove(session)
    this.#size--
  }

  /** Something came in this tick. Moving it once a tick and not for each datagram is what makes the order cheap. */
  heard(session: S): void {
    session.heardAt = this.#clock.now
    const order = this.#orderOf(session)
    order.remove(session)
    order.add(session)
  }

  /** It is validated from now on. */
  promote(session: S): void {
    this.#others.remove(session)
    this.#validated.add(session)
  }

  /** Calls `end` for all that were not heard for too long, the oldest first. It must delete them. */
  expire(end: (session: S) => void): void {
    for (const order of [this.#others, this.#validated]) {
      while (order.oldest && this.#silence(order.oldest) > this.#clock.idleAfter) end(order.oldest)
    }
  }

  #orderOf(session: S): Order<S> {
    return session.validated ? this.#validated : this.#others
  }

  #yielding(session: S | undefined): S | undefined {
    if (!session?.validated) return session
    return this.#silence(session) > this.#clock.idleAfter / 4 ? session : undefined
  }

  #silence(session: S): number {
    return this.#clock.now - session.heardAt
  }
}

function goesBefore<S extends Seat<S>>(one: S, other: S): boolean {
  return one.validated === other.validated ? one.heardAt < other.heardAt : other.validated
}

/** Sessions in the order in which they were heard, to a tick. */
class Order<S extends Seat<S>> {
  oldest: S | undefined
  #newest: S | undefined

  add(session: S): void {
    session.older = this.#newest
    if (this.#newest) this.#newest.newer = session
    else this.oldest = session
    this.#newest = session
  }

  remove(session: S): void {
    const { older, newer } = session
    if (older) older.newer = newer
    else this.oldest = newer
    if (newer) newer.older = older
    else this.#newest = older
    session.older = session.newer = undefined
  }
}
