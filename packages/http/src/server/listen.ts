import { checkFunction, checkOptions } from '@fairlead/core/transport'
import * as tcp from '@fairlead/tcp'

import { proxyMatcher } from './client-facts.ts'
import { type HttpListener, HttpServer, type OnExchange } from './listener.ts'
import { type HttpListenOptions, timesOf } from './options.ts'
import { speaksHttp } from './tls-options.ts'

/**
 * Serves HTTP/1.1: `onExchange` is called once for each request and answers it, at once or later. Without it,
 * iterate the listener. The listener is closed by whoever made it; `close` answers what is under way, with
 * `Connection: close`, and lets idle connections go.
 *
 * With `tls` it serves HTTPS. ALPN (RFC 7301) offers `http/1.1` and `http/1.0` unless `tls.alpn` says otherwise: a
 * client that offers only other protocols is refused in the handshake, one that offers none is served.
 *
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had.
 * @example
 * ```ts
 * const server = await listen({ port: 8080 }, (exchange) => exchange.respond(200, {}, 'ahoy\n'))
 * ```
 */
export async function listen(options: HttpListenOptions, onExchange?: OnExchange): Promise<HttpListener> {
  checkOptions('listen', options)
  checkFunction('onExchange', onExchange)
  checkFunction('onError', options.onError)
  if (options.transport !== undefined) checkFunction('transport.listen', options.transport?.listen ?? null)
  const known = { ...options, ...proxyMatcher(options, tcp.addressMatcher) }
  const server = new HttpServer(known, onExchange)
  const { transport, tls } = options
  // One limit for answers and for what an upgrade makes of the connection.
  const writeTimeout = Math.max(1, timesOf(options).writeTimeout)
  await server.start((accept) =>
    transport
      ? transport.listen(accept)
      : tcp.listen({ ...options, writeTimeout, ...(tls ? { tls: speaksHttp(tls) } : {}) }, accept),
  )
  return server
}
