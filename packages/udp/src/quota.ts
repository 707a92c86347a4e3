/** How much may wait in a queue. */
export interface QueueLimits {
  /** How many datagrams. */
  datagrams?: number
  /** How many bytes in all. */
  bytes?: number
}

/** Room for so many datagrams and so many bytes; a part of a larger room, if there is one. */
export class Quota {
  readonly #limits: Required<QueueLimits>
  readonly #whole: Quota | undefined
  #datagrams = 0
  #bytes = 0

  constructor(limits: Required<QueueLimits>, whole?: Quota) {
    this.#limits = limits
    this.#whole = whole
  }

  /** Takes room for one datagram, or answers false and takes nothing. */
  take(bytes: number): boolean {
    if (this.#datagrams >= this.#limits.datagrams || this.#bytes + bytes > this.#limits.bytes) return false
    if (this.#whole && !this.#whole.take(bytes)) return false
    this.#datagrams++
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#datagrams--
    this.#bytes -= bytes
    this.#whole?.give(bytes)
  }
}
