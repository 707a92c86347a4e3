/**
 * HTTP/1.1 on Fairlead's own sockets, a client and a server: with one strict codec, limits for whatever a peer could
 * grow, and an end that loses nothing.
 *
 * @packageDocumentation
 */
export { Client, type Upgraded, type UpgradeOptions } from './client/client.ts'
export { connect } from './client/connect-only.ts'
export { clientChannels, type ClientDiagnosticEvents, type RequestRecord } from './client/diagnostics.ts'
export type { DownloadOptions, SavedFile, ToFileOptions } from './client/download/options.ts'
export { RequestError } from './client/errors.ts'
export type {
  ClientOptions,
  Connect,
  ConnectOptions,
  ConnectTarget,
  ConnectTimeouts,
  FileBody,
  InformationalResponse,
  ProxyOf,
  RequestBody,
  RequestOptions,
  RequestTimeouts,
  ResponseLimits,
  SharedOptions,
} from './client/options.ts'
export type { Interceptor, Next, OutgoingRequest } from './client/outgoing-request.ts'
export { download, fetch, request, upgrade } from './client/request.ts'
export { IncomingResponse } from './client/response.ts'
export type { PoolStats } from './client/pool.ts'
export type { ClientStats } from './client/stats.ts'
export { type CodecLimits, Fields, type TargetForm } from './codec/index.ts'
export { FileError } from './disk/file-error.ts'
export type { DigestName } from './disk/settings.ts'
export { HttpProtocolError } from './errors.ts'
export type { IncomingBody } from './message/body.ts'
export type { FieldsInit } from './message/fields-init.ts'
export type { Progress } from './message/progress.ts'
export type { IncomingRequest } from './message/request.ts'
export type { AnswerBody } from './server/answer.ts'
export type { ClientFacts, TrustProxyOptions } from './server/client-facts.ts'
export { httpChannels, type HttpDiagnosticEvents } from './server/diagnostics.ts'
export type { Exchange, RespondOptions } from './server/exchange.ts'
export { listen } from './server/listen.ts'
export type { HttpListener, OnExchange, OnUpgrade } from './server/listener.ts'
export type { HttpListenOptions } from './server/options.ts'
export { type FetchHandler, serve, type ServeContext, type ServeOptions } from './server/serve.ts'
export type { HttpStats } from './server/stats.ts'
export { Headers } from './web/headers.ts'
export { Request } from './web/request.ts'
export { Response } from './web/response.ts'
