import { BusyError } from './errors.ts'

const done = { value: undefined, done: true } as const

/**
 * What a listener that is iterated hands out, in order and bounded. `break` gives the reader's place back
 * and keeps what waits.
 */
export class AcceptQueue<Item> {
  readonly #limit: number
  #items: Item[] = []
  #waiter: ((result: IteratorResult<Item, undefined>) => void) | undefined
  #reading = false
  #closed = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether {@link offer} would not take an item. */
  get full(): boolean {
    return !this.#waiter && (this.#closed || this.#items.length >= this.#limit)
  }

  /** False when the queue is full: the item was not taken. */
  offer(item: Item): boolean {
    const waiter = this.#waiter
    if (waiter) {
      this.#waiter = undefined
      waiter({ value: item, done: false })
      return true
    }
    if (this.full) return false
    this.#items.push(item)
    return true
  }

  /** Gives up its place, if it waits. */
  withdraw(item: Item): void {
    const at = this.#items.indexOf(item)
    if (at >= 0) this.#items.splice(at, 1)
  }

  /** Nothing more will come; what waits is still handed out. */
  close(): void {
    this.#closed = true
    this.#waiter?.(done)
    this.#waiter = undefined
  }

  iterate(): AsyncIterator<Item, undefined> {
    if (this.#reading) throw new BusyError('Cannot iterate: listener has a reader already')
    this.#reading = true
    let left = false
    return {
      next: () => (left ? Promise.resolve(done) : this.#next()),
      return: () => {
        if (!left) this.#leave()
        left = true
        return Promise.resolve(done)
      },
    }
  }

  #leave(): void {
    this.#reading = false
    this.#waiter?.(done)
    this.#waiter = undefined
  }

  #next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#waiter) return Promise.reject(new BusyError('Cannot read: a read is under way already'))
    if (this.#items.length > 0) return Promise.resolve({ value: this.#items.shift() as Item, done: false })
    if (this.#closed) return Promise.resolve(done)
    return new Promise((resolve) => (this.#waiter = resolve))
  }
}
