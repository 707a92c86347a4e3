import type { Duplex } from 'node:stream'

import { defaultHighWaterMark } from '@fairlead/core/transport'

/** Those with output that leaves at the end of this turn. */
let due: Outbox[] = []

function flushAll(): void {
  const all = due
  due = []
  for (const outbox of all) outbox.flush()
}

/**
 * Gathers what one turn writes to a socket, so that it leaves in one write. It holds the socket corked: what `ws` writes
 * by itself keeps its place between what is written here.
 */
export class Outbox {
  readonly #socket: Duplex
  #gathering = false
  #gathered = 0

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Something of that size is about to be written. Beyond the high-water mark nothing waits for the turn's end. */
  gather(size: number): void {
    if (this.#gathering) {
      this.#gathered += size
      if (this.#gathered > defaultHighWaterMark) this.flush()
    } else if (size <= defaultHighWaterMark) {
      this.#gathering = true
      this.#gathered = size
      this.#socket.cork()
      // At the end of the callback, or behind all promises of them that write; one call for all connections.
      if (due.push(this) === 1) process.nextTick(flushAll)
    }
  }

  flush(): void {
    if (!this.#gathering) return
    this.#gathering = false
    this.#socket.uncork()
  }
}
