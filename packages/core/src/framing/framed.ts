import { ChunkIterator } from '../chunk-iterator.ts'
import type { ByteConnection, FramedConnection } from '../connection.ts'
import { BusyError, SocketError } from '../errors.ts'
import { ready, rejected } from '../gate.ts'
import type { InnerHandler } from '../handler-slot.ts'
import { Layer } from '../layer.ts'
import type { CloseReason } from '../resource.ts'
import type { Framing, MessageDecoder } from './framing.ts'

/**
 * Messages over a byte connection. The life is the byte connection's own; this adds a handler slot for
 * messages, and cuts input only while somebody wants it, so that what is unread stays bytes until the end.
 */
export class Framed<M>
  extends Layer<ByteConnection, M>
  implements FramedConnection<M>, InnerHandler<Uint8Array>
{
  readonly reliable = true
  readonly #framing: Framing<M>
  readonly #decoder: MessageDecoder<M>
  #wanted = false
  #cutting = false
  #ended = false
  #unframed = false
  #deaf = false
  #reason: CloseReason | undefined

  constructor(connection: ByteConnection, framing: Framing<M>) {
    super(connection, {
      flow: (wanted) => this.#flow(wanted),
      answerEnd: () => connection.end(),
      closeForShutdown: (grace) => void connection.close({ grace }),
    })
    this.#framing = framing
    this.#decoder = framing.decoder()
    connection.handle(this)
    connection.pause()
  }

  [Symbol.asyncIterator](): AsyncIterator<M, undefined> {
    if (this.#unframed) throw new BusyError('Cannot iterate: the framing is off')
    return new ChunkIterator(this.slot, 0, () => 1)
  }

  write(message: M): boolean {
    const encoded = this.#framing.encode(message)
    if (typeof encoded === 'string' || encoded instanceof Uint8Array) return this.below.write(encoded)
    return this.#writeTogether(encoded)
  }

  send(message: M): Promise<void> {
    try {
      return this.write(message) ? ready : this.below.drained()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    return this.below.drained(options)
  }

  unframe(): { connection: ByteConnection; head: Uint8Array } {
    if (this.#unframed) throw new BusyError('Cannot unframe: the framing is off already')
    this.#unframed = true
    this.below.pause()
    this.slot.vacate()
    return { connection: this.below, head: this.#decoder.rest() }
  }

  // What follows is heard from the byte connection.

  override get occupied(): boolean {
    return !this.#unframed && super.occupied
  }

  get retired(): boolean {
    return this.#unframed
  }

  onData(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
    this.#cut()
    if (!this.#unframed && !this.#taking) this.below.pause()
  }

  onEnd(): void {
    this.#ended = true
    this.#cut()
  }

  onDrain(): void {
    this.slot.drain()
  }

  onDeaf(reason?: CloseReason): void {
    this.#deaf = true
    this.slot.deafen(reason)
  }

  /** Somebody reads the stream itself; what was taken from it for the next line is theirs. */
  onReplaced(): readonly Uint8Array[] {
    if (this.#unframed) return []
    this.#unframed = true
    this.slot.vacate()
    const rest = this.#decoder.rest()
    return rest.length > 0 ? [rest] : []
  }

  onClose(reason: CloseReason): void {
    this.#reason = reason
    const owes = this.#ended && !this.slot.ended && !this.#deaf && !this.#unframed
    if (!owes || reason.kind === 'error') this.slot.close(reason)
  }

  #writeTogether(pieces: readonly Uint8Array[]): boolean {
    let room = true
    this.below.cork()
    try {
      for (const piece of pieces) room = this.below.write(piece)
    } finally {
      this.below.uncork()
    }
    return room
  }

  /** Whether a message that is cut now is heard at once. */
  get #taking(): boolean {
    return this.#wanted && this.slot.flowing && !this.#unframed
  }

  #flow(wanted: boolean): void {
    this.#wanted = wanted
    if (!wanted || this.#cutting || this.#unframed) return
    this.#cut()
    if (this.#taking) this.below.resume()
  }

  /** Cuts messages for as long as they are wanted; a message may change that. */
  #cut(): void {
    if (this.#cutting) return
    this.#cutting = true
    try {
      const decoder = this.#decoder
      while (this.#taking) {
        // A message may be null: the one of JSON is.
        let message = decoder.next()
        if (message === undefined && this.#ended) message = decoder.end()
        if (message === undefined) break
        this.slot.deliver(message)
      }
      if (this.#ended && this.slot.flowing && !this.#unframed) {
        this.slot.pushEnd()
        if (this.#reason) this.slot.close(this.#reason)
      }
    } catch (error) {
      const failure = SocketError.from(error, 'Cannot read')
      this.below.destroy(failure)
      if (this.#reason) this.slot.close({ kind: 'error', error: failure })
    } finally {
      this.#cutting = false
    }
  }
}
