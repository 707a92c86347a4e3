import {
  type ByteConnection,
  type CloseReason,
  LimitError,
  type MessageConnection,
  ProtocolError,
  SocketError,
} from '@fairlead/core'
import { ChunkIterator, type InnerHandler, Layer, ready, rejected } from '@fairlead/core/transport'

import { CapsuleError } from './capsule.ts'
import { DatagramDecoder, encodeDatagram } from './datagram.ts'
import type { Target } from './target.ts'

/**
 * A conversation with one peer by way of a UDP proxy. A message is a datagram: it arrives whole or not at all, perhaps
 * twice, perhaps in another order. Addresses are those of the connection to the proxy, and so is what TLS agreed on.
 */
export interface ProxiedUdpConnection extends MessageConnection<Uint8Array> {
  readonly reliable: false
  /** Whom the proxy sends to. */
  readonly target: Target
  /** Bytes of the largest message that `write` takes; larger ones meet a LimitError. */
  readonly maxMessageSize: number
  /** What was counted since the connection was made; a copy, which may be asked for as often as one likes. */
  stats(): ProxiedUdpStats
}

/** What a {@link ProxiedUdpConnection} counted: messages, unless the name says bytes. */
export interface ProxiedUdpStats {
  /** Accepted for sending; what becomes of them at the proxy and behind it nobody knows. */
  readonly sent: number
  readonly sentBytes: number
  /** Dropped because too much waited for the proxy already. */
  readonly dropped: number
  /** Refused by `write` and `send` because they were larger than `maxMessageSize`. */
  readonly oversized: number
  /** Given to a reader. */
  readonly received: number
  readonly receivedBytes: number
  /** What the proxy sent that is no UDP payload: capsules of unknown types, and datagrams of unknown contexts. */
  readonly ignored: number
}

/** What a connection is made with. */
export interface ProxiedSetup {
  readonly target: Target
  readonly maxMessageSize: number
  readonly maxBuffered: number
}

/**
 * The {@link ProxiedUdpConnection} over the byte connection to the proxy, whose life is its own. Capsules are cut only
 * while somebody wants what is in them: a reader that pauses stops the proxy, which drops what comes then.
 */
