import {
  BrokenError,
  ClosedError,
  type CloseOptions,
  type CloseReason,
  type Datagram,
  type DatagramHandler,
  ipAddress,
  LimitError,
  type ResourceState,
  SocketError,
} from '@fairlead/core'
import {
  ChunkIterator,
  Gate,
  graceOf,
  HandlerSlot,
  type InnerHandler,
  Lifecycle,
  ready,
  rejected,
  unlessAborted,
} from '@fairlead/core/transport'

import { addressFrom, type Destination, type IpAddress } from './datagram.ts'
import { receiveErrorOf } from './errno.ts'
import { Inbox } from './inbox.ts'
import { Lane } from './lane.ts'
import type { OpenedSocket } from './open.ts'
import { Outlet } from './outlet.ts'
import { type QueueLimits, Quota } from './quota.ts'
import { checkSize, largestTo } from './size.ts'
import type { UdpSocket } from './socket.ts'
import type { Counters, UdpStats } from './stats.ts'
import { Wire } from './wire.ts'

/** What a bound socket is made of. */
export interface BoundSocketParts extends OpenedSocket {
  readonly counters: Counters
  readonly sendQueue: Required<QueueLimits>
  readonly receiveQueue: Required<QueueLimits>
}

/** The {@link UdpSocket} over a socket of the runtime that is bound already. */
export class BoundSocket implements UdpSocket {
  readonly address: IpAddress
  readonly #socket: OpenedSocket['socket']
  readonly #counters: Counters
  readonly #life = new Lifecycle()
  readonly #gate = new Gate()
  readonly #slot: HandlerSlot<Datagram<IpAddress>>
  readonly #inbox: Inbox<Datagram<IpAddress>>
  readonly #lane: Lane
  readonly #wire: Wire
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor({ socket, family, address, counters, sendQueue, receiveQueue }: BoundSocketParts) {
    this.address = address
    this.#socket = socket
    this.#counters = counters
    this.#wire = new Wire(family)
    this.#slot = new HandlerSlot<Datagram<IpAddress>>({
      flow: (wanted) => this.#inbox.flow(wanted),
      answerEnd() {},
      closeForShutdown: (grace) => void this.close({ grace }),
      fail: (error) => this.#failed(SocketError.from(error, 'Datagram handler failed')),
    })
    this.#inbox = new Inbox(this.#inboxOwner(), new Quota(receiveQueue))
    this.#lane = new Lane(new Outlet(socket, sendQueue, counters), {
      relieved: () => {
        this.#gate.open()
        this.#slot.drain()
      },
      flushed: () => {
        if (this.state !== 'closing') return
        this.#gate.open()
        this.#finish({ kind: 'local' })
      },
      troubled: (error) => this.#slot.trouble(error),
      addressOf: (host = '', port) => ipAddress(host, port),
    })
    socket.on('error', (error) => this.#troubled(receiveErrorOf(error)))
    socket.on('message', (data, info) => {
      counters.received++
      counters.receivedBytes += data.byteLength
      this.#inbox.push({ data, from: addressFrom(info) })
    })
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get buffered(): number {
    return this.#lane.bytes
  }

  handle(handler: DatagramHandler<IpAddress>): void {
    this.#slot.install(this.#innerOf(handler))
  }

  /** The queue that datagrams wait in is the inbox, so that its limits are the only ones. */
  [Symbol.asyncIterator](): AsyncIterator<Datagram<IpAddress>, undefined> {
    return new ChunkIterator(this.#slot, 0, () => 0)
  }

  write(data: Uint8Array | string, to: Destination): boolean {
    return this.#pass(data, to) === undefined && !this.#lane.congested
  }

  send(data: Uint8Array | string, to: Destination): Promise<void> {
    try {
      const dropped = this.#pass(data, to)
      return dropped ? rejected(dropped) : this.drained()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    if (this.state === 'closed') return rejected(this.#unwritable())
    if (!this.#lane.congested) return ready
    const room = this.#gate.wait()
    return options?.signal ? unlessAborted(room, options.signal) : room
  }

  stats(): UdpStats {
    return this.#counters.snapshot()
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    if (this.#life.begin()) {
      this.#deafen()
      this.#timer = setTimeout(() => this.#finish({ kind: 'timeout', phase: 'close' }), grace)
      if (this.#lane.pending === 0) this.#finish({ kind: 'local' })
    }
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    if (this.state === 'closed') return
    const reason: CloseReason = error
      ? { kind: 'error', error: SocketError.from(error, 'Socket destroyed') }
      : { kind: 'local' }
    this.#deafen(reason)
    this.#finish(reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #pass(data: Uint8Array | string, to: Destination): LimitError | undefined {
    if (this.state !== 'open') throw this.#unwritable()
    const host = this.#wire.hostOf(to)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError(`Cannot send: ${typeof data} is neither a Uint8Array nor a string`)
    }
    checkSize(bytes.byteLength, largestTo(host), 'maxDatagramSize')
    return this.#lane.write(bytes, to.port, host)
  }

  #inboxOwner(): ConstructorParameters<typeof Inbox<Datagram<IpAddress>>>[0] {
    const slot = this.#slot
    return {
      get flowing() {
        return slot.flowing
      },
      deliver: (datagram) => slot.push(datagram),
      sizeOf: ({ data }) => data.byteLength,
      dropped: (first) => {
        this.#counters.receiveDropped++
        if (!first) return
        const value = this.#inbox.length
        const message = 'Cannot keep datagram: the receive queue is full'
        this.#troubled(new LimitError(message, { phase: 'read', limit: 'receiveQueue', value }))
      },
    }
  }

  #troubled(error: SocketError): void {
    this.#counters.lastError = error
    this.#slot.trouble(error)
  }

  /** A callback failed: it costs its datagram if somebody is told, else the socket; silence would hide it. */
  #failed(error: SocketError): void {
    this.#counters.handlerErrors++
    if (this.#slot.handler?.onTrouble) this.#troubled(error)
    else this.destroy(error)
  }

  #innerOf(handler: DatagramHandler<IpAddress>): InnerHandler<Datagram<IpAddress>> {
    // Failing to hear of a failure must not be told again, and again.
    const tell = async (error: SocketError): Promise<void> => handler.onTrouble?.(error)
    const fatal = (error: unknown): void => this.destroy(SocketError.from(error, 'Datagram handler failed'))
    return {
      onData: ({ data, from }) => handler.onDatagram(data, from),
      onDrain: () => handler.onDrain?.(),
      onClose: (reason) => handler.onClose?.(reason),
      ...(handler.onTrouble && { onTrouble: (error: SocketError) => void tell(error).catch(fatal) }),
    }
  }

  #deafen(reason?: CloseReason): void {
    this.#slot.deafen(reason)
    this.#inbox.close()
  }

  #finish(reason: CloseReason): void {
    if (!this.#life.finish(reason)) return
    clearTimeout(this.#timer)
    this.#socket.close()
    this.#gate.fail(this.#unwritable())
    this.#slot.close(reason)
  }

  #unwritable(): SocketError {
    const reason = this.#life.reason
    if (reason?.kind !== 'error') return new ClosedError('Cannot send: socket is closed', { phase: 'write' })
    const { error } = reason
    return new BrokenError(`Cannot send: ${error.message}`, { phase: 'write', cause: error })
  }
}
