import type { Address, MessageConnection } from '@fairlead/core'

import type { Peer } from './carrier.ts'
import { DatagramConnection, type DatagramParts } from './datagram-connection.ts'
import type { IpAddress } from './datagram.ts'
import type { IdleClock } from './idle-clock.ts'

/**
 * A listener's conversation with one remote address. It begins with the first datagram from there, and ends
 * when it is closed, when its listener is, or when it was idle for too long; what comes from there afterwards
 * begins a new one. Closing sends nothing: what says goodbye is up to the messages.
 *
 * The sender of a datagram is whoever its address says (RFC 8085 section 6.1): anybody can write another's.
 */
export interface UdpSession<M> extends MessageConnection<M> {
  readonly localAddress: IpAddress
  readonly remoteAddress: IpAddress
  readonly reliable: false
  /** Bytes of the largest message that `write` takes; larger ones meet a LimitError. */
  readonly maxMessageSize: number
}

/** The {@link UdpSession} over a listener's socket. */
export class Session<M, A extends Address> extends DatagramConnection<M, A> {
  /** The peer as the carrier names him. */
  readonly peer: Peer
  readonly #clock: IdleClock
  #activeAt: number

  constructor(parts: DatagramParts<M, A> & { readonly peer: Peer }, clock: IdleClock) {
    super(parts)
    this.peer = parts.peer
    this.#clock = clock
    this.#activeAt = clock.now
  }

  get idle(): boolean {
    return this.#clock.isIdleSince(this.#activeAt)
  }

  protected override touch(): void {
    this.#activeAt = this.#clock.now
  }
}
