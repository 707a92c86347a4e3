import { checkOptions } from './checks.ts'
import { codecOf } from './codec.ts'
import { ConnectedConnection, type UdpConnection } from './connection.ts'
import type { IpAddress } from './datagram.ts'
import { openConnected } from './open.ts'
import {
  type ConnectOptions,
  defaultConnectTimeout,
  defaultHost,
  defaultMaxMessageSize,
  defaultPeerQueue,
  defaultSendQueue,
} from './options.ts'
import { Outlet } from './outlet.ts'
import { Quota } from './quota.ts'
import { largestDatagram } from './size.ts'
import { Counters } from './stats.ts'

/**
 * Makes a conversation with one peer, on a socket that the kernel connects to it: sending costs less, others
 * are not heard, and a refusal by ICMP is learned of. Nothing is sent by this, so a peer that is not there
 * shows only when something was: `onTrouble` is told and the connection goes on, and the datagram that met
 * the refusal of an earlier one is sent once more. Whoever called owns the connection.
 *
 * @throws TypeError or RangeError that names the option; ConnectError when the name or the network is not
 *   known; TimeoutError with phase `dns` when the name does not resolve in time; `signal.reason` when aborted.
 * @example
 * ```ts
 * const peer = await connect({ port: 7000, messages: 'text' })
 * await peer.send('ahoy')
 * for await (const answer of peer) console.log(answer)
 * ```
 */
export function connect(options: ConnectOptions & { messages: 'text' }): Promise<UdpConnection<string>>
export function connect(options: ConnectOptions & { messages?: 'binary' }): Promise<UdpConnection<Uint8Array>>
export async function connect<M>(options: ConnectOptions): Promise<UdpConnection<M>> {
  checkOptions({ ...options, port: options.port ?? 0 }, 1)
  const { host = defaultHost, connectTimeout = defaultConnectTimeout } = options
  const { maxMessageSize = defaultMaxMessageSize, messages, sendQueue, receiveQueue } = options
  const counters = new Counters()
  const opening = { ...options, host, timeout: connectTimeout }
  const { socket, family, address, peer } = await openConnected(opening, counters)
  return new ConnectedConnection<M, IpAddress>({
    socket,
    counters,
    localAddress: address,
    remoteAddress: peer.address,
    sender: peer.sender,
    outlet: new Outlet(socket, { ...defaultSendQueue, ...sendQueue }, counters),
    codec: codecOf(messages),
    quota: new Quota({ ...defaultPeerQueue, ...receiveQueue }),
    maxMessageSize: Math.min(maxMessageSize, largestDatagram[family]),
  })
}
