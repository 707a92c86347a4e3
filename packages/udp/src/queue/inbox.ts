import { Fifo } from '@fairlead/core/transport'

import type { Quota, ReceiveQueueOptions } from './quota.ts'

/** Whom an {@link Inbox} delivers to. */
export interface InboxOwner<Item> {
  /** Whether somebody wants an item at this moment. */
  readonly flowing: boolean
  deliver(item: Item): void
  sizeOf(item: Item): number
  /** The item as it may wait. */
  kept(item: Item): Item
  /** An item was dropped; `first` since the queue was empty. */
  dropped(first: boolean): void
}

/**
 * Where datagrams wait while nobody reads: a datagram socket cannot be paused, so beyond the quota one is
 * dropped.
 */
export class Inbox<Item> {
  readonly #owner: InboxOwner<Item>
  readonly #quota: Quota
  readonly #policy: ReceiveQueueOptions['policy']
  /** Made when something has to wait: most inboxes are always empty, and there are many. */
  #items: Fifo<Item> | undefined
  #scheduled = false
  #overflowing = false
  #closed = false

  constructor(owner: InboxOwner<Item>, quota: Quota, policy: ReceiveQueueOptions['policy'] = 'drop-newest') {
    this.#owner = owner
    this.#quota = quota
    this.#policy = policy
  }

  get length(): number {
    return this.#items?.length ?? 0
  }

  push(item: Item): void {
    if (this.#closed) return this.#owner.dropped(false)
    if (this.length === 0 && this.#owner.flowing) this.#owner.deliver(item)
    else if (this.#makeRoom(this.#owner.sizeOf(item)))
      (this.#items ??= new Fifo()).push(this.#owner.kept(item))
    else this.#drop()
  }

  /** Somebody reads again: what waited is delivered in a later microtask, never inside the caller. */
  flow(wanted: boolean): void {
    if (!wanted || this.#scheduled || this.length === 0) return
    this.#scheduled = true
    queueMicrotask(() => this.#drain())
  }

  /** Drops what waits, and whatever comes still. Nobody is told of it: nobody reads any more. */
  close(): void {
    this.#closed = true
    for (const item of this.#items?.drain() ?? []) {
      this.#quota.give(this.#owner.sizeOf(item))
      this.#owner.dropped(false)
    }
  }

  #makeRoom(bytes: number): boolean {
    while (!this.#quota.take(bytes)) {
      // Others may have taken the room that is shared: then there is nothing here to give up.
      if (this.#policy === 'drop-newest' || this.length === 0) return false
      this.#shift()
      this.#drop()
    }
    return true
  }

  #drop(): void {
    const first = !this.#overflowing
    this.#overflowing = true
    this.#owner.dropped(first)
  }

  #drain(): void {
    this.#scheduled = false
    while (this.length > 0 && this.#owner.flowing) {
      const item = this.#shift()
      if (this.length === 0) this.#overflowing = false
      this.#owner.deliver(item)
    }
  }

  #shift(): Item {
    const item = (this.#items as Fifo<Item>).shift()
    this.#quota.give(this.#owner.sizeOf(item))
    return item
  }
}
