import type { Datagram, DatagramSocket } from '@fairlead/core'

import type { Destination, IpAddress } from './address/datagram.ts'
import type { JoinOptions, Membership } from './multicast/membership.ts'
import type { UdpStats } from './stats.ts'

/**
 * A bound UDP socket (RFC 768): datagrams in and out, each with an address. Whoever bound it owns it.
 *
 * It is handled or iterated, one reader at a time. What comes while nobody reads waits up to the option
 * `receiveQueue`; beyond that its policy says which datagram is dropped, and it is counted. Nothing that a peer or the
 * network does ends the socket.
 *
 * @example
 * ```ts
 * const socket = await bind({ port: 7000 })
 * for await (const { data, from } of socket) {
 *   // Only questions are answered: two sockets that answer everything would answer each other for ever.
 *   if (Buffer.from(data).toString() === '?here') await socket.send('here', from)
 * }
 * ```
 */
export interface UdpSocket extends DatagramSocket<IpAddress, Destination> {
  /** Where it is bound; with port 0, the port that the system chose. */
  readonly address: IpAddress
  /**
   * All that one wake-up of the event loop brought, at a time: up to 32 datagrams, or what waited. For those who do
   * something once for many; each datagram by itself is handled faster. Like iteration otherwise, and in its place.
   *
   * @example
   * ```ts
   * for await (const datagrams of socket.batches()) console.log(`${datagrams.length} at once`)
   * ```
   */
  batches(): AsyncIterableIterator<Datagram<IpAddress>[], undefined>
  /**
   * Joins a multicast group on every interface, and again when interfaces come back or change. What comes to the
   * group comes like any other datagram. To hear it, bind to the group's port, and to `0.0.0.0` (or `::`) or the
   * group's own address; with `reuseAddr`, if others on this machine listen, too.
   *
   * @throws TypeError that says what is wrong with the group or the options, or that the socket is bound to one
   *   unicast address, which hears no group (on Windows it does); ListenError when the group is joined already or
   *   no interface takes it; ClosedError.
   * @example
   * ```ts
   * const socket = await bind({ host: '0.0.0.0', port: 7000, reuseAddr: true })
   * const membership = socket.join('239.1.2.3')
   * ```
   */
  join(group: string, options?: JoinOptions): Membership
  /** What was counted since the socket was bound; a copy, which may be asked for as often as one likes. */
  stats(): UdpStats
}
