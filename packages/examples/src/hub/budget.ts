import { setTimeout } from 'node:timers/promises'

/** So many at once, and then so many a second: whoever wants more waits. */
export class Budget {
  readonly #most: number
  readonly #perSecond: number
  #left: number
  #at = performance.now()

  constructor(most: number, perSecond: number) {
    this.#most = most
    this.#perSecond = perSecond
    this.#left = most
  }

  /** Resolves when one more may be had, with whether that took a wait. */
  async spend(): Promise<boolean> {
    const now = performance.now()
    const earned = ((now - this.#at) / 1_000) * this.#perSecond
    this.#left = Math.min(this.#most, this.#left + earned) - 1
    this.#at = now
    if (this.#left >= 0) return false
    await setTimeout((-this.#left / this.#perSecond) * 1_000)
    return true
  }
}
