import type { Address } from '../address.ts'
import { ConnectionBase } from '../connection-base.ts'
import type { ByteConnection, MessageConnection } from '../connection.ts'
import { defaultHighWaterMark } from '../defaults.ts'
import { BrokenError } from '../errors.ts'
import { Fifo } from '../fifo.ts'

/** What one end has written and the other has not taken yet; the end of it comes last. */
interface Channel<M> {
  readonly messages: Fifo<M>
  bytes: number
  ended: boolean
  /** The end was taken, too. */
  done: boolean
}

/**
 * One end of a pair in memory. What is written here is delivered there in a later turn of the event loop, and
 * counts as buffered here until it was.
 */
export abstract class MemoryConnection<In, Out = In> extends ConnectionBase<In, Out> {
  readonly localAddress: Address
  readonly remoteAddress: Address
  readonly #incoming: Channel<In> = { messages: new Fifo(), bytes: 0, ended: false, done: false }
  #peer: MemoryConnection<In, Out> | undefined
  #wanted = false
  #scheduled = false
  #congested = false
  #corks = 0
  #corked: In[] = []
  #corkedBytes = 0

  constructor(local: string, remote: string) {
    super()
    this.localAddress = { kind: 'memory', name: local }
    this.remoteAddress = { kind: 'memory', name: remote }
  }

  /** Ties two ends to each other. */
  static tie<In, Out>(a: MemoryConnection<In, Out>, b: MemoryConnection<In, Out>): void {
    a.#peer = b
    b.#peer = a
  }

  get buffered(): number {
    return this.#corkedBytes + (this.#peer ? this.#peer.#incoming.bytes : 0)
  }

  cork(): void {
    this.#corks++
  }

  uncork(): void {
    if (this.#corks === 0 || --this.#corks > 0) return
    this.#flushCorked()
  }

  protected get congested(): boolean {
    return this.#congested
  }

  /** Hands `message` to the other end. */
  protected pass(message: In): boolean {
    const peer = this.#peer
    if (!peer || !this.writable) throw this.unwritable()
    const size = this.sizeOf(message)
    if (this.#corks > 0) {
      this.#corked.push(message)
      this.#corkedBytes += size
    } else {
      peer.#receive(message, size)
    }
    if (this.buffered >= defaultHighWaterMark) this.#congested = true
    return !this.#congested
  }

  protected endOutput(): void {
    this.#flushCorked()
    const peer = this.#peer
    if (!peer) return
    peer.#incoming.ended = true
    peer.#schedule()
  }

  protected cut(): void {
    const peer = this.#peer
    this.#peer = undefined
    if (!peer) return
    // A clean end only if everything written here was taken there, the end included.
    const reset = !(peer.#incoming.done && this.#incoming.done)
    if (reset) setImmediate(() => peer.#reset())
  }

  flow(wanted: boolean): void {
    this.#wanted = wanted
    if (wanted) this.#schedule()
  }

  #flushCorked(): void {
    const corked = this.#corked
    this.#corked = []
    this.#corkedBytes = 0
    const peer = this.#peer
    if (peer) for (const message of corked) peer.#receive(message, this.sizeOf(message))
  }

  #receive(message: In, size: number): void {
    this.#incoming.messages.push(message)
    this.#incoming.bytes += size
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || !this.#wanted) return
    this.#scheduled = true
    setImmediate(() => this.#deliver())
  }

  #deliver(): void {
    this.#scheduled = false
    const incoming = this.#incoming
    // What is written meanwhile waits for the next turn.
    for (let count = incoming.messages.length; count > 0 && this.#wanted; count--) {
      const message = incoming.messages.shift()
      incoming.bytes -= this.sizeOf(message)
      this.slot.push(message)
    }
    if (this.#peer) this.#peer.#taken()
    if (incoming.messages.length > 0) this.#schedule()
    else if (incoming.ended && this.#wanted) this.#deliverEnd()
  }

  #deliverEnd(): void {
    if (this.#incoming.done) return
    this.#incoming.done = true
    this.slot.pushEnd()
    const peer = this.#peer
    if (!peer || !peer.#incoming.done) return
    this.#peer = peer.#peer = undefined
    this.finish()
    peer.finish()
  }

  #taken(): void {
    if (!this.#congested || this.buffered > defaultHighWaterMark / 4) return
    this.#congested = false
    this.relieved()
  }

  #reset(): void {
    this.#peer = undefined
    const error = new BrokenError('Connection reset by peer', { peer: this.remoteAddress })
    this.finish({ kind: 'error', error })
  }
}

/** Bytes in memory, with half-close: the stand-in for a TCP connection. */
export class MemoryByteConnection
  extends MemoryConnection<Uint8Array, Uint8Array | string>
  implements ByteConnection
{
  write(data: Uint8Array | string, encoding: 'utf8' | 'latin1' = 'utf8'): boolean {
    if (typeof data === 'string') return this.pass(Buffer.from(data, encoding))
    if (!(data instanceof Uint8Array))
      throw new TypeError(`Cannot write: ${typeof data} is neither bytes nor text`)
    // A copy, because the receiver owns the bytes, and the sender may send his again.
    return this.pass(Buffer.from(data))
  }

  end(): void {
    this.halfClose()
  }

  protected sizeOf(data: Uint8Array): number {
    return data.byteLength
  }
}

/** Whole messages in memory, handed over as they are, not copied. */
export class MemoryMessageConnection<M> extends MemoryConnection<M> implements MessageConnection<M> {
  readonly reliable = true

  write(message: M): boolean {
    return this.pass(message)
  }

  protected sizeOf(message: M): number {
    if (typeof message === 'string') return message.length
    return message instanceof Uint8Array ? message.byteLength : 1
  }
}
