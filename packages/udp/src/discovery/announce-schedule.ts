import { delay, jittered, type Random } from './jitter.ts'

/** Milliseconds, the first of a row that doubles. */
const firstGap = 1_000
const longestGap = 30_000
/** An announcement is not repeated for an answer before that (RFC 6762 section 6). */
const answerGap = 1_000
/** However often the service changes. */
const updateGap = 250

/**
 * When to announce: soon after the start, 1 s later, 2 s, 4 s, and so on up to every 30 s, all less some jitter;
 * and when somebody asks. Without clock and timer of its own.
 */
export class AnnounceSchedule {
  readonly #longest: number
  readonly #random: Random
  #gap = firstGap
  #regular = Infinity
  #answer = Infinity
  #last = -Infinity

  /** Announces at least three times in each `lifetime`. */
  constructor(lifetime: number, random: Random) {
    this.#longest = Math.min(longestGap, lifetime / 3)
    this.#random = random
  }

  /** The time at which to ask {@link take}. */
  get next(): number {
    return Math.min(this.#regular, this.#answer)
  }

  /** Begins anew: at the start, after a change, or when there is a new interface. */
  restart(now: number): void {
    this.#gap = Math.min(firstGap, this.#longest)
    const soon = Math.max(now + delay(this.#random), this.#last + updateGap)
    this.#regular = Math.min(this.#regular, soon)
  }

  /** Somebody asked. An answer just given is not given again before its time, to whoever asks. */
  asked(now: number): void {
    if (this.#answer !== Infinity) return
    this.#answer = Math.max(now + delay(this.#random), this.#last + answerGap)
  }

  /** Whether to announce now. */
  take(now: number): boolean {
    if (now < this.next) return false
    if (now >= this.#regular) {
      this.#regular = now + jittered(this.#gap, this.#random)
      this.#gap = Math.min(this.#gap * 2, this.#longest)
    }
    this.#answer = Infinity
    this.#last = now
    return true
  }
}
