/**
 * Datagram sockets: UDP with bounded queues and honest counters, and one session per peer.
 *
 * @packageDocumentation
 */
export { bind } from './bind.ts'
export { connect } from './connect.ts'
export type { UdpConnection } from './connection.ts'
export type { Destination, IpAddress } from './datagram.ts'
export { interfaces, broadcastAddresses, type NetworkInterface } from './interfaces.ts'
export { listen } from './listen.ts'
export type { UdpListener } from './listener.ts'
export type { JoinOptions, Membership, MembershipChange, MembershipFailure } from './membership.ts'
export type { BindOptions, ConnectOptions, ListenOptions, SessionOptions, Validation } from './options.ts'
export type { QueueLimits, ReceiveQueueOptions, SendQueueOptions } from './quota.ts'
export type { Lookup } from './resolve.ts'
export type { UdpSession } from './session.ts'
export type { UdpSocket } from './socket.ts'
export type { UdpStats } from './stats.ts'
