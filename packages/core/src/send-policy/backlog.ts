import { Fifo } from '../fifo.ts'
import type { SendStats } from './send-policy.ts'

/** A message that waits, and its size. */
export interface Waiting<M> {
  readonly message: M
  readonly size: number
}

type Counts = { -readonly [Name in keyof SendStats]: SendStats[Name] }

/** The messages in front of a connection, oldest first, and the book of all that ever came by. */
export class Backlog<M> {
  readonly #maxMessages: number
  readonly #maxBytes: number
  readonly #counts: Counts = {
    offered: 0,
    offeredBytes: 0,
    sent: 0,
    sentBytes: 0,
    queued: 0,
    queuedBytes: 0,
    dropped: 0,
    droppedBytes: 0,
    lost: 0,
    lostBytes: 0,
    waiting: 0,
  }
  readonly #items = new Fifo<Waiting<M>>()

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#counts.queuedBytes
  }

  get isEmpty(): boolean {
    return this.#counts.queued === 0
  }

  stats(waiting: number): SendStats {
    return Object.freeze({ ...this.#counts, waiting })
  }

  fits(size: number): boolean {
    return this.#counts.queued < this.#maxMessages && this.#counts.queuedBytes + size <= this.#maxBytes
  }

  /** The limit that a message of `size` meets now, and what stands against it. */
  limitFor(size: number): { limit: string; value: number } {
    const { queued, queuedBytes } = this.#counts
    if (queued >= this.#maxMessages) return { limit: 'maxMessages', value: queued + 1 }
    return { limit: 'maxBytes', value: queuedBytes + size }
  }

  /** One went straight to the connection. */
  passed(size: number): void {
    this.#offer(size)
    this.#counts.sent++
    this.#counts.sentBytes += size
  }

  /** One was dropped before it got in. */
  refused(size: number): void {
    this.#offer(size)
    this.#counts.dropped++
    this.#counts.droppedBytes += size
  }

  add(message: M, size: number): void {
    this.#offer(size)
    this.#counts.queued++
    this.#counts.queuedBytes += size
    this.#items.push({ message, size })
  }

  /** Takes out the oldest; counts as sent until {@link returned} says otherwise. */
  take(): Waiting<M> {
    const item = this.#shift()
    this.#counts.sent++
    this.#counts.sentBytes += item.size
    return item
  }

  /** The connection did not accept what was taken last: it cannot be sent, or nothing can any more. */
  returned(size: number, fate: 'dropped' | 'lost'): void {
    this.#counts.sent--
    this.#counts.sentBytes -= size
    this.#counts[fate]++
    this.#counts[`${fate}Bytes`] += size
  }

  dropOldest(): void {
    const { size } = this.#shift()
    this.#counts.dropped++
    this.#counts.droppedBytes += size
  }

  /** Nothing can be sent any more. */
  lose(): void {
    const counts = this.#counts
    counts.lost += counts.queued
    counts.lostBytes += counts.queuedBytes
    counts.queued = counts.queuedBytes = 0
    this.#items.drain()
  }

  #offer(size: number): void {
    this.#counts.offered++
    this.#counts.offeredBytes += size
  }

  #shift(): Waiting<M> {
    const item = this.#items.shift()
    this.#counts.queued--
    this.#counts.queuedBytes -= item.size
    return item
  }
}
