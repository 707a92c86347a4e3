import type { Quota } from './quota.ts'

/** Whom an {@link Inbox} delivers to. */
export interface InboxOwner<Item> {
  /** Whether somebody wants an item at this moment. */
  readonly flowing: boolean
  deliver(item: Item): void
  sizeOf(item: Item): number
  /** An item was dropped; `first` since the queue was empty. */
  dropped(first: boolean): void
}

/**
 * Where datagrams wait while nobody reads: a datagram socket cannot be paused, so what comes beyond the quota
 * is dropped, the newest first.
 */
export class Inbox<Item> {
  readonly #owner: InboxOwner<Item>
  readonly #quota: Quota
  #items: Item[] = []
  /** Index of the oldest item; those before it are gone. */
  #head = 0
  #scheduled = false
  #overflowing = false
  #closed = false

  constructor(owner: InboxOwner<Item>, quota: Quota) {
    this.#owner = owner
    this.#quota = quota
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    if (this.#closed) return
    if (this.length === 0 && this.#owner.flowing) {
      this.#owner.deliver(item)
    } else if (this.#quota.take(this.#owner.sizeOf(item))) {
      this.#items.push(item)
    } else {
      const first = !this.#overflowing
      this.#overflowing = true
      this.#owner.dropped(first)
    }
  }

  /** Somebody reads again: what waited is delivered in a later microtask, never inside the caller. */
  flow(wanted: boolean): void {
    if (!wanted || this.#scheduled || this.length === 0) return
    this.#scheduled = true
    queueMicrotask(() => this.#drain())
  }

  /** Drops what waits and takes nothing any more. */
  close(): void {
    this.#closed = true
    for (const item of this.#items.slice(this.#head)) this.#quota.give(this.#owner.sizeOf(item))
    this.#items = []
    this.#head = 0
  }

  #drain(): void {
    this.#scheduled = false
    while (this.length > 0 && this.#owner.flowing) this.#owner.deliver(this.#shift())
  }

  /** Array.prototype.shift moves everything behind it, and thousands may wait. */
  #shift(): Item {
    const item = this.#items[this.#head++] as Item
    if (this.length === 0) this.#overflowing = false
    if (this.#head === this.#items.length || this.#head === 1024) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    this.#quota.give(this.#owner.sizeOf(item))
    return item
  }
}
