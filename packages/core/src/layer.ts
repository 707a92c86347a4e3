import type { Address } from './address.ts'
import type {
  ByteConnection,
  Connection,
  ConnectionHandler,
  MessageConnection,
  TlsFacts,
} from './connection.ts'
import { SocketError } from './errors.ts'
import { HandlerSlot, type SlotHost } from './handler-slot.ts'
import type { CloseOptions, CloseReason, ResourceState } from './resource.ts'

/**
 * What every connection of messages on top of another connection shares. Life, addresses and output are those of the
 * one below; a handler slot of its own is what it adds. It sits in the slot below from the beginning.
 */
export abstract class Layer<Below extends ByteConnection | MessageConnection<M>, M> implements Connection<M> {
  protected readonly below: Below
  protected readonly slot: HandlerSlot<M>

  constructor(below: Below, host: Omit<SlotHost, 'fail'>) {
    this.below = below
    const fail = (error: unknown): void => below.destroy(SocketError.from(error, 'Connection handler failed'))
    this.slot = new HandlerSlot<M>({ ...host, fail })
  }

  abstract write(message: M): boolean
  abstract send(message: M): Promise<void>
  abstract drained(options?: { signal?: AbortSignal }): Promise<void>
  abstract [Symbol.asyncIterator](): AsyncIterator<M, undefined>

  get state(): ResourceState {
    return this.below.state
  }

  get closed(): Promise<CloseReason> {
    return this.below.closed
  }

  get localAddress(): Address {
    return this.below.localAddress
  }

  get remoteAddress(): Address {
    return this.below.remoteAddress
  }

  get tls(): TlsFacts | undefined {
    return this.below.tls
  }

  get buffered(): number {
    return this.below.buffered
  }

  handle(handler: ConnectionHandler<M>, head?: M): void {
    this.slot.install(handler, head)
  }

  pause(): void {
    this.slot.pause()
  }

  resume(): void {
    this.slot.resume()
  }

  cork(): void {
    this.below.cork()
  }

  uncork(): void {
    this.below.uncork()
  }

  close(options?: CloseOptions): Promise<void> {
    return this.below.close(options)
  }

  destroy(error?: Error): void {
    this.below.destroy(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // What follows is heard from below.

  get occupied(): boolean {
    return this.slot.occupied
  }

  get leavesShutdown(): boolean {
    return this.slot.leavesShutdown
  }

  onClosing(): void {
    this.slot.closing()
  }

  onShutdown(grace: number): void {
    this.slot.shutdown(grace)
  }

  onTrouble(error: SocketError): void {
    this.slot.trouble(error)
  }
}
