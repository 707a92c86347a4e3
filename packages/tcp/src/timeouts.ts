import type { TimeoutPhase } from '@fairlead/core'
import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

import { type ConnectionOptions, defaultWriteTimeout } from './connection-options.ts'

/** What the time limits look at, and whom they tell. */
export interface Watched {
  readonly bytesIn: number
  /** Bytes that have left for the system. */
  readonly bytesGone: number
  /** Bytes that have not. */
  readonly buffered: number
  /** Whether anybody waits for the peer to say something. */
  readonly reading: boolean
  expire(phase: TimeoutPhase): void
}

/**
 * The time limits of one connection: `write`, `read`, `idle` and `total`.
 *
 * Nothing is noted when bytes pass. Now and then the counters are compared with what they were, which costs the
 * hot path nothing, and cannot mistake what this side does for a sign of the peer: handing data to `write`
 * changes no counter until the system took some of it. A limit is noticed a little late, never early.
 */
export class Timeouts implements DeadlineOwner {
  readonly #connection: Watched
  readonly #write: number
  readonly #read: number
  readonly #idle: number
  readonly #total: number
  readonly #interval: number
  readonly #deadline = new Deadline(this)
  readonly #bornAt = Deadline.now()
  #watching = false
  /** Whether it has to be looked at even while no output waits. */
  #always: boolean
  #bytesIn = 0
  #bytesGone = 0
  #heardAt = this.#bornAt
  #listeningSince = this.#bornAt
  #sentAt = this.#bornAt
  #waitingSince = this.#bornAt

  constructor(connection: Watched, options: ConnectionOptions) {
    this.#connection = connection
    this.#write = options.writeTimeout ?? defaultWriteTimeout
    this.#read = options.readTimeout ?? Infinity
    this.#idle = options.idleTimeout ?? Infinity
    this.#total = options.totalTimeout ?? Infinity
    const asked = Math.min(this.#read, this.#idle, this.#total)
    this.#interval = Math.min(this.#write, asked) / 8
    this.#always = asked !== Infinity
    if (this.#always) this.#watch()
  }

  /** Output waits; cheap to be told again. */
  outputWaits(): void {
    if (!this.#watching) this.#watch()
  }

  /** Somebody else writes to the socket from now on, and will not tell. */
  watchAlways(): void {
    this.#always = true
    this.outputWaits()
  }

  stop(): void {
    this.#deadline.release()
    this.#always = false
    this.#watching = true // so that it is not begun again
  }

  onDeadline(): void {
    const now = Deadline.now()
    this.#look(now)
    const phase = this.#expired(now)
    if (phase) {
      this.stop()
      this.#connection.expire(phase)
    } else if (this.#always || this.#connection.buffered > 0) {
      this.#deadline.set(this.#interval)
    } else {
      this.#watching = false
    }
  }

  #watch(): void {
    this.#watching = true
    this.#look(Deadline.now())
    this.#waitingSince = Deadline.now()
    this.#deadline.set(this.#interval)
  }

  #look(now: number): void {
    const { bytesIn, bytesGone, buffered, reading } = this.#connection
    if (bytesIn !== this.#bytesIn) this.#heardAt = now
    // Whoever does not read cannot say that the peer is silent.
    if (!reading) this.#listeningSince = now
    if (bytesGone !== this.#bytesGone) this.#sentAt = now
    if (buffered === 0) this.#waitingSince = now
    this.#bytesIn = bytesIn
    this.#bytesGone = bytesGone
  }

  #expired(now: number): TimeoutPhase | undefined {
    if (now - this.#bornAt >= this.#total) return 'total'
    if (now - Math.max(this.#sentAt, this.#waitingSince) >= this.#write) return 'write'
    if (now - Math.max(this.#heardAt, this.#listeningSince) >= this.#read) return 'read'
    if (now - Math.max(this.#heardAt, this.#sentAt) >= this.#idle) return 'idle'
    return undefined
  }
}
