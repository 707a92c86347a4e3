/**
 * WebSocket on Fairlead's HTTP, with the common lifecycle; framing by the `ws` package.
 *
 * @packageDocumentation
 */
export { accept, type AcceptOptions } from './accept.ts'
export * from './bridge/index.ts'
export { broadcast, type BroadcastOptions } from './broadcast.ts'
export { closeCodes } from './close-codes.ts'
export type { CompressionOptions } from './compression.ts'
export { RefusedError } from './client/refused-error.ts'
export { connect, type WebSocketConnectOptions } from './connect.ts'
export {
  type Guard,
  type GuardedRequest,
  type GuardOptions,
  guardOf,
  type OriginFilter,
} from './guard/guard.ts'
export type { AllowedTargets } from './guard/targets.ts'
export type { HandshakeRequest, Refusal } from './handshake.ts'
export { listen, type WebSocketListenOptions, type WebSocketServer } from './listen.ts'
export type { MessageKind, MessageOf } from './messages.ts'
export type { ConnectionOptions, HeartbeatOptions } from './options.ts'
export type { WebSocketCloseOptions, WebSocketConnection } from './websocket.ts'
