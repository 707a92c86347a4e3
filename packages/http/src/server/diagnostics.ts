import type { ByteConnection } from '@fairlead/core'
import { diagnosticChannel, type DiagnosticChannel } from '@fairlead/core/transport'

import type { Exchange } from './exchange.ts'

/** What is told of HTTP, by the name of its channel without `fairlead:http:`. */
export interface HttpDiagnosticEvents {
  /** A request came; the application has not heard of it yet. */
  request: { exchange: Exchange }
  /**
   * A request was answered, whole: by the application, or by the server in its place (500, 408, 413, 503 and the
   * like). `duration` is milliseconds since its head came, `bytesOut` what the answer took, its head included. There
   * is none of an exchange that was taken over, nor of an answer that was cut.
   */
  answer: { exchange: Exchange; status: number; duration: number; bytesOut: number }
  /** What the application threw, or rejected with. Its client got 500, or saw its answer cut. */
  error: { exchange: Exchange; error: unknown }
  /** The server itself answered what the application never heard of: it was malformed, too large or too slow. */
  refuse: { connection: ByteConnection; status: number; error: Error }
}

/**
 * What the server tells: `fairlead:http:request`, `fairlead:http:answer`, and so on.
 *
 * @example
 * ```ts
 * httpChannels.answer.subscribe(({ exchange, status, duration }) => {
 *   console.log(exchange.request.method, exchange.request.target, status, duration.toFixed(1))
 * })
 * ```
 */
export const httpChannels: {
  readonly [Name in keyof HttpDiagnosticEvents]: DiagnosticChannel<HttpDiagnosticEvents[Name]>
} = {
  request: diagnosticChannel('fairlead:http:request'),
  answer: diagnosticChannel('fairlead:http:answer'),
  error: diagnosticChannel('fairlead:http:error'),
  refuse: diagnosticChannel('fairlead:http:refuse'),
}