export class ProxiedConnection
  extends Layer<ByteConnection, Uint8Array>
  implements ProxiedUdpConnection, InnerHandler<Uint8Array>
{
  readonly reliable = false
  readonly target: Target
  readonly maxMessageSize: number
  readonly #maxBuffered: number
  readonly #decoder = new DatagramDecoder()
  readonly #counts = { sent: 0, sentBytes: 0, dropped: 0, oversized: 0, received: 0, receivedBytes: 0 }
  /** Of the first message that was dropped since there was room. */
  #overflow: LimitError | undefined
  #wanted = false
  #cutting = false
  #ended = false
  #deaf = false
  #reason: CloseReason | undefined

  constructor(
    connection: ByteConnection,
    head: Uint8Array,
    { target, maxMessageSize, maxBuffered }: ProxiedSetup,
  ) {
    super(connection, {
      flow: (wanted) => this.#flow(wanted),
      // The end was answered when it came.
      answerEnd() {},
      closeForShutdown: (grace) => void connection.close({ grace }),
    })
    this.target = target
    this.maxMessageSize = maxMessageSize
    this.#maxBuffered = maxBuffered
    connection.handle(this, head.length > 0 ? head : undefined)
    connection.pause()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return new ChunkIterator(this.slot, 0, () => 1)
  }

  stats(): ProxiedUdpStats {
    return { ...this.#counts, ignored: this.#decoder.ignored }
  }

  write(message: Uint8Array): boolean {
    return this.#pass(message) === true
  }

  send(message: Uint8Array): Promise<void> {
    try {
      const passed = this.#pass(message)
      if (passed === true) return ready
      return passed ? rejected(passed) : this.below.drained()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    return this.below.drained(options)
  }

  // What follows is heard from the byte connection.

  onData(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
    this.#cut()
    if (!this.#taking) this.below.pause()
  }

  /** There is no half of a tunnel; what came before the end is still to be read. */
  onEnd(): void {
    this.#ended = true
    this.below.end()
    this.#cut()
  }

  onDrain(): void {
    this.#overflow = undefined
    this.slot.drain()
  }

  onDeaf(reason?: CloseReason): void {
    this.#deaf = true
    this.slot.deafen(reason)
  }

  onClose(reason: CloseReason): void {
    this.#reason = reason
    const owes = this.#ended && !this.slot.ended && !this.#deaf
    if (!owes || reason.kind === 'error') this.slot.close(reason)
  }

  /** True when there is room for more, false when there is none; the error to tell when it was dropped. */
  #pass(message: Uint8Array): boolean | LimitError {
    const { length } = checked(message)
    if (length > this.maxMessageSize) {
      this.#counts.oversized++
      throw this.#limited(
        'maxMessageSize',
        `${length} bytes are more than maxMessageSize ${this.maxMessageSize}`,
        length,
      )
    }
    const { below } = this
    // What waits for long is worth nothing when it arrives; and a connection that is not open says what is wrong.
    const full = below.state === 'open' && below.buffered + length > this.#maxBuffered
    if (full && below.buffered > 0) return this.#drop()
    const room = below.write(encodeDatagram(message))
    this.#counts.sent++
    this.#counts.sentBytes += length
    return room
  }

  /** Made and told once until there was room again: an error for each would cost more than the message. */
  #drop(): LimitError {
    this.#counts.dropped++
    const first = this.#overflow === undefined
    const { buffered } = this.below
    this.#overflow ??= this.#limited(
      'maxBuffered',
      `${buffered} bytes wait already, near maxBuffered ${this.#maxBuffered}`,
      buffered,
    )
    if (first) this.slot.trouble(this.#overflow)
    return this.#overflow
  }

  #limited(limit: string, why: string, value: number): LimitError {
    const facts = { phase: 'write', peer: this.remoteAddress, retryable: limit === 'maxBuffered' }
    return new LimitError(`Cannot send: ${why}`, { ...facts, limit, value })
  }

  /** Whether a message that is cut now is heard at once. */
  get #taking(): boolean {
    return this.#wanted && this.slot.flowing
  }

  #flow(wanted: boolean): void {
    this.#wanted = wanted
    if (!wanted || this.#cutting) return
    this.#cut()
    if (this.#taking) this.below.resume()
  }

  /** Cuts messages for as long as they are wanted; a message may change that. */
  #cut(): void {
    if (this.#cutting) return
    this.#cutting = true
    try {
      while (this.#taking) {
        const message = this.#decoder.next()
        if (message === undefined) {
          if (this.#ended) this.#decoder.end()
          break
        }
        this.#counts.received++
        this.#counts.receivedBytes += message.length
        this.slot.deliver(message)
      }
      if (this.#ended && this.slot.flowing) {
        this.slot.pushEnd()
        if (this.#reason) this.slot.close(this.#reason)
      }
    } catch (error) {
      this.#break(error)
    } finally {
      this.#cutting = false
    }
  }

  #break(cause: unknown): void {
    const failure =
      cause instanceof CapsuleError ? this.#malformed(cause) : SocketError.from(cause, 'Cannot read')
    this.below.destroy(failure)
    if (this.#reason) this.slot.close({ kind: 'error', error: failure })
  }

  #malformed(cause: CapsuleError): ProtocolError {
    const facts = { side: 'remote', phase: 'read', peer: this.remoteAddress, cause } as const
    return new ProtocolError(`Cannot read capsule: ${cause.message}`, facts)
  }
}

/** @throws TypeError when `message` is something else. */
function checked(message: Uint8Array): Uint8Array {
  if (message instanceof Uint8Array) return message
  throw new TypeError(`Cannot send: ${typeof message} is not a Uint8Array`)
}
