/**
 * WebSocket on Fairlead's HTTP, with the common lifecycle; framing by the `ws` package.
 *
 * @packageDocumentation
 */
export { accept, type AcceptOptions } from './accept.ts'
export { closeCodes } from './close-codes.ts'
export { connect, type WebSocketConnectOptions } from './connect.ts'
export type { HandshakeRequest, Refusal } from './handshake.ts'
export { listen, type WebSocketListenOptions } from './listen.ts'
export type { MessageKind, MessageOf } from './messages.ts'
