import { type Address, LimitError, type MessageConnection, SocketError } from '@fairlead/core'
import { ConnectionBase, rejected, type Traffic } from '@fairlead/core/transport'

import { compact } from '../address/datagram.ts'
import { oversized } from '../address/size.ts'
import { Inbox, type InboxOwner } from '../queue/inbox.ts'
import { Lane, type LaneOwner } from '../queue/lane.ts'
import type { Outlet } from '../queue/outlet.ts'
import { type QueueLimits, Quota, type ReceiveQueueOptions } from '../queue/quota.ts'
import type { Codec } from './codec.ts'

/** What all conversations on one socket share. */
export interface DatagramSetup<M, A extends Address> {
  readonly localAddress: A
  readonly outlet: Outlet
  readonly codec: Codec<M>
  readonly receiveQueue: Required<QueueLimits> & Pick<ReceiveQueueOptions, 'policy'>
  /** The room of all of them together; none when there is only one. */
  readonly whole?: Quota
}

/** With whom a conversation is. */
export interface DatagramPeer<A extends Address> {
  readonly remoteAddress: A
  readonly maxMessageSize: number
  /** As the carrier names him; no host when the socket is connected. */
  readonly host?: string
  readonly port: number
}

/**
 * A conversation with one peer in which each message is a datagram, over a socket of its own or a shared one.
 * UDP has no end: closing tells the peer nothing and waits for nothing but what was written.
 *
 * There may be many thousands, most of them quiet: what waits, on the way in and on the way out, has its places
 * made when the first datagram needs them.
 */
export abstract class DatagramConnection<M, A extends Address>
  extends ConnectionBase<M>
  implements MessageConnection<M>, LaneOwner, InboxOwner<Uint8Array>
{
  readonly remoteAddress: A
  readonly reliable = false
  readonly maxMessageSize: number
  readonly host: string | undefined
  readonly port: number
  /** Bytes of datagrams that came, and that were accepted for sending. */
  protected bytesIn = 0
  protected bytesOut = 0
  protected readonly setup: DatagramSetup<M, A>
  /** The queue that messages wait in is the inbox, so that its limits are the only ones. */
  #inbox: Inbox<Uint8Array> | undefined
  #lane: Lane | undefined
  #ended = false
  #deaf = false

  constructor(setup: DatagramSetup<M, A>, { remoteAddress, maxMessageSize, host, port }: DatagramPeer<A>) {
    super()
    this.setup = setup
    this.remoteAddress = remoteAddress
    this.maxMessageSize = maxMessageSize
    this.host = host
    this.port = port
  }

  get localAddress(): A {
    return this.setup.localAddress
  }

  get buffered(): number {
    return this.#lane?.bytes ?? 0
  }

  write(message: M): boolean {
    return this.#pass(this.#encoded(message)) === undefined && !this.congested
  }

  override send(message: M): Promise<void> {
    try {
      const data = this.#encoded(message)
      if (this.lane.mustWait(data.length)) return this.lane.wait(this.drained(), () => this.send(message))
      const dropped = this.#pass(data)
      return dropped ? rejected(dropped) : this.drained()
    } catch (error) {
      return rejected(error)
    }
  }

  /** Of no effect: a message is a datagram, and datagrams are not joined. */
  cork(): void {}
  uncork(): void {}

  /** A datagram of the peer has come. */
  receive(data: Uint8Array): void {
    this.bytesIn += data.length
    if (this.slot.flowing && !this.#inbox?.length) this.deliver(data)
    else if (this.#deaf) this.setup.outlet.counters.receiveDropped++
    else this.#keep(data)
  }

  flow(wanted: boolean): void {
    this.#inbox?.flow(wanted)
  }

  override fail(cause: unknown): void {
    const error = SocketError.from(cause, 'Connection handler failed')
    const { counters } = this.setup.outlet
    counters.handlerErrors++
    counters.lastError = error
    super.fail(error)
  }

  // What the inbox asks of its owner.

  get flowing(): boolean {
    return this.slot.flowing
  }

  deliver(data: Uint8Array): void {
    this.slot.deliver(this.setup.codec.decode(data))
  }

  /** Of what waits in the inbox; a reader by iteration takes one message at a time, whatever its size. */
  sizeOf(data: Uint8Array | M): number {
    return data instanceof Uint8Array ? data.length : 0
  }

  kept(data: Uint8Array): Uint8Array {
    return compact(data)
  }

  dropped(first: boolean): void {
    this.setup.outlet.counters.receiveDropped++
    if (!first) return
    const facts = { phase: 'read', peer: this.remoteAddress, value: this.#inbox?.length ?? 0 }
    const message = 'Cannot keep message: the receive queue is full'
    this.report(new LimitError(message, { ...facts, limit: 'receiveQueue' }))
  }

  // What the lane tells its owner.

  override relieved(): void {
    super.relieved()
  }

  override flushed(): void {
    if (!this.#ended || this.#lane?.pending || this.state === 'closed') return
    super.flushed()
    this.cut()
    this.finish()
  }

  troubled(error: SocketError): void {
    this.slot.trouble(error)
  }

  overflowed(error: LimitError): void {
    this.destroy(error)
  }

  addressOf(): A {
    return this.remoteAddress
  }

  protected get lane(): Lane {
    return (this.#lane ??= new Lane(this.setup.outlet, this))
  }

  protected get congested(): boolean {
    return this.#lane?.congested ?? false
  }

  protected override get traffic(): Traffic {
    return { bytesIn: this.bytesIn, bytesOut: this.bytesOut }
  }

  protected override get iterationLimit(): number {
    return 0
  }

  /** Refuses, by throwing, what may not be sent to this peer now. */
  protected allow(_bytes: number): void {}

  /** A datagram was accepted for sending. */
  protected passed(bytes: number): void {
    this.bytesOut += bytes
  }

  protected endOutput(): void {
    this.#ended = true
    this.#close()
    this.flushed()
  }

  protected cut(): void {
    this.#close()
  }

  /** Counts a trouble, and tells whoever reads. */
  protected report(error: SocketError): void {
    this.setup.outlet.counters.lastError = error
    this.slot.trouble(error)
  }

  #encoded(message: M): Uint8Array {
    if (!this.writable) throw this.unwritable()
    const data = this.setup.codec.encode(message)
    const { length } = data
    if (length > this.maxMessageSize) {
      this.setup.outlet.counters.oversized++
      throw oversized(length, this.maxMessageSize, 'maxMessageSize')
    }
    this.allow(length)
    return data
  }

  #pass(data: Uint8Array): LimitError | undefined {
    const dropped = this.lane.write(data, this.port, this.host)
    if (!dropped) this.passed(data.length)
    return dropped
  }

  #keep(data: Uint8Array): void {
    const { receiveQueue, whole } = this.setup
    this.#inbox ??= new Inbox<Uint8Array>(this, new Quota(receiveQueue, whole), receiveQueue.policy)
    this.#inbox.push(data)
  }

  #close(): void {
    this.#deaf = true
    this.#inbox?.close()
  }
}
