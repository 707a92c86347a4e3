import { defaultHighWaterMark, Fifo } from '@fairlead/core/transport'

import type { Carrier } from '../carrier.ts'
import type { Counters } from '../stats.ts'
import type { Lane } from './lane.ts'
import type { QueueLimits, SendQueueOptions } from './quota.ts'

/** What an outlet needs of a carrier. */
type Sending = Pick<Carrier, 'send' | 'getSendQueueCount' | 'getSendQueueSize'>

/** A datagram that waits for the system to have room. */
interface Held {
  readonly lane: Lane
  readonly data: Uint8Array
  readonly port: number
  readonly host: string | undefined
}

/** Datagrams under way above which writing should wait: about a millisecond's worth of system calls. */
const highWaterCount = 256

/**
 * The way out of one socket, shared by all who send on it. The runtime's own queue has no bound and gives nothing
 * back, so this counts what is under way, from `send` to its callback; and what comes while the system has no
 * room for more waits here, where the policy can get at it.
 */
export class Outlet {
  readonly counters: Counters
  readonly policy: Required<SendQueueOptions>['policy']
  /** Calls of `send` that wait for a place in the queue. */
  waiting = 0
  readonly #socket: Sending
  readonly #limits: Required<QueueLimits>
  readonly #window: Required<QueueLimits>
  readonly #congested = new Set<Lane>()
  readonly #held = new Fifo<Held>()
  #heldBytes = 0
  #datagrams = 0
  #bytes = 0
  #refilling = false
  #relieving = false

  constructor(socket: Sending, { policy, datagrams, bytes }: Required<SendQueueOptions>, counters: Counters) {
    this.#socket = socket
    this.#limits = { datagrams, bytes }
    this.#window = {
      datagrams: Math.min(highWaterCount, datagrams),
      bytes: Math.min(defaultHighWaterMark, bytes),
    }
    this.policy = policy
    this.counters = counters
  }

  get congested(): boolean {
    return (
      this.#datagrams >= this.#window.datagrams || this.#bytes >= this.#window.bytes || this.#held.length > 0
    )
  }

  /** Whether {@link take} would take so many bytes without giving up others. */
  fits(bytes: number): boolean {
    return !this.#saturatedBy(bytes) || this.#hasPlaceFor(bytes)
  }

  /**
   * Sends `data` for `lane`, which hears of it once, or keeps it for later; without a host, to whom the socket is
   * connected. False when there is no room for it.
   */
  take(lane: Lane, data: Uint8Array, port: number, host: string | undefined): boolean {
    const { length } = data
    if (this.#saturatedBy(length)) {
      const hasPlace = this.policy === 'drop-oldest' ? this.#makePlaceFor(length) : this.#hasPlaceFor(length)
      if (!hasPlace) return false
      if (this.#saturatedBy(length)) {
        this.#held.push({ lane, data, port, host })
        this.#heldBytes += length
        return true
      }
    }
    this.#launch(lane, data, port, host)
    return true
  }

  /** Sends once more what was under way already. */
  again(
    data: Uint8Array,
    port: number,
    host: string | undefined,
    settle: (error: Error | null) => void,
  ): void {
    try {
      if (host === undefined) this.#socket.send(data, settle)
      else this.#socket.send(data, port, host, settle)
    } catch (error) {
      settle(error as Error)
    }
  }

  /** Tells `lane` once when there is room again. */
  notify(lane: Lane): void {
    this.#congested.add(lane)
  }

  /** The carrier is done with a datagram, one way or the other. */
  settled(bytes: number): void {
    this.#datagrams--
    this.#bytes -= bytes
    if (this.#held.length > 0) this.#refill()
    if (this.#congested.size === 0 || this.#relieving || !this.#relieved) return
    // In a later turn: somebody who sends without end must not keep the event loop from everybody else.
    this.#relieving = true
    setImmediate(() => this.#relieve())
  }

  #hasPlaceFor(bytes: number): boolean {
    const { datagrams, bytes: limit } = this.#limits
    const count = (this.#queued('getSendQueueCount') ?? this.#datagrams) + this.#held.length
    const size = (this.#queued('getSendQueueSize') ?? this.#bytes) + this.#heldBytes
    return count < datagrams && size + bytes <= limit
  }

  /** Gives up what waited longest until `bytes` have a place; false when that is not enough. */
  #makePlaceFor(bytes: number): boolean {
    while (!this.#hasPlaceFor(bytes)) {
      if (this.#held.length === 0) return false
      const { lane, data } = this.#release()
      lane.dropped(data.length)
    }
    return true
  }

  /** Whether the runtime gets no more for now. What waits already goes first. */
  #saturatedBy(bytes: number): boolean {
    return this.#held.length > 0 || (this.#datagrams > 0 && !this.#hasRoomFor(bytes))
  }

  /**
   * Callbacks come in a later tick even for what the system took at once, so the runtime is asked what it really holds.
   * It gets nothing as long as that is one datagram: what it is given cannot be taken back, and libuv gives the error
   * of one that cannot be sent to all that it tries in the same call (libuv issue 3129). Where the runtime does not
   * tell, a window has to do.
   */
  #hasRoomFor(bytes: number): boolean {
    const queued = this.#queued('getSendQueueCount')
    if (queued !== undefined) return queued === 0
    return this.#datagrams < this.#window.datagrams && this.#bytes + bytes <= this.#window.bytes
  }

  /** What the runtime holds because the system has no room for it, in datagrams or in bytes, if it tells. */
  #queued(question: 'getSendQueueCount' | 'getSendQueueSize'): number | undefined {
    try {
      return this.#socket[question]?.()
    } catch {
      // It is closed.
      return undefined
    }
  }

  get #relieved(): boolean {
    return this.#datagrams <= highWaterCount / 4 && this.#bytes <= defaultHighWaterMark / 4
  }

  /** A carrier that is closed settles what it is given at once: each inside the other, they would fill the stack. */
  #refill(): void {
    if (this.#refilling) return
    this.#refilling = true
    for (let next = this.#held.head; next && this.#hasRoomFor(next.data.length); next = this.#held.head) {
      const { lane, data, port, host } = this.#release()
      this.#launch(lane, data, port, host)
    }
    this.#refilling = false
  }

  #launch(lane: Lane, data: Uint8Array, port: number, host: string | undefined): void {
    this.#datagrams++
    this.#bytes += data.length
    lane.launched(data)
    try {
      if (host === undefined) this.#socket.send(data, lane.settle)
      else this.#socket.send(data, port, host, lane.settle)
    } catch (error) {
      lane.launchFailed(error as Error)
    }
  }

  #release(): Held {
    const held = this.#held.shift()
    this.#heldBytes -= held.data.length
    return held
  }

  #relieve(): void {
    this.#relieving = false
    if (!this.#relieved || this.#held.length > 0) return
    const lanes = [...this.#congested]
    this.#congested.clear()
    for (const lane of lanes) lane.relieved()
  }
}
