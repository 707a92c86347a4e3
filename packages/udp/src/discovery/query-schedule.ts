import { delay, jittered, type Random } from './jitter.ts'

const times = 3
/** Milliseconds, doubled after each query. */
const firstGap = 1_000

/**
 * When to ask: three times, soon after the start and then after 1 s and 2 s, less some jitter. Whoever is not
 * heard then announces himself sooner or later.
 */
export class QuerySchedule {
  readonly #random: Random
  #asked = 0
  #next = Infinity

  constructor(random: Random) {
    this.#random = random
  }

  /** The time at which to ask {@link take}; Infinity when all is asked. */
  get next(): number {
    return this.#next
  }

  /** Begins anew: at the start, or when there is a new interface. */
  restart(now: number): void {
    this.#asked = 0
    this.#next = Math.min(this.#next, now + delay(this.#random))
  }

  /** Whether to ask now. */
  take(now: number): boolean {
    if (now < this.#next) return false
    const gap = firstGap * 2 ** this.#asked
    this.#next = ++this.#asked < times ? now + jittered(gap, this.#random) : Infinity
    return true
  }
}
