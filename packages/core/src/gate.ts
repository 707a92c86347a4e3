/** One promise, already resolved, shared by every send that finds room. */
export const ready: Promise<void> = Promise.resolve()

/** A promise whose rejection may be awaited, and ends nothing when nobody does. */
export function guarded<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** A rejection that may be awaited, and ends nothing when nobody does. */
export function rejected(error: unknown): Promise<never> {
  return guarded(Promise.reject(error))
}

/** Where senders wait for room: one promise for all of them, made when the first one comes. */
export class Gate {
  #promise: Promise<void> | undefined
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined

  wait(): Promise<void> {
    if (!this.#promise) {
      this.#promise = new Promise((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
      })
      this.#promise.catch(() => {})
    }
    return this.#promise
  }

  open(): void {
    this.#resolve?.()
    this.#promise = this.#resolve = this.#reject = undefined
  }

  fail(error: Error): void {
    this.#reject?.(error)
    this.#promise = this.#resolve = this.#reject = undefined
  }
}
