import type { CloseOptions, CloseReason, MessageConnection, SocketError } from '@fairlead/core'
import { ChunkIterator, type InnerHandler, Layer, rejected } from '@fairlead/core/transport'

import type { BundleOptions, DatagramCarrier } from './options.ts'
import { type Payload, payloadOf } from './payload.ts'
import { BundleReceiver } from './receiver.ts'
import { BundleSender } from './sender.ts'
import type { BundleStats } from './stats.ts'

/** A conversation in small messages, many to a datagram. */
export interface BundleConnection<M> extends MessageConnection<M> {
  readonly reliable: false
  /** Bytes of the largest message that `write` takes; larger ones meet a LimitError. */
  readonly maxMessageSize: number
  /** What was counted since the bundle was made; a copy, which may be asked for as often as one likes. */
  stats(): BundleStats
}

/** The longest time that a timer of the runtime can hold. */
const unlimited = 2_147_483_647

/** The {@link BundleConnection} over any connection whose messages are datagrams. */
export class Bundled<M>
  extends Layer<MessageConnection<M>, M>
  implements BundleConnection<M>, InnerHandler<Uint8Array>
{
  readonly reliable = false
  readonly #sender: BundleSender<M>
  readonly #receiver: BundleReceiver<M>
  readonly #payload: Payload<M>
  readonly #maxDatagramSize: number

  constructor(carrier: DatagramCarrier, options: Required<BundleOptions>) {
    // The layer below takes it for a connection of what this one carries; only the sender writes to it.
    super(carrier as unknown as MessageConnection<M>, {
      flow: (wanted) => (wanted ? carrier.resume() : carrier.pause()),
      answerEnd: () => void this.close({ grace: unlimited }),
      closeForShutdown: (grace) => void this.close({ grace }),
    })
    this.#payload = payloadOf(options.messages)
    this.#maxDatagramSize = options.maxDatagramSize
    this.#sender = new BundleSender(carrier, this.slot, this.#payload, options)
    this.#receiver = new BundleReceiver(carrier, this.slot, this.#payload)
    carrier.handle(this)
    carrier.pause()
  }

  get maxMessageSize(): number {
    return this.#sender.maxMessageSize
  }

  override get buffered(): number {
    return this.below.buffered + this.#sender.bytes
  }

  stats(): BundleStats {
    const { sent, sentDatagrams, dropped } = this.#sender
    const { received, receivedDatagrams, malformed, window } = this.#receiver
    const { lost = 0, duplicated = 0, reordered = 0, late = 0 } = window ?? {}
    return {
      sent,
      sentDatagrams,
      dropped,
      received,
      receivedDatagrams,
      lost,
      duplicated,
      reordered,
      late,
      malformed,
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<M, undefined> {
    return new ChunkIterator(this.slot, this.#maxDatagramSize, this.#payload.sizeOf)
  }

  write(message: M): boolean {
    // A connection that is not open says itself what is wrong.
    return this.below.state === 'open' ? this.#sender.write(message) : this.below.write(message)
  }

  /** Asks below for room, since a datagram that was refused there has not made `write` answer false. */
  send(message: M): Promise<void> {
    try {
      this.write(message)
      return this.drained()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    return this.below.drained(options)
  }

  override cork(): void {
    this.#sender.cork()
  }

  override uncork(): void {
    this.#sender.uncork()
  }

  override close(options?: CloseOptions): Promise<void> {
    this.#sender.flush()
    return this.below.close(options)
  }

  // What follows is heard from the connection.

  /** Whoever closes it, for want of a reader or in a shutdown. */
  override onClosing(): void {
    super.onClosing()
    this.#sender.flush()
  }

  onData(datagram: Uint8Array): void {
    this.#receiver.receive(datagram)
  }

  onEnd(): void {
    this.slot.pushEnd()
  }

  onDrain(): void {
    this.#sender.relieved()
    this.slot.drain()
  }

  /** In a turn of its own while a datagram is being passed on, so that `write` never calls back into its caller. */
  override onTrouble(error: SocketError): void {
    if (this.#sender.passing) queueMicrotask(() => super.onTrouble(error))
    else super.onTrouble(error)
  }

  onDeaf(reason?: CloseReason): void {
    this.slot.deafen(reason)
  }

  /** Somebody reads the datagrams themselves. */
  onReplaced(): readonly Uint8Array[] {
    this.slot.vacate()
    return []
  }

  onClose(reason: CloseReason): void {
    this.#sender.flush()
    this.slot.close(reason)
  }
}
