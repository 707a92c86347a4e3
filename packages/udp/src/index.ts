/**
 * Datagram sockets: UDP with bounded queues and honest counters, and one session per peer.
 *
 * @packageDocumentation
 */
export { bind } from './bind.ts'
export { connect } from './connect.ts'
export type { UdpConnection } from './connection.ts'
export type { Destination, IpAddress } from './datagram.ts'
export { listen } from './listen.ts'
export type { UdpListener } from './listener.ts'
export type { BindOptions, ConnectOptions, ListenOptions } from './options.ts'
export type { QueueLimits } from './quota.ts'
export type { UdpSession } from './session.ts'
export type { UdpSocket } from './socket.ts'
export type { UdpStats } from './stats.ts'
