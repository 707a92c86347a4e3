import type { Address } from './address.ts'
import { ChunkIterator } from './chunk-iterator.ts'
import type { Connection, ConnectionHandler } from './connection.ts'
import { defaultHighWaterMark } from './defaults.ts'
import { channels } from './diagnostics.ts'
import { BrokenError, ClosedError, SocketError } from './errors.ts'
import { Gate, ready, rejected } from './gate.ts'
import { HandlerSlot, type SlotHost } from './handler-slot.ts'
import { graceOf, Lifecycle, unlessAborted } from './lifecycle.ts'
import type { CloseOptions, CloseReason, ResourceState } from './resource.ts'

/** Whoever keeps a set of connections and wants to know when one is gone. */
export interface ConnectionOwner<C> {
  release(connection: C): void
}

/** Most connections end in one of two ways, and have no more to say of it. */
const goodEnds = { local: { kind: 'local' }, remote: { kind: 'remote' } } as const

/** Bytes that passed. */
export interface Traffic {
  readonly bytesIn: number
  readonly bytesOut: number
}

/**
 * What every transport's connection shares: the lifecycle, the handler slot, iteration, waiting for room and
 * bounded closing. A transport says how to start and stop its input (`flow`), how to write, how to end its
 * output after what was written (`endOutput`) and how to let go at once (`cut`), and reports what happens
 * through `slot`, {@link relieved} and {@link finish}.
 *
 * One floor, not a tower: transports extend this class and nothing extends them but their own variants.
 */
export abstract class ConnectionBase<In, Out = In> implements Connection<In, Out>, SlotHost {
  abstract readonly localAddress: Address
  abstract readonly remoteAddress: Address
  abstract readonly buffered: number

  protected readonly slot: HandlerSlot<In>
  readonly #life = new Lifecycle()
  /** Made for the first sender that has to wait. */
  #gate: Gate | undefined
  #owner: ConnectionOwner<this> | undefined
  #ending: CloseReason | undefined
  /** When a polite closing is cut. */
  #cut: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> } | undefined
  #firstEnd: 'local' | 'remote' = 'remote'
  #outputEnded = false

