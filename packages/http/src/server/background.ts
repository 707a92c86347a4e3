/**
 * Work that goes on behind answers, and a close that waits for it, no longer than its grace. A second, shorter
 * grace shortens the first.
 */
export class Background {
  readonly #work = new Set<object>()
  /** When waiting is over, and who waits. */
  #until = Infinity
  #timer: ReturnType<typeof setTimeout> | undefined
  #done: (() => void) | undefined

  /** Takes a promise in; `fail` hears its rejection. What is no promise is done already. */
  add(promise: unknown, fail: (error: unknown) => void = () => {}): void {
    const work = {}
    this.#work.add(work)
    // Awaiting takes whatever it is, a thenable of somebody's and one that throws when it is looked at.
    const wait = async (): Promise<void> => void (await promise)
    void wait()
      .catch(fail)
      .finally(() => {
        this.#work.delete(work)
        if (this.#work.size === 0) this.#release()
      })
  }

  /** Whoever waits, or will, waits for `grace` milliseconds from now at the longest. */
  limit(grace: number): void {
    const until = performance.now() + grace
    if (until >= this.#until) return
    this.#until = until
    if (this.#done) this.#arm()
  }

  /** Resolves when nothing is left, or time is over. */
  async settled(): Promise<void> {
    if (this.#work.size === 0) return
    await new Promise<void>((resolve) => {
      this.#done = resolve
      this.#arm()
    })
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const left = this.#until - performance.now()
    if (left <= 0) this.#release()
    else if (left !== Infinity) this.#timer = setTimeout(() => this.#release(), left)
  }

  #release(): void {
    clearTimeout(this.#timer)
    this.#done?.()
    this.#done = undefined
  }
}
