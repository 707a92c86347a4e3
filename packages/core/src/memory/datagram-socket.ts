import type { Address } from '../address.ts'
import { ChunkIterator } from '../chunk-iterator.ts'
import type { Datagram, DatagramHandler, DatagramSocket } from '../datagram.ts'
import { ClosedError, SocketError } from '../errors.ts'
import { ready, rejected } from '../gate.ts'
import { HandlerSlot, type InnerHandler } from '../handler-slot.ts'
import { graceOf, Lifecycle } from '../lifecycle.ts'
import type { CloseOptions, CloseReason, ResourceState } from '../resource.ts'

/** An address in memory. */
export type MemoryAddress = Address & { kind: 'memory' }

/** What a socket asks of its network, and tells it. */
interface Wire {
  pass(data: Uint8Array, to: string): void
  delivered(): void
  /** The socket is closed, with so many datagrams unread. */
  released(unread: number): void
}

/**
 * One end of a datagram network in memory. Whoever bound it owns it. Its output never waits: what the network has
 * no room for is dropped there.
 */
export type MemoryDatagramSocket = DatagramSocket<MemoryAddress, string | MemoryAddress>

/** The socket as its network sees it. */
export class NetworkSocket implements MemoryDatagramSocket {
  readonly address: MemoryAddress
  /** Datagrams that are under way to it, or unread. */
  expected = 0
  readonly #wire: Wire
  readonly #life = new Lifecycle()
  readonly #slot: HandlerSlot<Datagram<MemoryAddress>>
  #unread: Datagram<MemoryAddress>[] = []

  constructor(address: MemoryAddress, wire: Wire) {
    this.address = address
    this.#wire = wire
    this.#slot = new HandlerSlot<Datagram<MemoryAddress>>({
      flow: (wanted) => void (wanted && this.#unread.length > 0 && queueMicrotask(() => this.#deliver())),
      answerEnd() {},
      closeForShutdown: () => void this.close(),
      fail: (error) => this.destroy(SocketError.from(error, 'Datagram handler failed')),
    })
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get buffered(): number {
    return 0
  }

  handle(handler: DatagramHandler<MemoryAddress>): void {
    const inner: InnerHandler<Datagram<MemoryAddress>> = {
      onData: ({ data, from }) => handler.onDatagram(data, from),
      onClose: (reason) => handler.onClose?.(reason),
    }
    this.#slot.install(inner)
  }

  [Symbol.asyncIterator](): AsyncIterator<Datagram<MemoryAddress>, undefined> {
    return new ChunkIterator(this.#slot, 0, () => 0)
  }

  write(data: Uint8Array | string, to: string | MemoryAddress): boolean {
    if (this.state !== 'open') throw new ClosedError('Cannot send: socket is closed', { phase: 'write' })
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError(`Cannot send: ${typeof data} is neither a Uint8Array nor a string`)
    }
    this.#wire.pass(bytes, typeof to === 'string' ? to : to.name)
    return true
  }

  send(data: Uint8Array | string, to: string | MemoryAddress): Promise<void> {
    try {
      this.write(data, to)
      return ready
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    if (options?.signal?.aborted) return rejected(options.signal.reason)
    return this.state === 'open'
      ? ready
      : rejected(new ClosedError('Cannot send: socket is closed', { phase: 'write' }))
  }

  close(options?: CloseOptions): Promise<void> {
    graceOf(options)
    this.#finish({ kind: 'local' })
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    if (!error) return this.#finish({ kind: 'local' })
    this.#finish({ kind: 'error', error: SocketError.from(error, 'Socket destroyed') })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A datagram arrives. False when nobody is here any more. */
  receive(datagram: Datagram<MemoryAddress>): boolean {
    if (this.state === 'closed') return false
    this.#unread.push(datagram)
    this.#deliver()
    return true
  }

  #deliver(): void {
    while (this.#unread.length > 0 && this.#slot.flowing) {
      this.expected--
      this.#wire.delivered()
      this.#slot.push(this.#unread.shift() as Datagram<MemoryAddress>)
    }
  }

  #finish(reason: CloseReason): void {
    if (!this.#life.finish(reason)) return
    this.#slot.deafen(reason)
    this.#wire.released(this.#unread.length)
    this.#unread = []
    this.#slot.close(reason)
  }
}
