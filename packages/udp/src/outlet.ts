import { defaultHighWaterMark } from '@fairlead/core/transport'

import type { Carrier } from './carrier.ts'
import { isRefusal } from './errno.ts'
import type { Lane } from './lane.ts'
import type { QueueLimits } from './quota.ts'
import type { Counters } from './stats.ts'

/** What an outlet needs of a carrier. */
type Sending = Pick<Carrier, 'send' | 'getSendQueueCount' | 'getSendQueueSize'>

/** Datagrams under way above which writing should wait: about a millisecond's worth of system calls. */
const highWaterCount = 256

/**
 * The way out of one socket, shared by all who send on it. The runtime's own queue has no bound, so this
 * counts what is under way: from `send` to its callback.
 */
export class Outlet {
  readonly counters: Counters
  readonly #socket: Sending
  readonly #limits: Required<QueueLimits>
  readonly #waiting = new Set<Lane>()
  #datagrams = 0
  #bytes = 0
  #relieving = false

  constructor(socket: Sending, limits: Required<QueueLimits>, counters: Counters) {
    this.#socket = socket
    this.#limits = limits
    this.counters = counters
  }

  get congested(): boolean {
    const { datagrams, bytes } = this.#limits
    return (
      this.#datagrams >= Math.min(highWaterCount, datagrams) ||
      this.#bytes >= Math.min(defaultHighWaterMark, bytes)
    )
  }

  /**
   * Whether the queue has no room for `bytes` more. Callbacks come in a later tick even for what the system
   * took at once, so beyond the limit the runtime is asked what it really holds.
   */
  isFull(bytes: number): boolean {
    const { datagrams, bytes: limit } = this.#limits
    if (this.#datagrams < datagrams && this.#bytes + bytes <= limit) return false
    const held = this.#socket.getSendQueueCount?.() ?? this.#datagrams
    return held >= datagrams || (this.#socket.getSendQueueSize?.() ?? this.#bytes) + bytes > limit
  }

  /** Sends `data` for `lane`, which hears of it once; without a host, to whom the socket is connected. */
  pass(lane: Lane, data: Uint8Array, port: number, host: string | undefined): void {
    this.#datagrams++
    this.#bytes += data.byteLength
    this.#attempt(lane, data, port, host, true)
  }

  /** Tells `lane` once when there is room again. */
  notify(lane: Lane): void {
    this.#waiting.add(lane)
  }

  #attempt(lane: Lane, data: Uint8Array, port: number, host: string | undefined, first: boolean): void {
    const settle = (error: Error | null): void => {
      if (!error) {
        this.counters.sent++
        this.counters.sentBytes += data.byteLength
      } else if (isRefusal(error)) {
        // The refusal is about an earlier datagram; the one that met it was not sent.
        this.counters.refused++
        lane.trouble(error, port, host)
        if (first) return this.#attempt(lane, data, port, host, false)
        this.counters.sendErrors++
      } else {
        this.counters.sendErrors++
        lane.trouble(error, port, host)
      }
      this.#settled(lane, data.byteLength)
    }
    try {
      if (host === undefined) this.#socket.send(data, settle)
      else this.#socket.send(data, port, host, settle)
    } catch (error) {
      settle(error as Error)
    }
  }

  #settled(lane: Lane, bytes: number): void {
    this.#datagrams--
    this.#bytes -= bytes
    lane.settled(bytes)
    if (this.#waiting.size === 0 || this.#relieving || !this.#relieved) return
    // In a later turn: somebody who sends without end must not keep the event loop from everybody else.
    this.#relieving = true
    setImmediate(() => this.#relieve())
  }

  get #relieved(): boolean {
    return this.#datagrams <= highWaterCount / 4 && this.#bytes <= defaultHighWaterMark / 4
  }

  #relieve(): void {
    this.#relieving = false
    if (!this.#relieved) return
    const lanes = [...this.#waiting]
    this.#waiting.clear()
    for (const lane of lanes) lane.relieved()
  }
}
