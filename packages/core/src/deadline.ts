/** Somebody with a time by which something has to have happened. */
export interface DeadlineOwner {
  /** Called once, when the time set last has passed; at most one {@link tick} late. */
  onDeadline(): void
}

/** Milliseconds between two looks at the clock. */
export const tick = 250

/** Where {@link Deadline} has its time from; tests bring their own, and turn it by hand. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number
  /** Calls `look` about every {@link tick} until the function returned is called. Keeps no process alive. */
  every(look: () => void): () => void
}

const systemClock: Clock = {
  now: () => performance.now(),
  every(look) {
    const timer = setInterval(look, tick)
    // A deadline alone does not keep a process alive; what it guards does.
    timer.unref()
    return () => clearInterval(timer)
  },
}

/**
 * A time limit that is cheap to move: setting it stores a number, and one timer for the whole process looks
 * at all of them every {@link tick} milliseconds. A timer per chunk would cost fifty times as much.
 */
export class Deadline {
  static readonly #all = new Set<Deadline>()
  static #clock = systemClock
  static #stop: (() => void) | undefined
  readonly #owner: DeadlineOwner
  #at = Infinity
  #armed = false

  constructor(owner: DeadlineOwner) {
    this.#owner = owner
  }

  /** The time now, in milliseconds, by the clock that all deadlines go by. */
  static now(): number {
    return Deadline.#clock.now()
  }

  /** Goes by another clock; without one, by the system's again. Deadlines that are set already are dropped. */
  static use(clock: Clock = systemClock): void {
    for (const deadline of Deadline.#all) deadline.#disarm()
    Deadline.#rest()
    Deadline.#clock = clock
  }

  /** The owner has `milliseconds` from now; replaces what was set before. `Infinity` clears it. */
  set(milliseconds: number): void {
    this.#at = Deadline.now() + milliseconds
    if (!this.#armed && milliseconds !== Infinity) Deadline.#arm(this)
  }

  /** The owner has all the time there is. */
  clear(): void {
    this.#at = Infinity
  }

  /** Its owner is over: nothing of it is kept until the next look. Not for what is set again soon, see {@link clear}. */
  release(): void {
    if (this.#armed) this.#disarm()
  }

  #disarm(): void {
    this.#at = Infinity
    this.#armed = false
    Deadline.#all.delete(this)
  }

  static #arm(deadline: Deadline): void {
    deadline.#armed = true
    Deadline.#all.add(deadline)
    Deadline.#stop ??= Deadline.#clock.every(() => Deadline.#look())
  }

  static #look(): void {
    const now = Deadline.now()
    try {
      for (const deadline of Deadline.#all) {
        if (deadline.#at > now && deadline.#at !== Infinity) continue
        const passed = deadline.#at !== Infinity
        deadline.#disarm()
        if (passed) deadline.#owner.onDeadline()
      }
    } finally {
      Deadline.#rest()
    }
  }

  static #rest(): void {
    if (Deadline.#all.size > 0) return
    Deadline.#stop?.()
    Deadline.#stop = undefined
  }
}
