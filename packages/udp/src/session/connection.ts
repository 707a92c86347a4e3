import type { Address, MessageConnection } from '@fairlead/core'

import type { IpAddress } from '../address/datagram.ts'
import type { Carrier, Sender } from '../carrier.ts'
import { isRefusal, receiveErrorOf, sendErrorOf } from '../errno.ts'
import type { Counters, UdpStats } from '../stats.ts'
import { Introduction } from '../validation/introduction.ts'
import { DatagramConnection, type DatagramPeer, type DatagramSetup } from './datagram-connection.ts'

/**
 * A conversation with one peer on a socket of its own. It promises what UDP promises: a message arrives whole
 * or not at all, perhaps twice, perhaps in another order.
 */
export interface UdpConnection<M, A extends Address = IpAddress> extends MessageConnection<M> {
  readonly localAddress: A
  readonly remoteAddress: A
  readonly reliable: false
  /** Bytes of the largest message that `write` takes; larger ones meet a LimitError. */
  readonly maxMessageSize: number
  /** What was counted since the connection was made; a copy, which may be asked for as often as one likes. */
  stats(): UdpStats
}

/** What a {@link ConnectedConnection} has of its own. */
export interface ConnectedSetup<M, A extends Address> extends DatagramSetup<M, A> {
  readonly socket: Carrier
  /** Whom it is connected to, as the carrier names him. */
  readonly sender: Sender
  readonly counters: Counters
}

/** The {@link UdpConnection} over a socket that the kernel connected to the peer. */
export class ConnectedConnection<M, A extends Address>
  extends DatagramConnection<M, A>
  implements UdpConnection<M, A>
{
  declare protected readonly setup: ConnectedSetup<M, A>
  /** With source validation only. */
  #introduction: Introduction | undefined

  constructor(setup: ConnectedSetup<M, A>, peer: Omit<DatagramPeer<A>, 'host'>) {
    super(setup, peer)
    const { socket, counters, sender } = setup
    const { address, port } = sender
    socket.on('error', (error) => {
      if (!isRefusal(error)) return this.report(receiveErrorOf(error))
      counters.refused++
      if (!this.#introduction?.unreachable(error)) this.report(sendErrorOf(error, this.remoteAddress))
    })
    socket.on('message', (data, from) => {
      // What came between binding and connecting, and on a runtime that lets strangers through.
      if (from.port !== port || from.address !== address) {
        counters.filtered++
        return
      }
      counters.received++
      counters.receivedBytes += data.length
      if (!this.#introduction?.takes(data)) this.receive(data)
    })
  }

  stats(): UdpStats {
    return this.setup.counters.snapshot()
  }

  /**
   * Makes it known to a listener that validates by cookie, from now on. What the listener's messages bring before
   * that is done is kept. Whatever goes wrong destroys the connection. See {@link Introduction.made}.
   */
  async introduce(timeout: number, spent: number, signal: AbortSignal | undefined): Promise<void> {
    const { remoteAddress } = this
    const newcomer = { remoteAddress, report: this.report.bind(this) }
    this.#introduction = new Introduction(newcomer, this.setup.outlet, timeout)
    try {
      await this.#introduction.made(spent, signal)
    } catch (error) {
      this.destroy()
      throw error
    }
  }

  protected override allow(bytes: number): void {
    this.#introduction?.sending(bytes)
  }

  protected override cut(): void {
    super.cut()
    this.#introduction?.stop()
    this.setup.socket.close()
  }
}
