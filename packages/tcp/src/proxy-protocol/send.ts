import { ipAddress } from '@fairlead/core'
import { checkOptions } from '@fairlead/core/transport'

import type { Prelude } from '../stream.ts'
import { encodeProxyHeader, type ProxyHeaderInit } from './encode.ts'

const anywhere = ipAddress('0.0.0.0', 0)

/**
 * Begins each connection made with a PROXY protocol header, below TLS and before any data. Without addresses it
 * has the connection's own: so version 1 presents what the proxy does for itself (section 2.1), which is `local` in
 * version 2. A receiver may refuse a header whose transport is unspecified.
 *
 * The receiver believes what it is told: give no address that you do not know yourself.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * // `connection` is the client's, and this goes on to the server.
 * const { remoteAddress: source, localAddress: destination } = connection
 * const outbound = await connect({ port: 7000, prelude: sendProxy({ source, destination }) })
 * ```
 */
export function sendProxy(header: ProxyHeaderInit | 'local' = {}): Prelude {
  if (header !== 'local') checkOptions('sendProxy', header)
  const init: ProxyHeaderInit = header === 'local' ? { command: 'local' } : header
  const { command, transport, source, destination } = init
  const own =
    source === undefined && destination === undefined && command !== 'local' && transport !== 'unspecified'
  // Refuses now what could not be sent later.
  const bytes = encodeProxyHeader(own ? { ...init, source: anywhere, destination: anywhere } : init)
  return async (connection) => {
    const { localAddress, remoteAddress } = connection
    connection.write(
      own ? encodeProxyHeader({ ...init, source: localAddress, destination: remoteAddress }) : bytes,
    )
  }
}
