import type { Fields } from '../codec/index.ts'
import type { RequestBody, RequestOptions } from './options.ts'
import type { IncomingResponse } from './response.ts'

/**
 * A request as an interceptor sees it: everything decided but for the connection. It is not changed, but given on
 * with something else in it: `next({ ...request, headers: request.headers.with('Authorization', token) })`.
 */
export interface OutgoingRequest extends Omit<
  RequestOptions,
  'query' | 'json' | 'headers' | 'method' | 'body'
> {
  readonly url: URL
  readonly method: string
  readonly headers: Fields
  readonly body: RequestBody | null
}

/** Sends the request on: to the next interceptor, and at last to the server. May be called more than once. */
export type Next = (request: OutgoingRequest) => Promise<IncomingResponse>

/** Stands between who asks and the server: sees each request, each hop of a redirect among them, and its answer. */
export type Interceptor = (request: OutgoingRequest, next: Next) => Promise<IncomingResponse>
