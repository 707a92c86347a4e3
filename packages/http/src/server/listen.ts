import * as tcp from '@fairlead/tcp'

import { type HttpListener, HttpServer, type OnExchange } from './listener.ts'
import { type HttpListenOptions, timesOf } from './options.ts'

/**
 * Serves HTTP/1.1: `onExchange` is called once for each request and answers it, at once or later. Without it,
 * iterate the listener. The listener is closed by whoever made it; `close` answers what is under way, with
 * `Connection: close`, and lets idle connections go.
 *
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had.
 * @example
 * ```ts
 * const server = await listen({ port: 8080 }, (exchange) => exchange.respond(200, {}, 'ahoy\n'))
 * ```
 */
export async function listen(options: HttpListenOptions, onExchange?: OnExchange): Promise<HttpListener> {
  const server = new HttpServer(options, onExchange)
  const { transport } = options
  // One limit for answers and for what an upgrade makes of the connection.
  const writeTimeout = Math.max(1, timesOf(options).writeTimeout)
  await server.start((accept) =>
    transport ? transport.listen(accept) : tcp.listen({ ...options, writeTimeout }, accept),
  )
  return server
}
