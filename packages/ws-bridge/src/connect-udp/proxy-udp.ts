import type { HttpListener } from '@fairlead/http'

import { proxySettings, type UdpProxyOptions } from './options.ts'
import { TunnelProxy, type UdpProxy } from './proxy.ts'

/**
 * Makes an HTTP listener a UDP proxy, too (RFC 9298): requests with `Upgrade: connect-udp` for `path` become tunnels,
 * all else stays with the listener. Let it listen with `tls`: what is in a tunnel is as open as the connection it is in.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * import * as http from '@fairlead/http'
 *
 * const server = await http.listen({ port: 8080 }, (exchange) => exchange.respond(404))
 * const tunnels = proxyUdp(server, {
 *   authorize: ({ headers }) =>
 *     headers.get('authorization') === 'Bearer s3cret' ? undefined : { status: 401, text: 'who are you?' },
 * })
 * ```
 */
export function proxyUdp(server: HttpListener, options: UdpProxyOptions = {}): UdpProxy {
  if (typeof (server as Partial<HttpListener> | undefined)?.onUpgrade !== 'function') {
    throw new TypeError('Invalid server: must be an HTTP listener of @fairlead/http')
  }
  return new TunnelProxy(server, proxySettings(options))
}
