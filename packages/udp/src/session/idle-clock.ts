import type { Ticks } from './table.ts'

/**
 * A clock that counts in coarse ticks, for thousands of sessions: being active costs storing a number, and
 * one timer looks at all of them. It stands still while there is nobody to look at.
 */
export class IdleClock implements Ticks {
  readonly idleAfter: number
  readonly #period: number
  readonly #look: () => void
  #timer: ReturnType<typeof setInterval> | undefined
  now = 0

  /** Calls `look` up to four times in `idle` milliseconds, at least once a second. */
  constructor(idle: number, look: () => void) {
    this.#period = Math.min(1_000, Math.ceil(idle / 4))
    this.idleAfter = Math.ceil(idle / this.#period)
    this.#look = look
  }

  start(): void {
    if (this.#timer) return
    this.#timer = setInterval(() => {
      this.now++
      this.#look()
    }, this.#period)
    // The socket keeps the process alive, not the clock.
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
