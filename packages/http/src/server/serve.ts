import type { Address, TlsFacts } from '@fairlead/core'

import { listen } from './listen.ts'
import type { HttpListener } from './listener.ts'
import type { HttpListenOptions } from './options.ts'
import { webRequestOf } from './web-request.ts'

/** What a web-standard `Request` has no place for. */
export interface ServeContext {
  readonly remoteAddress: Address
  readonly tls: TlsFacts | undefined
}

/** A web-standard handler, as frameworks export it (`app.fetch`). */
export type FetchHandler = (request: Request, context: ServeContext) => Response | Promise<Response>

/**
 * Serves HTTP/1.1 with web-standard `Request` and `Response`. Bodies are streams with back-pressure both ways;
 * `request.signal` is aborted when the client is gone.
 *
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had.
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, (request) => new Response(`${request.method} ${request.url}\n`))
 * ```
 */
export function serve(options: HttpListenOptions, handler: FetchHandler): Promise<HttpListener> {
  return listen(options, async (exchange) => {
    const request = webRequestOf(exchange)
    if (typeof request === 'number') return exchange.respond(request)
    const { remoteAddress, tls } = exchange
    const response = await handler(request, { remoteAddress, tls })
    if (!(response instanceof Response))
      throw new TypeError('Cannot respond: the handler returned no Response')
    return exchange.respond(response.status, response.headers, response.body)
  })
}
