/** Somebody with a time by which something has to have happened. */
export interface DeadlineOwner {
  /** Called once, when the time set last has passed; at most one {@link tick} late. */
  onDeadline(): void
}

/** Milliseconds between two looks at the clock. */
export const tick = 250

/**
 * A time limit that is cheap to move: setting it stores a number, and one timer for the whole process looks
 * at all of them every {@link tick} milliseconds. A timer per chunk would cost fifty times as much.
 */
export class Deadline {
  static readonly #all = new Set<Deadline>()
  static #timer: ReturnType<typeof setInterval> | undefined
  readonly #owner: DeadlineOwner
  #at = Infinity
  #armed = false

  constructor(owner: DeadlineOwner) {
    this.#owner = owner
  }

  /** The owner has `milliseconds` from now; replaces what was set before. `Infinity` clears it. */
  set(milliseconds: number): void {
    this.#at = performance.now() + milliseconds
    if (!this.#armed && milliseconds !== Infinity) Deadline.#arm(this)
  }

  /** The owner has all the time there is. */
  clear(): void {
    this.#at = Infinity
  }

  static #arm(deadline: Deadline): void {
    deadline.#armed = true
    Deadline.#all.add(deadline)
    if (Deadline.#timer) return
    Deadline.#timer = setInterval(() => Deadline.#look(), tick)
    // A deadline alone does not keep a process alive; what it guards does.
    Deadline.#timer.unref()
  }

  static #look(): void {
    const now = performance.now()
    for (const deadline of Deadline.#all) {
      if (deadline.#at > now && deadline.#at !== Infinity) continue
      const passed = deadline.#at !== Infinity
      deadline.#at = Infinity
      deadline.#armed = false
      Deadline.#all.delete(deadline)
      if (passed) deadline.#owner.onDeadline()
    }
    if (Deadline.#all.size > 0) return
    clearInterval(Deadline.#timer)
    Deadline.#timer = undefined
  }
}
