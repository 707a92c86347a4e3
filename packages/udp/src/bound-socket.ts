import {
  BrokenError,
  ClosedError,
  type CloseOptions,
  type CloseReason,
  type Datagram,
  type DatagramHandler,
  LimitError,
  type ResourceState,
  SocketError,
} from '@fairlead/core'
import {
  channels,
  ChunkIterator,
  Gate,
  graceOf,
  HandlerSlot,
  type InnerHandler,
  Lifecycle,
  ready,
  rejected,
  type SlotHost,
  unlessAborted,
} from '@fairlead/core/transport'

import { addressFrom, compact, type Destination, type IpAddress } from './address/datagram.ts'
import type { Lookup } from './address/resolve.ts'
import { BatchIterator } from './batches.ts'
import { receiveErrorOf } from './errno.ts'
import { hearsGroups } from './multicast/group.ts'
import type { JoinOptions, Membership } from './multicast/membership.ts'
import { Memberships } from './multicast/memberships.ts'
import type { OpenedSocket } from './opening/opening.ts'
import { AddressedLane } from './queue/addressed-lane.ts'
import { Inbox, type InboxOwner } from './queue/inbox.ts'
import { Outlet } from './queue/outlet.ts'
import { Quota, type ReceiveQueueOptions, type SendQueueOptions } from './queue/quota.ts'
import type { UdpSocket } from './socket.ts'
import type { Counters, UdpStats } from './stats.ts'

/** What a bound socket is made of. */
export interface BoundSocketParts extends OpenedSocket {
  readonly counters: Counters
  readonly sendQueue: Required<SendQueueOptions>
  readonly receiveQueue: Required<ReceiveQueueOptions>
  readonly lookup: Lookup | undefined
}

/** The {@link UdpSocket} over a socket of the runtime that is bound already. */
export class BoundSocket implements UdpSocket, SlotHost, InboxOwner<Datagram<IpAddress>> {
  readonly address: IpAddress
  readonly #socket: OpenedSocket['socket']
  readonly #counters: Counters
  readonly #life = new Lifecycle()
  readonly #gate = new Gate()
  readonly #slot: HandlerSlot<Datagram<IpAddress>>
  readonly #inbox: Inbox<Datagram<IpAddress>>
  readonly #lane: AddressedLane
  readonly #memberships: Memberships
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor({ socket, speaks, address, counters, sendQueue, receiveQueue, lookup }: BoundSocketParts) {
    this.address = address
    this.#socket = socket
    this.#counters = counters
    this.#slot = new HandlerSlot<Datagram<IpAddress>>(this)
    this.#inbox = new Inbox(this, new Quota(receiveQueue), receiveQueue.policy)
    this.#lane = new AddressedLane(
      { outlet: new Outlet(socket, sendQueue, counters), counters, speaks, lookup },
      {
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
        overflowed: (error) => this.destroy(error),
      },
    )
    this.#memberships = new Memberships(socket, speaks.includes(6) ? 6 : 4, (error) => this.#troubled(error))
    socket.on('error', (error) => this.#troubled(receiveErrorOf(error)))
    socket.on('message', (data, info) => {
      // No port is no sender (RFC 768): whoever answered as a matter of course would throw, and end the socket.
      if (info.port === 0) return void counters.filtered++
      counters.received++
      counters.receivedBytes += data.length
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

  batches(): AsyncIterableIterator<Datagram<IpAddress>[], undefined> {
    return new BatchIterator(this.#slot)
  }

  write(data: Uint8Array | string, to: Destination): boolean {
    return this.#pass(bytesOf(data), to) === undefined && !this.#lane.congested
  }

  send(data: Uint8Array | string, to: Destination): Promise<void> {
    try {
      const bytes = bytesOf(data)
      if (this.state === 'open' && this.#lane.mustWait(bytes.length)) {
        return this.#lane.wait(this.drained(), () => this.send(bytes, to))
      }
      const dropped = this.#pass(bytes, to)
      return dropped ? rejected(dropped) : this.drained()
    } catch (error) {
      return rejected(error)
    }
  }

  drained(options?: { signal?: AbortSignal }): Promise<void> {
    if (options?.signal?.aborted) return rejected(options.signal.reason)
    if (this.state === 'closed') return rejected(this.#unwritable())
    if (!this.#lane.congested) return ready
    const room = this.#gate.wait()
    return options?.signal ? unlessAborted(room, options.signal) : room
  }

  join(group: string, options?: JoinOptions): Membership {
    if (this.state !== 'open') {
      throw new ClosedError(`Cannot join ${group}: socket is closed`, { phase: 'join' })
    }
    if (!hearsGroups(this.address)) {
      const { host, family } = this.address
      const wildcard = family === 4 ? '0.0.0.0' : '::'
      throw new TypeError(
        `Cannot join ${group}: a socket bound to ${host} hears no group; bind it to ${wildcard}`,
      )
    }
    return this.#memberships.join(group, options)
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

  // What the slot asks.

  flow(wanted: boolean): void {
    this.#inbox.flow(wanted)
  }

  answerEnd(): void {}

  closeForShutdown(grace: number): void {
    void this.close({ grace })
  }

  /** A callback failed: it costs its datagram if somebody is told, else the socket; silence would hide it. */
  fail(cause: unknown): void {
    const error = SocketError.from(cause, 'Datagram handler failed')
    this.#counters.handlerErrors++
    if (this.#slot.handler?.onTrouble) this.#troubled(error)
    else this.destroy(error)
  }

  // What the inbox asks.

  get flowing(): boolean {
    return this.#slot.flowing
  }

  deliver(datagram: Datagram<IpAddress>): void {
    this.#slot.deliver(datagram)
  }

  sizeOf({ data }: Datagram<IpAddress>): number {
    return data.length
  }

  kept({ data, from }: Datagram<IpAddress>): Datagram<IpAddress> {
    return { data: compact(data), from }
  }

  dropped(first: boolean): void {
    this.#counters.receiveDropped++
    if (!first) return
    const value = this.#inbox.length
    const message = 'Cannot keep datagram: the receive queue is full'
    this.#troubled(new LimitError(message, { phase: 'read', limit: 'receiveQueue', value }))
  }

  #pass(data: Uint8Array, to: Destination): LimitError | undefined {
    if (this.state !== 'open') throw this.#unwritable()
    return this.#lane.write(data, to)
  }

  #troubled(error: SocketError): void {
    this.#counters.lastError = error
    this.#slot.trouble(error)
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
    this.#memberships.end()
  }

  #finish(reason: CloseReason): void {
    if (!this.#life.finish(reason)) return
    clearTimeout(this.#timer)
    this.#lane.close()
    this.#socket.close()
    this.#gate.fail(this.#unwritable())
    this.#slot.close(reason)
    const { receivedBytes: bytesIn, sentBytes: bytesOut } = this.#counters
    if (channels.unbind.hasSubscribers) channels.unbind.publish({ socket: this, reason, bytesIn, bytesOut })
  }

  #unwritable(): SocketError {
    const reason = this.#life.reason
    if (reason?.kind !== 'error') return new ClosedError('Cannot send: socket is closed', { phase: 'write' })
    const { error } = reason
    return new BrokenError(`Cannot send: ${error.message}`, { phase: 'write', cause: error })
  }
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  if (bytes instanceof Uint8Array) return bytes
  throw new TypeError(`Cannot send: ${typeof data} is neither a Uint8Array nor a string`)
}
