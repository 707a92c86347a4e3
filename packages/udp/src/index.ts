/**
 * Datagram sockets: UDP with bounded queues and honest counters, and one session per peer.
 *
 * @packageDocumentation
 */
export type { Destination, IpAddress } from './address/datagram.ts'
export type { Lookup } from './address/resolve.ts'
export { bind } from './bind.ts'
export { connect } from './connect.ts'
export { listen } from './listen.ts'
export { interfaces, broadcastAddresses, type NetworkInterface } from './multicast/interfaces.ts'
export type { JoinOptions, Membership, MembershipChange, MembershipFailure } from './multicast/membership.ts'
export type { TrafficOptions } from './opening/socket-options.ts'
export type {
  BindOptions,
  ConnectOptions,
  ListenOptions,
  MessageOptions,
  Messages,
  SessionOptions,
  SocketOptions,
  Validation,
} from './options.ts'
export type { QueueLimits, ReceiveQueueOptions, SendQueueOptions } from './queue/quota.ts'
export type { UdpConnection } from './session/connection.ts'
export type { UdpListener, UdpListenerStats } from './session/listener.ts'
export type { SessionStats, UdpSession } from './session/session.ts'
export type { UdpSocket } from './socket.ts'
export type { UdpStats } from './stats.ts'