  constructor() {
    this.slot = new HandlerSlot<In>(this)
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  /** Whether somebody reads; an accept callback that ends without a reader ends its connection. */
  get occupied(): boolean {
    return this.slot.occupied
  }

  abstract write(data: Out): boolean
  abstract cork(): void
  abstract uncork(): void

  /** Starts or stops the transport's input. Called often, by the slot; must be cheap and idempotent. */
  abstract flow(wanted: boolean): void
  /** Ends the output after what was written. Called once; the connection is closed when the peer ended, too. */
  protected abstract endOutput(reason: CloseReason): void
  /** Lets go of the transport at once. */
  protected abstract cut(reason: CloseReason): void
  /** Bytes that a reader by iteration may hold before input is stopped. */
  protected get iterationLimit(): number {
    return defaultHighWaterMark
  }

  protected abstract sizeOf(data: In): number

  handle(handler: ConnectionHandler<In>, head?: In): void {
    this.slot.install(handler, head)
  }

  [Symbol.asyncIterator](): AsyncIterator<In, undefined> {
    return new ChunkIterator(this.slot, this.iterationLimit, (data) => this.sizeOf(data))
  }

  send(data: Out): Promise<void> {
    try {
      return this.write(data) ? ready : this.#room()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    if (options?.signal?.aborted) return rejected(options.signal.reason)
    if (this.state === 'closed') return rejected(this.unwritable())
    if (!this.congested) return ready
    const room = this.#room()
    return options?.signal ? unlessAborted(room, options.signal) : room
  }

  /** What passed, on transports that count it. */
  protected get traffic(): Traffic | undefined {
    return undefined
  }

  /** Whether the output stands above the high-water mark. */
  protected abstract readonly congested: boolean

  pause(): void {
    this.slot.pause()
  }

  resume(): void {
    this.slot.resume()
  }

  close(options?: CloseOptions): Promise<void> {
    this.beginClose({ kind: 'local' }, graceOf(options))
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    if (this.state === 'closed') return
    const reason: CloseReason = error
      ? { kind: 'error', error: SocketError.from(error, 'Connection destroyed') }
      : (this.#ending ?? { kind: 'local' })
    this.abandon(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The slot's handler has no opinion on the peer's end. */
  answerEnd(): void {
    this.halfClose()
  }

  /** The slot's handler has no opinion on the shutdown. */
  closeForShutdown(grace: number): void {
    this.beginClose({ kind: 'shutdown' }, grace)
  }

  /** A callback of the slot's handler failed. */
  fail(error: unknown): void {
    this.destroy(SocketError.from(error, 'Connection handler failed'))
  }

  /** Joins the set of a listener, which is told when this connection is gone. */
  attach(owner: ConnectionOwner<this>): void {
    this.#owner = owner
  }

  /** The listener shuts down: the handler decides, else the connection closes politely within `grace`. */
  shutdown(grace: number): void {
    if (this.state === 'open') this.slot.shutdown(grace)
  }

  /** Closes now with a reason of the house: a deadline, a shutdown, a handover. */
  abandon(reason: CloseReason): void {
    if (this.state === 'closed') return
    this.slot.deafen(reason)
    this.cut(reason)
    this.finish(reason)
  }

  /** Begins the polite closing; a second, shorter grace shortens the first. */
  protected beginClose(reason: CloseReason, grace: number): void {
    if (this.state === 'open') this.slot.closing()
    if (this.state === 'closed') return
    if (this.#life.begin()) {
      // Whoever ended first closed it; this side may only be answering.
      const answering = reason.kind === 'local' && this.slot.ended && this.#firstEnd === 'remote'
      this.#ending = answering ? { kind: 'remote' } : reason
      this.#arm(grace)
      this.slot.deafen()
      this.halfClose()
    } else {
      this.#arm(grace)
    }
  }

  /** Ends the output, once. */
  protected halfClose(): void {
    if (this.#outputEnded || this.state === 'closed') return
    this.#outputEnded = true
    if (!this.slot.ended) this.#firstEnd = 'local'
    this.endOutput(this.#ending ?? goodEnds[this.#firstEnd])
  }

  /** Whether `write` may take anything. */
  protected get writable(): boolean {
    return !this.#outputEnded && this.state === 'open'
  }

  /** The output fell to where writing may go on. */
  protected relieved(): void {
    this.#gate?.open()
    this.slot.drain()
  }

  /** All that was written is with the system, the end included: whoever waits in `send` has what he waited for. */
  protected flushed(): void {
    this.#gate?.open()
  }

  /** The transport is gone: for `reason`, or in good order when none is given. */
  protected finish(reason?: CloseReason): void {
    const why = reason ?? this.#ending ?? goodEnds[this.#firstEnd]
    if (!this.#life.finish(why)) return
    clearTimeout(this.#cut?.timer)
    this.#gate?.fail(this.unwritable())
    this.slot.close(why)
    if (channels.close.hasSubscribers) {
      channels.close.publish({ connection: this, reason: why, ...this.traffic })
    }
    this.#owner?.release(this)
  }

  /** Why nothing can be written any more. */
  protected unwritable(): SocketError {
    const reason = this.#life.reason
    const options = { phase: 'write', peer: this.remoteAddress }
    if (reason?.kind === 'error') {
      return new BrokenError(`Cannot write: ${reason.error.message}`, { ...options, cause: reason.error })
    }
    if (reason?.kind === 'timeout') {
      return new BrokenError(`Cannot write: ${reason.phase} timeout`, options)
    }
    if (reason?.kind === 'remote') return new BrokenError('Cannot write: the peer closed', options)
    const what = this.state === 'open' ? 'output has ended' : 'connection is closed'
    return new ClosedError(`Cannot write: ${what}`, options)
  }

  #room(): Promise<void> {
    if (this.state === 'closed') return rejected(this.unwritable())
    return (this.#gate ??= new Gate()).wait()
  }

  #arm(grace: number): void {
    const at = performance.now() + grace
    if (this.#cut && at >= this.#cut.at) return
    clearTimeout(this.#cut?.timer)
    const timer = setTimeout(() => this.abandon({ kind: 'timeout', phase: 'close' }), grace)
    this.#cut = { at, timer }
  }
}
