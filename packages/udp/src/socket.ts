import type { DatagramSocket } from '@fairlead/core'

import type { Destination, IpAddress } from './datagram.ts'
import type { UdpStats } from './stats.ts'

/**
 * A bound UDP socket (RFC 768): datagrams in and out, each with an address. Whoever bound it owns it.
 *
 * It is handled or iterated, one reader at a time. What comes while nobody reads waits up to the option
 * `receiveQueue`; beyond that the newest is dropped and counted. Nothing that a peer or the network does
 * ends the socket.
 *
 * @example
 * ```ts
 * const socket = await bind({ port: 7000 })
 * for await (const { data, from } of socket) await socket.send(data, from)
 * ```
 */
export interface UdpSocket extends DatagramSocket<IpAddress, Destination> {
  /** Where it is bound; with port 0, the port that the system chose. */
  readonly address: IpAddress
  /** What was counted since the socket was bound; a copy, which may be asked for as often as one likes. */
  stats(): UdpStats
}
