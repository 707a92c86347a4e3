import { BusyError, TimeoutError } from './errors.ts'
import { Fifo } from './fifo.ts'
import type { HandlerSlot, InnerHandler } from './handler-slot.ts'
import type { CloseReason } from './resource.ts'

interface Waiter<In> {
  resolve(result: IteratorResult<In, undefined>): void
  reject(error: Error): void
}

const done = { value: undefined, done: true } as const

/**
 * Pull on top of push: a handler that `for await` reads from. It holds at most `limit` bytes (as `sizeOf`
 * counts them) and one piece more; with a limit of zero it takes a piece only when asked for one.
 *
 * Written by hand: an async generator costs four times as much for each small message.
 */
export class ChunkIterator<In> implements InnerHandler<In>, AsyncIterableIterator<In, undefined> {
  readonly #slot: HandlerSlot<In>
  readonly #limit: number
  readonly #sizeOf: (data: In) => number
  readonly #queue = new Fifo<In>()
  #size = 0
  #waiter: Waiter<In> | undefined
  #finished = false
  #error: Error | undefined

  constructor(slot: HandlerSlot<In>, limit: number, sizeOf: (data: In) => number) {
    if (!slot.vacant) throw new BusyError('Cannot iterate: connection has a reader already')
    this.#slot = slot
    this.#limit = limit
    this.#sizeOf = sizeOf
    slot.install(this)
    slot.hold(limit === 0)
  }

  onData(data: In): void {
    const waiter = this.#waiter
    if (waiter) {
      this.#waiter = undefined
      if (this.#limit === 0) this.#slot.hold(true)
      waiter.resolve({ value: data, done: false })
      return
    }
    this.#queue.push(data)
    this.#size += this.#weigh(data)
    if (this.#size >= this.#limit) this.#slot.hold(true)
  }

  onEnd(): void {
    this.#finish()
  }

  onDeaf(reason?: CloseReason): void {
    this.#queue.drain()
    this.#finish(reason && errorOf(reason))
  }

  onReplaced(): readonly In[] {
    const unread = this.#queue.drain()
    this.#finish()
    return unread
  }

  onClose(reason: CloseReason): void {
    this.#finish(errorOf(reason))
  }

  next(): Promise<IteratorResult<In, undefined>> {
    if (this.#waiter) return Promise.reject(new BusyError('Cannot read: a read is under way already'))
    if (this.#queue.length > 0) return Promise.resolve({ value: this.#take(), done: false })
    if (this.#finished) return this.#last()
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.#slot.hold(false)
    })
  }

  /** `break`: the slot is free again, and what was not read is kept for the next reader. */
  return(): Promise<IteratorReturnResult<undefined>> {
    const unread = this.#queue.drain()
    this.#slot.release(this, unread)
    this.#finish()
    return Promise.resolve(done)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** An empty message takes room, too. */
  #weigh(data: In): number {
    return Math.max(1, this.#sizeOf(data))
  }

  #take(): In {
    const data = this.#queue.shift()
    this.#size -= this.#weigh(data)
    if (this.#size < this.#limit) this.#slot.hold(false)
    return data
  }

  #finish(error?: Error): void {
    if (this.#finished) return
    this.#finished = true
    this.#error = error
    if (this.#queue.length > 0) return
    this.#slot.release(this)
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter) this.#last().then(waiter.resolve, waiter.reject)
  }

  /** An error is thrown once; after that the iterator is simply at its end. */
  #last(): Promise<IteratorReturnResult<undefined>> {
    this.#slot.release(this)
    const error = this.#error
    this.#error = undefined
    return error ? Promise.reject(error) : Promise.resolve(done)
  }
}

/** What a reader hears of the end: nothing if it was orderly. */
function errorOf(reason: CloseReason): Error | undefined {
  if (reason.kind === 'error') return reason.error
  if (reason.kind !== 'timeout' || reason.phase === 'idle') return undefined
  return new TimeoutError(`Cannot read: ${reason.phase} timeout`, { phase: reason.phase })
}
