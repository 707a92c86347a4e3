import type { Pool, PoolStats } from './pool.ts'

/** What a client counted since it was made; a copy, which may be asked for as often as one likes. */
export interface ClientStats {
  /** Requests that were made, each hop of a redirect among them. */
  readonly requests: number
  /** Of these, how many are not over now: answered to the last byte, or failed. */
  readonly active: number
  /** Requests that failed, or were aborted, before their answer or in the middle of it. */
  readonly failed: number
  /** How often a request was sent once more, because the server cannot have done anything with it. */
  readonly retries: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** How the pools stand, by what they connect to; those of one origin with different sockets together. */
  readonly origins: Readonly<Record<string, PoolStats>>
}

/** The counts behind {@link ClientStats}. */
export class Counters {
  requests = 0
  active = 0
  failed = 0
  retries = 0
  #bytesIn = 0
  #bytesOut = 0

  pass(bytesIn: number, bytesOut: number): void {
    this.#bytesIn += bytesIn
    this.#bytesOut += bytesOut
  }

  copy(pools: Iterable<Pool>): ClientStats {
    const origins: Record<string, PoolStats> = {}
    for (const pool of pools) {
      const before = origins[pool.origin]
      const now = pool.stats()
      origins[pool.origin] = before ? sum(before, now) : now
    }
    const { requests, active, failed, retries } = this
    return { requests, active, failed, retries, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, origins }
  }
}

function sum(one: PoolStats, other: PoolStats): PoolStats {
  return {
    connections: one.connections + other.connections,
    idle: one.idle + other.idle,
    connecting: one.connecting + other.connecting,
    queued: one.queued + other.queued,
  }
}
