import type { BigIntStats } from 'node:fs'

import { closeDescriptor, readInto } from './system.ts'

/**
 * A file that is open, and what it was when it was opened: so much of it is read, and nothing else, whatever happens to
 * its name meanwhile. Whoever opened it closes it.
 */
export class OpenFile {
  readonly stats: BigIntStats
  /** In bytes. */
  readonly size: number
  readonly #descriptor: number
  #reads = 0
  #closed = false

  constructor(descriptor: number, stats: BigIntStats) {
    this.#descriptor = descriptor
    this.stats = stats
    this.size = Number(stats.size)
    forgotten.register(this, descriptor, this)
  }

  get descriptor(): number {
    return this.#descriptor
  }

  /**
   * Fills `buffer` from its start with what stands in the file from `position` on.
   *
   * @throws Error when the file ends before it is full, or was closed; what the system refuses.
   */
  async fill(buffer: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < buffer.length;) {
      if (this.#closed) throw new Error('Cannot read file: it was closed')
      this.#reads++
      try {
        const count = await readInto(this.#descriptor, buffer, at, buffer.length - at, position + at)
        if (count === 0) throw new Error('Cannot read file: it became shorter while it was read')
        at += count
      } finally {
        this.#reads--
        this.#settle()
      }
    }
  }

  /** All of it, and no Buffer, whose `slice` is no copy. @throws as {@link fill}. */
  async whole(): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(this.size)
    await this.fill(bytes, 0)
    return new Uint8Array(bytes.buffer)
  }

  /** May be repeated. A read that is under way ends first: the next file could get the descriptor's number. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    forgotten.unregister(this)
    this.#settle()
  }

  #settle(): void {
    if (this.#closed && this.#reads === 0) closeDescriptor(this.#descriptor)
  }
}

/** Files of answers that nobody sent: a framework may put another answer in their place. */
const forgotten = new FinalizationRegistry<number>(closeDescriptor)
