import { Deadline } from '@fairlead/core/transport'

/** One timer for whatever comes next. It keeps no process alive. */
export class Alarm {
  readonly #ring: (now: number) => number
  #timer: ReturnType<typeof setTimeout> | undefined
  #at = Infinity

  /** Calls `ring` at the time set; it does what is due, and returns the next time. */
  constructor(ring: (now: number) => number) {
    this.#ring = ring
  }

  /** In place of the time set before; on the clock of {@link Deadline}, Infinity for never. */
  set(at: number): void {
    if (at === this.#at) return
    this.stop()
    if (at === Infinity) return
    this.#at = at
    this.#timer = setTimeout(() => this.#look(), Math.max(0, at - Deadline.now()))
    this.#timer.unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#at = Infinity
  }

  /** A timer may be early by a fraction of a millisecond: then nothing is due yet, and the time stays. */
  #look(): void {
    this.#at = Infinity
    this.set(this.#ring(Deadline.now()))
  }
}
