import type { TlsClientOptions } from '@fairlead/tcp'

import type { Route } from './connect.ts'
import type { Origin } from './origin.ts'
import type { HttpProxy } from './proxy/proxy.ts'

/** Whom to reach, and through whom. */
export interface Passage {
  readonly origin: Origin
  readonly unix: string | undefined
  readonly proxy: HttpProxy | undefined
  /** Whether the proxy is asked for a tunnel. */
  readonly tunnelled: boolean
  readonly tls: TlsClientOptions
  /** Whether a hook connects, in the place of tcp. */
  readonly hooked: boolean
}

/** @throws TypeError for a tunnel through a proxy that speaks TLS itself. */
export function routeOf({ origin, unix, proxy, tunnelled, tls, hooked }: Passage): Omit<Route, 'timeouts'> {
  if (proxy?.secure && tunnelled && !hooked) {
    throw new TypeError(
      'Invalid option proxy: a tunnel through a proxy that speaks TLS itself is up to a function, the option connect',
    )
  }
  const asked = tunnelled ? undefined : proxy
  // Said once for each route: options of TLS are read once for each object.
  const named = proxy || unix !== undefined ? { serverName: origin.host, ...tls } : tls
  const direct = asked ? { ...named, serverName: asked.host } : named
  const secure = (asked ?? origin).secure
  // With a hook nobody else connects to the proxy, and on this connection come the requests to all origins.
  const { key, host, port } = hooked && asked ? asked : origin
  return { origin: key, host, port, unix, proxy, tunnelled, tls: secure ? direct : undefined }
}
