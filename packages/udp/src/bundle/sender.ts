import { randomInt } from 'node:crypto'

import { SocketError } from '@fairlead/core'
import type { HandlerSlot } from '@fairlead/core/transport'

import { oversized } from '../address/size.ts'
import type { BundleOptions, DatagramCarrier } from './options.ts'
import type { Payload } from './payload.ts'
import { headerSize, largestMessage } from './wire.ts'
import { BundleWriter } from './writer.ts'

/** The way out of a bundle: when a datagram leaves, and what becomes of it. */
export class BundleSender<M> {
  sent = 0
  sentDatagrams = 0
  dropped = 0
  readonly maxMessageSize: number
  readonly #carrier: DatagramCarrier
  readonly #slot: HandlerSlot<M>
  readonly #payload: Payload<M>
  readonly #writer: BundleWriter<M>
  #corks = 0
  #scheduled = false
  /** The carrier answered false, and has not drained since. */
  #congested = false
  #passing = false
  #toldOfDrops = false

  constructor(
    carrier: DatagramCarrier,
    slot: HandlerSlot<M>,
    payload: Payload<M>,
    { maxDatagramSize, sequence }: Required<BundleOptions>,
  ) {
    this.#carrier = carrier
    this.#slot = slot
    this.#payload = payload
    this.maxMessageSize = largestMessage(maxDatagramSize - headerSize(sequence))
    // RFC 3550 section 5.1: a first number that nobody can guess, and that no earlier conversation was near.
    this.#writer = new BundleWriter(payload, maxDatagramSize, sequence ? randomInt(2 ** 32) : undefined)
  }

  /** Bytes that wait for the end of the turn. */
  get bytes(): number {
    return this.#writer.bytes
  }

  write(message: M): boolean {
    const size = this.#payload.sizeOf(message)
    if (size > this.maxMessageSize) throw oversized(size, this.maxMessageSize, 'maxMessageSize')
    while (!this.#writer.fits(size)) this.flush()
    this.#writer.add(message, size)
    if (!this.#scheduled && this.#corks === 0) {
      this.#scheduled = true
      setImmediate(this.#endTurn)
    }
    return !this.#congested
  }

  cork(): void {
    this.#corks++
  }

  uncork(): void {
    if (this.#corks > 0 && --this.#corks === 0) this.flush()
  }

  /** The carrier has room again. */
  relieved(): void {
    this.#congested = false
  }

  /** Whether the carrier is being given a datagram right now. */
  get passing(): boolean {
    return this.#passing
  }

  /** Sends what waits, corked or not; over a carrier that is not open it is dropped. */
  flush(): void {
    const { messages } = this.#writer
    if (messages === 0) return
    const datagram = this.#writer.take()
    if (this.#carrier.state === 'open' && this.#pass(datagram)) {
      this.sent += messages
      this.sentDatagrams++
    } else {
      this.dropped += messages
    }
  }

  /**
   * A microtask would be too early: the runtime runs them between any two datagrams that came together, and every
   * `await` of a `send` is one.
   */
  readonly #endTurn = (): void => {
    this.#scheduled = false
    if (this.#corks === 0) this.flush()
  }

  /**
   * Whether the carrier accepted the datagram. One that drops it tells so by itself, unless it throws. Over a full
   * queue that gives up its oldest this is a guess: what it then holds may have more bytes or fewer.
   */
  #pass(datagram: Uint8Array): boolean {
    const before = this.#carrier.buffered
    this.#passing = true
    try {
      this.#congested = !this.#carrier.write(datagram)
      const accepted = !this.#congested || this.#carrier.buffered > before
      if (accepted) this.#toldOfDrops = false
      return accepted
    } catch (error) {
      this.#tellOfDrops(error)
      return false
    } finally {
      this.#passing = false
    }
  }

  /** In a turn of its own, as trouble of the carrier's. */
  #tellOfDrops(error: unknown): void {
    if (this.#toldOfDrops) return
    this.#toldOfDrops = true
    queueMicrotask(() => this.#slot.trouble(SocketError.from(error, 'Messages dropped')))
  }
}
