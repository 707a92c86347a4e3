/** Something under way that comes to a result, unless it is cancelled. */
export interface Attempt<T> {
  /** Settles once; after `cancel` it may never do so. */
  readonly result: Promise<T>
  /** Stops it, and destroys what it has come to or is still to come to. May be repeated. */
  cancel(): void
}

/** Whom to try, in this order; more of them may turn up while the first are being tried. */
export interface Candidates<C> {
  /** The next one, or nothing for now. */
  next(): C | undefined
  /** Nobody is left, and nobody more will come. */
  readonly exhausted: boolean
  /** Set by who takes from it: called when there may be more than before, or when no more will come. */
  onChange: () => void
}

/**
 * Connection attempts after RFC 8305 section 5: the next one starts when `delay` milliseconds have passed
 * since the last, or at once when the last has failed; those before it go on meanwhile. The first to succeed
 * wins, and all others are cancelled. When all have failed, the result rejects with an AggregateError of what
 * they failed with. No sockets in here: what an attempt is, `start` knows.
 */
export class Race<C, T> implements Attempt<T> {
  readonly result: Promise<T>
  readonly #candidates: Candidates<C>
  readonly #start: (candidate: C) => Attempt<T>
  readonly #delay: number
  readonly #running = new Set<Attempt<T>>()
  readonly #errors: unknown[] = []
  #resolve!: (value: T) => void
  #reject!: (error: AggregateError) => void
  /** Runs while the last attempt has the time to itself. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #over = false

  constructor(candidates: Candidates<C>, start: (candidate: C) => Attempt<T>, delay: number) {
    this.#candidates = candidates
    this.#start = start
    this.#delay = delay
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    candidates.onChange = () => this.#proceed()
    this.#proceed()
  }

  cancel(): void {
    this.#finish()
    for (const attempt of this.#running) attempt.cancel()
    this.#running.clear()
  }

  /** Starts the next attempt, if it is time and there is one. */
  #proceed(): void {
    if (this.#over || this.#timer !== undefined) return
    const candidate = this.#candidates.next()
    if (candidate === undefined) {
      if (this.#candidates.exhausted && this.#running.size === 0) this.#lose()
      return
    }
    const attempt = this.#start(candidate)
    this.#running.add(attempt)
    const timer: ReturnType<typeof setTimeout> | undefined = this.#candidates.exhausted
      ? undefined
      : setTimeout(() => this.#release(timer), this.#delay)
    this.#timer = timer
    attempt.result.then(
      (value) => this.#win(attempt, value),
      (error: unknown) => {
        this.#running.delete(attempt)
        this.#errors.push(error)
        this.#release(timer)
      },
    )
  }

  /** The attempt of this timer, failed or slow, keeps the next one from starting no longer. */
  #release(timer: ReturnType<typeof setTimeout> | undefined): void {
    clearTimeout(timer)
    if (this.#timer === timer) this.#timer = undefined
    this.#proceed()
  }

  #win(winner: Attempt<T>, value: T): void {
    if (this.#over) return
    this.#finish()
    this.#running.delete(winner)
    for (const attempt of this.#running) attempt.cancel()
    this.#running.clear()
    // Until somebody takes the value, a cancelled race is to destroy it.
    this.#running.add(winner)
    this.#resolve(value)
  }

  #lose(): void {
    this.#finish()
    this.#reject(new AggregateError(this.#errors, 'every attempt failed'))
  }

  #finish(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
