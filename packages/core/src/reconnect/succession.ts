import { BusyError } from '../errors.ts'

const done = { value: undefined, done: true } as const

interface Waiter<C> {
  resolve(result: IteratorResult<C, undefined>): void
  reject(error: Error): void
}

/**
 * Connections that come one after the other, for somebody who takes them by iteration. One that was lost
 * before it was taken is not handed out.
 */
export class Succession<C> {
  readonly #leave: (connection: C) => void
  #next: C | undefined
  #waiter: Waiter<C> | undefined
  #reading = false
  #ended = false
  #error: Error | undefined

  /** `leave` is told that whoever took a connection asks for the one after it. */
  constructor(leave: (connection: C) => void) {
    this.#leave = leave
  }

  offer(connection: C): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter) waiter.resolve({ value: connection, done: false })
    else this.#next = connection
  }

  withdraw(): void {
    this.#next = undefined
  }

  /** There will be no more; an error is thrown to the reader, once. */
  end(error?: Error): void {
    this.#ended = true
    this.#error = error
    this.#next = undefined
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter) this.#last().then(waiter.resolve, waiter.reject)
  }

  iterate(): AsyncIterator<C, undefined> {
    if (this.#reading) throw new BusyError('Cannot iterate: client has a reader already')
    this.#reading = true
    let taken: C | undefined
    let left = false
    return {
      next: async () => {
        if (left) return done
        if (this.#waiter) throw new BusyError('Cannot read: a read is under way already')
        if (taken) this.#leave(taken)
        const result = await this.#take()
        taken = result.value
        return result
      },
      return: () => {
        if (!left) this.#vacate()
        left = true
        return Promise.resolve(done)
      },
    }
  }

  #take(): Promise<IteratorResult<C, undefined>> {
    if (this.#ended) return this.#last()
    const next = this.#next
    this.#next = undefined
    if (next) return Promise.resolve({ value: next, done: false })
    return new Promise((resolve, reject) => (this.#waiter = { resolve, reject }))
  }

  #vacate(): void {
    this.#reading = false
    this.#waiter?.resolve(done)
    this.#waiter = undefined
  }

  #last(): Promise<IteratorReturnResult<undefined>> {
    const error = this.#error
    this.#error = undefined
    return error ? Promise.reject(error) : Promise.resolve(done)
  }
}
