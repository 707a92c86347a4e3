import type { Address, MessageConnection } from '@fairlead/core'

import type { Carrier, Sender } from './carrier.ts'
import { DatagramConnection, type DatagramParts } from './datagram-connection.ts'
import type { IpAddress } from './datagram.ts'
import { isRefusal, receiveErrorOf, sendErrorOf } from './errno.ts'
import type { Counters, UdpStats } from './stats.ts'

/**
 * A conversation with one peer on a socket of its own. It promises what UDP promises: a message arrives whole
 * or not at all, perhaps twice, perhaps in another order.
 */
export interface UdpConnection<M> extends MessageConnection<M> {
  readonly localAddress: IpAddress
  readonly remoteAddress: IpAddress
  readonly reliable: false
  /** Bytes of the largest message that `write` takes; larger ones meet a LimitError. */
  readonly maxMessageSize: number
  /** What was counted since the connection was made; a copy, which may be asked for as often as one likes. */
  stats(): UdpStats
}

/** What a {@link ConnectedConnection} has of its own. */
export interface ConnectedParts<M, A extends Address> extends Omit<DatagramParts<M, A>, 'peer'> {
  readonly socket: Carrier
  /** Whom it is connected to, as the carrier names him. */
  readonly sender: Sender
  readonly counters: Counters
}

/** The {@link UdpConnection} over a socket that the kernel connected to the peer. */
export class ConnectedConnection<M, A extends Address> extends DatagramConnection<M, A> {
  readonly #socket: Carrier
  readonly #counters: Counters

  constructor(parts: ConnectedParts<M, A>) {
    super(parts)
    const { socket, counters, sender } = parts
    this.#socket = socket
    this.#counters = counters
    const { address, port } = sender
    socket.on('error', (error) => {
      if (isRefusal(error)) counters.refused++
      this.troubled(isRefusal(error) ? sendErrorOf(error, this.remoteAddress) : receiveErrorOf(error))
    })
    socket.on('message', (data, from) => {
      // What came between binding and connecting, and on a runtime that lets strangers through.
      if (from.port !== port || from.address !== address) {
        counters.filtered++
        return
      }
      counters.received++
      counters.receivedBytes += data.byteLength
      this.receive(data)
    })
  }

  stats(): UdpStats {
    return this.#counters.snapshot()
  }

  protected override cut(): void {
    super.cut()
    this.#socket.close()
  }
}
