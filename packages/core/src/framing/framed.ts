import type { Address } from '../address.ts'
import { ChunkIterator } from '../chunk-iterator.ts'
import type { ByteConnection, ConnectionHandler, FramedConnection, TlsFacts } from '../connection.ts'
import { BusyError, SocketError } from '../errors.ts'
import { ready, rejected } from '../gate.ts'
import { HandlerSlot, type InnerHandler } from '../handler-slot.ts'
import type { CloseOptions, CloseReason, ResourceState } from '../resource.ts'
import type { Framing, MessageDecoder } from './framing.ts'

/**
 * Messages over a byte connection. The life is the byte connection's own; this adds a handler slot for
 * messages, and cuts input only while somebody wants it, so that what is unread stays bytes until the end.
 */
export class Framed<M> implements FramedConnection<M>, InnerHandler<Uint8Array> {
  readonly reliable = true
  readonly #connection: ByteConnection
  readonly #framing: Framing<M>
  readonly #decoder: MessageDecoder<M>
  readonly #slot: HandlerSlot<M>
  #wanted = false
  #cutting = false
  #ended = false
  #unframed = false

  constructor(connection: ByteConnection, framing: Framing<M>) {
    this.#connection = connection
    this.#framing = framing
    this.#decoder = framing.decoder()
    this.#slot = new HandlerSlot<M>({
      flow: (wanted) => this.#flow(wanted),
      answerEnd: () => connection.end(),
      closeForShutdown: (grace) => void connection.close({ grace }),
      fail: (error) => connection.destroy(SocketError.from(error, 'Connection handler failed')),
    })
    connection.handle(this)
    connection.pause()
  }

  get state(): ResourceState {
    return this.#connection.state
  }

  get closed(): Promise<CloseReason> {
    return this.#connection.closed
  }

  get localAddress(): Address {
    return this.#connection.localAddress
  }

  get remoteAddress(): Address {
    return this.#connection.remoteAddress
  }

  get tls(): TlsFacts | undefined {
    return this.#connection.tls
  }

  get buffered(): number {
    return this.#connection.buffered
  }

  handle(handler: ConnectionHandler<M>, head?: M): void {
    this.#slot.install(handler, head)
  }

  [Symbol.asyncIterator](): AsyncIterator<M, undefined> {
    return new ChunkIterator(this.#slot, 0, () => 1)
  }

  write(message: M): boolean {
    const encoded = this.#framing.encode(message)
    if (typeof encoded === 'string' || encoded instanceof Uint8Array) return this.#connection.write(encoded)
    return this.#writeTogether(encoded)
  }

  send(message: M): Promise<void> {
    try {
      return this.write(message) ? ready : this.#connection.drained()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    return this.#connection.drained(options)
  }

  pause(): void {
    this.#slot.pause()
  }

  resume(): void {
    this.#slot.resume()
  }

  cork(): void {
    this.#connection.cork()
  }

  uncork(): void {
    this.#connection.uncork()
  }

  close(options?: CloseOptions): Promise<void> {
    return this.#connection.close(options)
  }

  destroy(error?: Error): void {
    this.#connection.destroy(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  unframe(): { connection: ByteConnection; head: Uint8Array } {
    if (this.#unframed) throw new BusyError('Cannot unframe: the framing is off already')
    this.#unframed = true
    this.#connection.pause()
    this.#slot.vacate()
    return { connection: this.#connection, head: this.#decoder.rest() }
  }

  // What follows is heard from the byte connection.

  get occupied(): boolean {
    return !this.#unframed && this.#slot.occupied
  }

  get retired(): boolean {
    return this.#unframed
  }

  get leavesShutdown(): boolean {
    return this.#slot.leavesShutdown
  }

  onData(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
    this.#cut()
    if (!this.#unframed && !this.#taking) this.#connection.pause()
  }

  onEnd(): void {
    this.#ended = true
    this.#cut()
  }

  onDrain(): void {
    this.#slot.drain()
  }

  onShutdown(grace: number): void {
    this.#slot.shutdown(grace)
  }

  onDeaf(reason?: CloseReason): void {
    this.#slot.deafen(reason)
  }

  /** Somebody reads the stream itself; what was taken from it for the next line is theirs. */
  onReplaced(): readonly Uint8Array[] {
    if (this.#unframed) return []
    this.#unframed = true
    this.#slot.vacate()
    const rest = this.#decoder.rest()
    return rest.length > 0 ? [rest] : []
  }

  onClose(reason: CloseReason): void {
    this.#slot.close(reason)
  }

  #writeTogether(pieces: readonly Uint8Array[]): boolean {
    let room = true
    this.#connection.cork()
    try {
      for (const piece of pieces) room = this.#connection.write(piece)
    } finally {
      this.#connection.uncork()
    }
    return room
  }

  /** Whether a message that is cut now is heard at once. */
  get #taking(): boolean {
    return this.#wanted && this.#slot.flowing && !this.#unframed
  }

  #flow(wanted: boolean): void {
    this.#wanted = wanted
    if (!wanted || this.#cutting || this.#unframed) return
    this.#cut()
    if (this.#taking) this.#connection.resume()
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
        this.#slot.deliver(message)
      }
      if (this.#ended && this.#slot.flowing && !this.#unframed) this.#slot.pushEnd()
    } catch (error) {
      this.#connection.destroy(SocketError.from(error, 'Cannot read'))
    } finally {
      this.#cutting = false
    }
  }
}
