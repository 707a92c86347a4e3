/**
 * The words that every Fairlead transport shares: resources, connections, listeners, addresses, errors.
 *
 * @packageDocumentation
 */
export { type Address, formatAddress, ipAddress, parseAddress } from './address.ts'
export type {
  ByteConnection,
  Connection,
  ConnectionHandler,
  FramedConnection,
  MessageConnection,
  TlsCertificate,
  TlsFacts,
} from './connection.ts'
export type { Datagram, DatagramHandler, DatagramSocket } from './datagram.ts'
export { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.ts'
export {
  BrokenError,
  BusyError,
  ClosedError,
  type ConnectAttempt,
  ConnectError,
  LimitError,
  ListenError,
  ProtocolError,
  SocketError,
  type SocketErrorOptions,
  TimeoutError,
} from './errors.ts'
export { lines, type LinesOptions } from './framing/lines.ts'
export type { Accept, Listener, Transport } from './listener.ts'
export type { CloseOptions, CloseReason, Resource, ResourceState, TimeoutPhase } from './resource.ts'
export { type QueuedConnection, sendQueue } from './send-policy/queued-connection.ts'
export type { SendPolicy, SendQueueOptions, SendStats } from './send-policy/send-policy.ts'
export { shutdown } from './shutdown.ts'
export { splice, type Spliced, type SpliceOptions } from './splice.ts'
