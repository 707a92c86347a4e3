import { checkPositive } from './checks.ts'
import { Deadline } from './deadline.ts'

/** How often something may happen. */
export interface Rate {
  /** In the long run. */
  perSecond: number
  /** At once, after a time of rest. Default: as many as in one second. */
  burst?: number
}

/** Refuses, by name, what is no rate. */
export function checkRate(name: string, rate: Rate | undefined): void {
  if (rate === undefined) return
  // The one option without a default.
  checkPositive(`${name}.perSecond`, (rate as Rate | null)?.perSecond ?? NaN)
  checkPositive(`${name}.burst`, rate.burst)
}

/** Lets happen what a {@link Rate} allows: a bucket of `burst` tokens into which `perSecond` new ones drop. */
export class TokenBucket {
  readonly #perMillisecond: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #filledAt: number

  /** Goes by the clock of deadlines, unless it is given another. */
  constructor({ perSecond, burst = perSecond }: Rate, now: () => number = () => Deadline.now()) {
    this.#perMillisecond = perSecond / 1_000
    this.#burst = burst
    this.#now = now
    this.#tokens = burst
    this.#filledAt = now()
  }

  /** Takes a token. False: there is none. */
  take(): boolean {
    const now = this.#now()
    const dropped = (now - this.#filledAt) * this.#perMillisecond
    this.#tokens = Math.min(this.#burst, this.#tokens + dropped)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
