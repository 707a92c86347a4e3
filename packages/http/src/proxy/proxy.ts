import type { CloseOptions, CloseReason, Resource, ResourceState } from '@fairlead/core'

import type { ServeContext } from '../web/serve-context.ts'
import type { ProxyOptions, ProxyStats, TargetOf, TargetUrl } from './options.ts'
import { Passing } from './passing.ts'

/**
 * A handler that passes requests on, for `serve` and for frameworks, and the connections behind it, which are closed by
 * whoever made it.
 */
export interface ReverseProxy extends Resource {
  /**
   * Answers a request. `context` is what `serve` gives to its handlers, and frameworks keep as their environment:
   * without it nothing is known of the client, and there are neither upgrades nor interim answers nor trailers. Rejects
   * only when the signal of a request that came from elsewhere was aborted.
   */
  (request: Request, context?: ServeContext): Promise<Response>
  /** What was counted since it was made, and how its pools stand; a copy. */
  stats(): ProxyStats
}

/**
 * A reverse proxy: a handler that passes requests on to the server at `target`, and its answers back, as their bytes
 * come. The path of the target stands before that of the request, which goes on byte for byte as it came; only dot
 * segments and backslashes are resolved, as `request.url` has them. A function names the target of each request.
 *
 * Fields of the connection are taken off both ways (RFC 9110 section 7.6.1); Host, `Forwarded` and `Via` are written;
 * everything else is passed on as it is: status, methods, content codings, cookies, redirects, interim answers,
 * trailers where TE asks for them, 100 (Continue), WebSocket and other upgrades. A server that is slow, or a client,
 * makes the other side wait, and no more than 64 KiB each way are kept. A client that leaves has its request
 * aborted; an answer that breaks off is cut, and never looks whole. A request is sent again only where the server cannot
 * have done anything with it, or may do it twice (RFC 9110 section 9.2.2).
 *
 * When it cannot be passed on: 502 for a server that cannot be reached, breaks off or speaks no HTTP, or that `allow`
 * forbids; 504 where time ran out; 503 with Retry-After where too many wait, or behind `close`; 508 for a request that
 * was here before; 404 without a target; 500 where a callback throws. `onError` hears why, the client does not.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * await using app = proxy('http://127.0.0.1:3000')
 * await using server = await serve({ port: 8080 }, app)
 * ```
 */
export function proxy(target: TargetUrl | TargetOf, options: ProxyOptions = {}): ReverseProxy {
  const passing = new Passing(target, options)
  const { upstream } = passing
  const handle = (request: Request, context?: ServeContext): Promise<Response> =>
    passing.handle(request, context)
  const resource: PropertyDescriptorMap = {
    // As what made it is called, and whoever builds this package may rename that.
    name: { value: 'proxy', configurable: true },
    state: { get: (): ResourceState => upstream.state },
    closed: { get: (): Promise<CloseReason> => upstream.closed },
    close: { value: (given?: CloseOptions) => upstream.close(given) },
    destroy: { value: (error?: Error) => upstream.destroy(error) },
    stats: { value: () => upstream.stats() },
    [Symbol.asyncDispose]: { value: () => upstream.close() },
  }
  return Object.defineProperties(handle, resource) as ReverseProxy
}
