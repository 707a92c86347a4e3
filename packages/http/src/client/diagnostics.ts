import type { ByteConnection } from '@fairlead/core'
import { diagnosticChannel, type DiagnosticChannel } from '@fairlead/core/transport'

import type { IncomingResponse } from './response.ts'

/** A request as diagnostics tell of it. The same object in each message about it. */
export interface RequestRecord {
  readonly method: string
  /** Without user information, query and fragment, where secrets are. */
  readonly url: string
  /** The origin that is asked. */
  readonly origin: string
}

/** What is told of a client, by the name of its channel without `fairlead:http:client:`. */
export interface ClientDiagnosticEvents {
  /** A request was made; it waits for a connection. */
  request: { request: RequestRecord }
  /** A connection for requests is there, after so many milliseconds. */
  connect: { origin: string; connection: ByteConnection; duration: number }
  /** A connection could not be had. */
  refuse: { origin: string; error: unknown; duration: number }
  /** A request is written; not for the first time, where `attempt` is above 1. */
  send: { request: RequestRecord; connection: ByteConnection; attempt: number; reused: boolean }
  /** The head of the answer is there; nobody has heard of it yet. */
  response: { request: RequestRecord; response: IncomingResponse }
  /** The last byte of the answer came, so many milliseconds after the request was made. */
  end: { request: RequestRecord; response: IncomingResponse; duration: number }
  /** It failed, for good: before its answer came, or in the middle of it. */
  error: { request: RequestRecord; error: unknown; duration: number }
  /** It failed where the server cannot have done anything, and is sent once more. */
  retry: { request: RequestRecord; error: unknown }
}

/**
 * What clients tell: `fairlead:http:client:request`, and so on.
 *
 * @example
 * ```ts
 * clientChannels.end.subscribe(({ request, response, duration }) => {
 *   console.log(request.method, request.url, response.status, duration.toFixed(1))
 * })
 * ```
 */
export const clientChannels: {
  readonly [Name in keyof ClientDiagnosticEvents]: DiagnosticChannel<ClientDiagnosticEvents[Name]>
} = {
  request: diagnosticChannel('fairlead:http:client:request'),
  connect: diagnosticChannel('fairlead:http:client:connect'),
  refuse: diagnosticChannel('fairlead:http:client:refuse'),
  send: diagnosticChannel('fairlead:http:client:send'),
  response: diagnosticChannel('fairlead:http:client:response'),
  end: diagnosticChannel('fairlead:http:client:end'),
  error: diagnosticChannel('fairlead:http:client:error'),
  retry: diagnosticChannel('fairlead:http:client:retry'),
}
