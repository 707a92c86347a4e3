/**
 * HTTP/1.1 on Fairlead's own sockets: a strict sans-IO codec, and a server with real limits and a polite shutdown.
 *
 * @packageDocumentation
 */
export {
  CodecError,
  type CodecErrorCode,
  type CodecLimits,
  type CycleState,
  defaultLimits,
  encodeChunk,
  encodeRequestHead,
  encodeResponseHead,
  Fields,
  type Framing,
  type Head,
  lastChunk,
  type MessageHandler,
  type RequestHead,
  type RequestHeadOptions,
  RequestParser,
  type ResponseHead,
  type ResponseHeadOptions,
  ResponseParser,
  type TargetForm,
} from './codec/index.ts'
export { HttpProtocolError } from './errors.ts'
export type { IncomingBody } from './message/body.ts'
export type { FieldsInit } from './message/fields-init.ts'
export type { IncomingRequest } from './message/request.ts'
export type { AnswerBody } from './server/answer.ts'
export type { Exchange } from './server/exchange.ts'
export { listen } from './server/listen.ts'
export type { HttpListener, OnExchange, OnUpgrade } from './server/listener.ts'
export type { HttpListenOptions } from './server/options.ts'
export { type FetchHandler, serve, type ServeContext } from './server/serve.ts'
