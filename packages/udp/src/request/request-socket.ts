import {
  type Address,
  BrokenError,
  ClosedError,
  type CloseOptions,
  type CloseReason,
  type DatagramSocket,
  type Resource,
  type ResourceState,
  SocketError,
} from '@fairlead/core'
import { graceOf, unlessAborted } from '@fairlead/core/transport'

import { decodeMessage, isOurs } from './message.ts'
import type { RequestsSettings } from './options.ts'
import type { RequestOptions } from './request-options.ts'
import { Requester } from './requester.ts'
import { Responder } from './responder.ts'
import { RequestCounters, type RequestStats } from './stats.ts'
import type { RequestTarget } from './target.ts'

/**
 * A datagram socket that asks and answers. It owns the socket underneath: both are closed together, and nobody
 * else may take its handler slot.
 *
 * `close` rejects what was asked here, finishes what `answer` is at work on, within its grace, and takes no new
 * requests. `destroy` drops that, too.
 */
export interface RequestSocket<From extends Address, To, M> extends Resource {
  /** Where it is bound. */
  readonly address: From
  /**
   * Sends a request, again when no answer comes, and resolves with the answer. The caller keeps the bytes;
   * strings go as UTF-8. All attempts carry one identifier, so that the other side executes it once, as long as
   * it remembers; whether it did when there is no answer, nobody knows.
   *
   * Rejects with a TimeoutError of phase `total`; a BrokenError when the other side says that it failed; a
   * LimitError when the message is too large or `maxPending` others wait; a ClosedError when this is closed, now
   * or meanwhile; `signal.reason`; a TypeError or RangeError for wrong arguments.
   */
  request(data: Uint8Array | string, options: RequestOptions<To>): Promise<M>
  /** What was counted since it was made; a copy, which may be asked for as often as one likes. */
  stats(): RequestStats
}

/** The {@link RequestSocket} over any datagram socket: tells apart what comes, and owns the life of it all. */
export class RequestEndpoint<From extends Address & To, To extends RequestTarget, M> implements RequestSocket<
  From,
  To,
  M
> {
  readonly #socket: DatagramSocket<From, To>
  readonly #settings: RequestsSettings<From, M>
  readonly #counters = new RequestCounters()
  readonly #requester: Requester<To, M>
  readonly #responder: Responder<From, M>
  #closing = false
  /** What broke it. */
  #error: Error | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(socket: DatagramSocket<From, To>, settings: RequestsSettings<From, M>) {
    this.#socket = socket
    this.#settings = settings
    const sender = {
      kind: socket.address.kind,
      write: (datagram: Uint8Array, to: To) => void socket.write(datagram, to),
      tryWrite: (datagram: Uint8Array, to: To) => this.#tryWrite(datagram, to),
      trouble: (error: SocketError) => this.#trouble(error),
    }
    this.#requester = new Requester(settings, sender, this.#counters)
    this.#responder = new Responder(settings, sender, this.#counters)
    socket.handle({
      onDatagram: (data, from) => this.#receive(data, from),
      onTrouble: (error) => this.#trouble(error),
      onClose: (reason) => this.#closed(reason),
    })
  }

  get address(): From {
    return this.#socket.address
  }

  get state(): ResourceState {
    const { state } = this.#socket
    return state === 'open' && this.#closing ? 'closing' : state
  }

  get closed(): Promise<CloseReason> {
    return this.#socket.closed
  }

  async request(data: Uint8Array | string, options: RequestOptions<To>): Promise<M> {
    if (this.state !== 'open') throw this.#unable()
    return this.#requester.request(data, options)
  }

  stats(): RequestStats {
    const { memory, running } = this.#responder
    const { size: remembered, bytes: rememberedBytes } = memory
    return this.#counters.snapshot({ pending: this.#requester.pending, running, remembered, rememberedBytes })
  }

  async close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    if (!this.#closing) this.#drain(grace)
    await (options?.signal ? unlessAborted(this.closed, options.signal) : this.closed)
  }

  destroy(error?: Error): void {
    if (this.state !== 'closed') this.#stop(error)
    this.#socket.destroy(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #receive(datagram: Uint8Array, from: From): void {
    if (!isOurs(datagram)) return this.#stray(datagram, from)
    const message = decodeMessage(datagram)
    if (!message) this.#counters.malformed++
    else if (message.kind === 'request') this.#responder.receive(message, datagram.byteLength, from)
    else this.#requester.receive(message, from)
  }

  #stray(datagram: Uint8Array, from: From): void {
    this.#counters.stray++
    const { onDatagram } = this.#settings
    if (!onDatagram) return
    const give = async (): Promise<void> => onDatagram(datagram, from)
    give().catch((error: unknown) => this.#trouble(SocketError.from(error, 'Datagram handler failed')))
  }

  #tryWrite(datagram: Uint8Array, to: To): void {
    if (this.#socket.state !== 'open') return
    try {
      this.#socket.write(datagram, to)
    } catch (error) {
      this.#trouble(SocketError.from(error, 'Cannot send'))
    }
  }

  #trouble(error: SocketError): void {
    this.#counters.lastError = error
    const { onTrouble } = this.#settings
    if (!onTrouble) return
    // Whoever fails to hear of a failure is not told of that one, too.
    const tell = async (): Promise<void> => onTrouble(error)
    tell().catch(() => {})
  }

  #drain(grace: number): void {
    this.#closing = true
    this.#requester.fail(this.#unable())
    const until = performance.now() + grace
    const close = (): void => {
      clearTimeout(this.#timer)
      void this.#socket.close({ grace: Math.max(0, until - performance.now()) })
    }
    this.#timer = setTimeout(close, grace)
    this.#responder.drain(close)
  }

  #stop(error?: Error): void {
    this.#closing = true
    this.#error ??= error
    clearTimeout(this.#timer)
    this.#requester.fail(this.#unable())
    this.#responder.stop()
  }

  /** Whoever closed the socket underneath. */
  #closed(reason: CloseReason): void {
    this.#stop(reason.kind === 'error' ? reason.error : undefined)
  }

  #unable(): SocketError {
    const error = this.#error
    if (!error) return new ClosedError('Cannot request: socket is closed')
    return new BrokenError(`Cannot request: ${error.message}`, { cause: error })
  }
}
