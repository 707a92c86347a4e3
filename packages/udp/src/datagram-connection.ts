import { type Address, LimitError, type MessageConnection, type SocketError } from '@fairlead/core'
import { ConnectionBase, rejected } from '@fairlead/core/transport'

import type { Peer } from './carrier.ts'
import type { Codec } from './codec.ts'
import { Inbox } from './inbox.ts'
import { Lane } from './lane.ts'
import type { Outlet } from './outlet.ts'
import type { Quota } from './quota.ts'
import { checkSize } from './size.ts'

/** What a conversation in datagrams is made of. */
export interface DatagramParts<M, A extends Address> {
  readonly localAddress: A
  readonly remoteAddress: A
  readonly outlet: Outlet
  readonly codec: Codec<M>
  readonly quota: Quota
  readonly maxMessageSize: number
  /** The peer as the carrier names it; none when the socket is connected. */
  readonly peer?: Peer
}

/**
 * A conversation with one peer in which each message is a datagram, over a socket of its own or a shared one.
 * UDP has no end: closing tells the peer nothing and waits for nothing but what was written.
 */
export abstract class DatagramConnection<M, A extends Address>
  extends ConnectionBase<M>
  implements MessageConnection<M>
{
  readonly localAddress: A
  readonly remoteAddress: A
  readonly reliable = false
  readonly maxMessageSize: number
  /** The queue that messages wait in is the inbox, so that its limits are the only ones. */
  readonly #codec: Codec<M>
  readonly #outlet: Outlet
  readonly #lane: Lane
  readonly #inbox: Inbox<Uint8Array>
  readonly #peer: Peer | undefined
  #ended = false

  constructor({
    localAddress,
    remoteAddress,
    outlet,
    codec,
    quota,
    maxMessageSize,
    peer,
  }: DatagramParts<M, A>) {
    super()
    this.localAddress = localAddress
    this.remoteAddress = remoteAddress
    this.maxMessageSize = maxMessageSize
    this.#codec = codec
    this.#outlet = outlet
    this.#peer = peer
    this.#lane = new Lane(outlet, {
      relieved: () => this.relieved(),
      flushed: () => this.#flushed(),
      troubled: (error) => this.slot.trouble(error),
      addressOf: () => remoteAddress,
    })
    this.#inbox = new Inbox(this.#inboxOwner(), quota)
  }

  get buffered(): number {
    return this.#lane.bytes
  }

  write(message: M): boolean {
    return this.#pass(message) === undefined && !this.#lane.congested
  }

  override send(message: M): Promise<void> {
    try {
      const dropped = this.#pass(message)
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
    this.touch()
    this.#inbox.push(data)
  }

  /** Something came, or is sent. */
  protected touch(): void {}

  protected get congested(): boolean {
    return this.#lane.congested
  }

  protected override get iterationLimit(): number {
    return 0
  }

  flow(wanted: boolean): void {
    this.#inbox.flow(wanted)
  }

  protected endOutput(): void {
    this.#ended = true
    this.#inbox.close()
    this.#flushed()
  }

  protected cut(): void {
    this.#inbox.close()
  }

  protected sizeOf(): number {
    return 0
  }

  /** Counts a trouble, and tells whoever reads. */
  protected troubled(error: SocketError): void {
    this.#outlet.counters.lastError = error
    this.slot.trouble(error)
  }

  #pass(message: M): LimitError | undefined {
    if (!this.writable) throw this.unwritable()
    const data = this.#codec.encode(message)
    checkSize(data.byteLength, this.maxMessageSize, 'maxMessageSize')
    this.touch()
    return this.#lane.write(data, this.#peer?.port ?? 0, this.#peer?.host)
  }

  #flushed(): void {
    if (!this.#ended || this.#lane.pending > 0 || this.state === 'closed') return
    this.flushed()
    this.cut()
    this.finish()
  }

  #inboxOwner(): ConstructorParameters<typeof Inbox<Uint8Array>>[0] {
    const { slot } = this
    const codec = this.#codec
    return {
      get flowing() {
        return slot.flowing
      },
      deliver: (data) => slot.push(codec.decode(data)),
      sizeOf: (data) => data.byteLength,
      dropped: (first) => {
        this.#outlet.counters.receiveDropped++
        if (!first) return
        const message = 'Cannot keep message: the receive queue is full'
        const facts = { phase: 'read', peer: this.remoteAddress, value: this.#inbox.length }
        this.troubled(new LimitError(message, { ...facts, limit: 'receiveQueue' }))
      },
    }
  }
}
