/** How often something may happen. */
export interface Rate {
  /** In the long run. */
  perSecond: number
  /** At once, after a time of rest. Default: as many as in one second. */
  burst?: number
}

/** Lets happen what a {@link Rate} allows: a bucket of `burst` tokens into which `perSecond` new ones drop. */
export class TokenBucket {
  readonly #perMillisecond: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #filledAt: number

  constructor({ perSecond, burst = perSecond }: Rate, now: () => number) {
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
