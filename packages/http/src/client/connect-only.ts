import type { ByteConnection } from '@fairlead/core'
import { checkFunction, checkOptions, checkSignal } from '@fairlead/core/transport'
import type { TlsClientOptions } from '@fairlead/tcp'

import { connect as connectTo, connectBy } from './connect.ts'
import { checkConnectNames } from './option-names.ts'
import type { ConnectOptions } from './options.ts'
import { originOf } from './origin.ts'
import { proxiesOf } from './proxy/proxies.ts'
import { routeOf } from './route.ts'
import { sharedOf } from './settings.ts'

/**
 * Opens the connection that a request for `url` would go out on, and hands it over unused: for what goes on as another
 * protocol. Of the URL only scheme, host and port count. TLS is spoken for https, and its handshake is over; through a
 * proxy it is always a tunnel that CONNECT has opened, for http, too. Born paused, without a handler, and whoever
 * called owns it; its `remoteAddress` is whom it was connected to, be that the proxy.
 *
 * @throws TypeError or RangeError that names the option, or for what is no URL of HTTP; ConnectError or TimeoutError
 *   with the phase that it hung in; HttpProtocolError ERR_FAIRLEAD_HTTP_PROXY for what a proxy answered;
 *   `signal.reason` when aborted.
 * @example
 * ```ts
 * const connection = await connect('https://example.com/', { proxy: 'environment' })
 * console.log(connection.tls?.protocol)
 * ```
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<ByteConnection> {
  checkOptions('connect', options)
  checkConnectNames(options)
  const { proxy, tls, connect: hook, signal } = options
  checkSignal(signal)
  checkFunction('connect', hook)
  if (tls !== undefined) checkOptions('tls', tls)
  const { times, unix } = sharedOf(options)
  const proxyOf = proxiesOf(proxy)
  const target = parse(url)
  const origin = originOf(target)
  signal?.throwIfAborted()
  const through = unix === undefined ? proxyOf?.(target) : undefined
  const passage = { origin, unix, proxy: through, tunnelled: true, hooked: hook !== undefined }
  const route = { ...routeOf({ ...passage, tls: spokenOf(tls) }), timeouts: times }
  // The function that names the proxy may do anything, too.
  signal?.throwIfAborted()
  const ending = signal ?? new AbortController().signal
  return hook ? connectBy(hook, route, ending) : connectTo(route, ending, times.write)
}

/** What TLS says that was told nothing else. */
const usual: TlsClientOptions = { alpn: ['http/1.1'] }
const known = new WeakMap<TlsClientOptions, TlsClientOptions>()

/** The same object for the same options: those of TLS are read once for each object. */
function spokenOf(tls: TlsClientOptions | undefined): TlsClientOptions {
  if (tls === undefined) return usual
  const spoken = known.get(tls) ?? { ...usual, ...tls }
  known.set(tls, spoken)
  return spoken
}

/** Without the runtime's own error, which repeats the URL, and what secrets are in it. */
function parse(url: string | URL): URL {
  try {
    return new URL(url)
  } catch {
    throw new TypeError('Invalid URL: it is not an absolute one')
  }
}
