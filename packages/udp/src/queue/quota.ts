import type { SendPolicy } from '@fairlead/core'

/** How much may wait in a queue. */
export interface QueueLimits {
  /** How many datagrams. */
  datagrams?: number
  /** How many bytes in all. */
  bytes?: number
}

/** What may wait to be sent while the system has no room for more. */
export interface SendQueueOptions extends QueueLimits {
  /**
   * What becomes of a datagram that finds the queue full: `drop-newest` drops it, `drop-oldest` drops those that
   * waited longest, `block` makes `send` wait and `write` throw, `close` destroys whoever wrote it. What is dropped is
   * counted as `sendDropped`, what is refused by throwing is not. Default `drop-newest`.
   */
  policy?: SendPolicy
}

/** What may wait to be received. UDP cannot hold its senders back, so that one has to be dropped beyond it. */
export interface ReceiveQueueOptions extends QueueLimits {
  /**
   * Which one: `drop-newest` keeps what came first, `drop-oldest` what is true now. Counted as `receiveDropped`.
   * Default `drop-newest`.
   */
  policy?: 'drop-newest' | 'drop-oldest'
}

/** A queue's options; what is not given, or undefined, is as in `defaults`. */
export function queueOptions<T extends QueueLimits & { policy?: string }>(
  defaults: Required<T>,
  { datagrams = defaults.datagrams, bytes = defaults.bytes, policy = defaults.policy }: Partial<T> = {},
): Required<T> {
  return { ...defaults, datagrams, bytes, policy }
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
