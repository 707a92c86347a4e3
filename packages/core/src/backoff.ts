import { checkFunction, checkOptions, checkPositive } from './checks.ts'

/** How to wait between attempts, and when to give up. All times are milliseconds. */
export interface BackoffOptions {
  /** The longest wait before the second attempt; it doubles with each one after. Default 1,000. */
  base?: number
  /** The longest wait of all. Default 30,000. */
  cap?: number
  /** Waits handed out before it gives up. Default 100, which with the other defaults is 24 minutes on average. */
  maxAttempts?: number
  /** No wait ends later than this after the first was asked for. By default time alone does not end it. */
  maxElapsed?: number
  /** A number from 0 up to and without 1. Default `Math.random`. */
  random?: () => number
  /** Milliseconds from any fixed point. Default `performance.now`. */
  clock?: () => number
}

/** The first wait is that of gRPC's connection backoff; a shorter one brings all clients back within it. */
const defaultBase = 1_000
const defaultCap = 30_000
const defaultMaxAttempts = 100

/**
 * Exponential back-off with full jitter: each wait is any time from zero to a ceiling that doubles until it
 * meets the cap. Clients that failed together come back spread over the whole of the ceiling, which costs the
 * server the least work of all ways to jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * It holds no timer: whoever asks waits.
 *
 * @example
 * ```ts
 * const backoff = new Backoff({ base: 100, maxAttempts: 2 })
 * backoff.next() // 0 to 100
 * backoff.next() // 0 to 200
 * backoff.next() // undefined
 * ```
 */
export class Backoff {
  readonly #base: number
  readonly #cap: number
  readonly #maxAttempts: number
  readonly #maxElapsed: number | undefined
  readonly #random: () => number
  readonly #clock: () => number
  #attempts = 0
  #since = 0

  /** @throws RangeError that names the option. */
  constructor(options: BackoffOptions = {}) {
    checkOptions('backoff', options)
    const { base = defaultBase, cap = Math.max(base, defaultCap), maxElapsed } = options
    const {
      maxAttempts = defaultMaxAttempts,
      random = Math.random,
      clock = () => performance.now(),
    } = options
    checkPositive('base', base)
    checkPositive('cap', cap)
    checkPositive('maxAttempts', maxAttempts)
    checkPositive('maxElapsed', maxElapsed)
    checkFunction('random', random)
    checkFunction('clock', clock)
    if (cap < base) throw new RangeError(`Invalid option cap: ${cap} is less than base ${base}`)
    this.#base = base
    this.#cap = cap
    this.#maxAttempts = maxAttempts
    this.#maxElapsed = maxElapsed
    this.#random = random
    this.#clock = clock
  }

  /** Waits handed out since the start or the last {@link reset}. */
  get attempts(): number {
    return this.#attempts
  }

  /** Milliseconds to wait before the next attempt, a whole number; undefined when it is time to give up. */
  next(): number | undefined {
    if (this.#attempts >= this.#maxAttempts) return undefined
    const ceiling = Math.min(this.#cap, this.#base * 2 ** this.#attempts)
    const delay = Math.floor(this.#random() * (ceiling + 1))
    if (this.#maxElapsed !== undefined) {
      const now = this.#clock()
      if (this.#attempts === 0) this.#since = now
      // A last wait cut to fit would bring everybody back in the same moment.
      if (now - this.#since + delay > this.#maxElapsed) return undefined
    }
    this.#attempts++
    return delay
  }

  /** What was attempted worked: begins anew. */
  reset(): void {
    this.#attempts = 0
  }
}
