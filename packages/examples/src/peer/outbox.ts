/** Messages that may wait for one peer. */
const mostWaiting = 100

/** What is on its way to one peer: one after the other, so that all arrives in the order in which it was said. */
export class Outbox {
  #last: Promise<void> = Promise.resolve()
  #waiting = 0

  /** Delivers when all before it is delivered, or lost. Settles as `deliver` does. */
  async post(deliver: () => Promise<void>): Promise<void> {
    if (this.#waiting >= mostWaiting) throw new Error(`${mostWaiting} others wait already`)
    this.#waiting++
    const delivered = this.#last.then(deliver).finally(() => this.#waiting--)
    this.#last = delivered.catch(() => {})
    await delivered
  }

  /** Resolves when nothing waits that was posted until now. */
  get empty(): Promise<void> {
    return this.#last
  }
}
