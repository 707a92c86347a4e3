import { BusyError, type CloseReason } from '@fairlead/core'
import type { HandlerSlot, InnerHandler } from '@fairlead/core/transport'

type Result<Item> = IteratorResult<Item[], undefined>

const done = { value: undefined, done: true } as const

/** Items that a batch holds at most; beyond it they wait where their limits are. */
const largest = 1_024

/**
 * Pull on top of push, one batch for what one wake-up of the event loop brought: the runtime reads up to 32
 * datagrams at a time, and lets microtasks run after each, so that only a later phase of the loop sees them all.
 */
export class BatchIterator<Item> implements InnerHandler<Item>, AsyncIterableIterator<Item[], undefined> {
  readonly #slot: HandlerSlot<Item>
  #batch: Item[] = []
  #waiter: { resolve(result: Result<Item>): void; reject(error: Error): void } | undefined
  #scheduled = false
  #finished = false
  #error: Error | undefined

  constructor(slot: HandlerSlot<Item>) {
    if (!slot.vacant) throw new BusyError('Cannot iterate: socket has a reader already')
    this.#slot = slot
    slot.install(this)
    slot.hold(true)
  }

  onData(item: Item): void {
    this.#batch.push(item)
    if (this.#batch.length >= largest) this.#slot.hold(true)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#wake())
  }

  onDeaf(reason?: CloseReason): void {
    this.#batch = []
    this.#finish(reason)
  }

  onReplaced(): readonly Item[] {
    const unread = this.#batch
    this.#batch = []
    this.#finish()
    return unread
  }

  onClose(reason: CloseReason): void {
    this.#finish(reason)
  }

  next(): Promise<Result<Item>> {
    if (this.#waiter) return Promise.reject(new BusyError('Cannot read: a read is under way already'))
    if (this.#finished) return this.#last()
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.#slot.hold(false)
    })
  }

  /** `break`: the slot is free again, and what was not read is kept for the next reader. */
  return(): Promise<IteratorReturnResult<undefined>> {
    const unread = this.#batch
    this.#batch = []
    this.#slot.release(this, unread)
    this.#finish()
    return Promise.resolve(done)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** All that came with this wake-up is here. While nobody asks, what comes next waits outside. */
  #wake(): void {
    this.#scheduled = false
    const waiter = this.#waiter
    if (!waiter || this.#batch.length === 0) return
    const value = this.#batch
    this.#batch = []
    this.#waiter = undefined
    this.#slot.hold(true)
    waiter.resolve({ value, done: false })
  }

  #finish(reason?: CloseReason): void {
    if (this.#finished) return
    this.#finished = true
    if (reason?.kind === 'error') this.#error = reason.error
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter) this.#last().then(waiter.resolve, waiter.reject)
    else this.#slot.release(this)
  }

  /** An error is thrown once; after that the iterator is simply at its end. */
  #last(): Promise<IteratorReturnResult<undefined>> {
    this.#slot.release(this)
    const error = this.#error
    this.#error = undefined
    return error ? Promise.reject(error) : Promise.resolve(done)
  }
}
