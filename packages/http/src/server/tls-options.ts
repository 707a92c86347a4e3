import type { StreamListener, TlsServerOptions } from '@fairlead/tcp'

/** The protocols of RFC 9112 by their registered names (RFC 7301 section 6). */
const http1 = ['http/1.1', 'http/1.0'] as const

/**
 * What TLS offers by ALPN when nobody says: a client that speaks only HTTP/2 learns so in the handshake, and not
 * from an answer that it cannot read.
 */
export function speaksHttp(tls: TlsServerOptions): TlsServerOptions {
  if (typeof tls !== 'object' || tls === null || tls.alpn !== undefined) return tls
  // Its `select` may be a method that needs the object it belongs to.
  return { ...tls, ...(tls.select ? { select: (name) => tls.select?.(name) } : {}), alpn: http1 }
}

/** What an HTTP listener's `setTls` does to the listener below. @throws TypeError when that has no TLS. */
export async function replaceTls(
  listener: Partial<Pick<StreamListener, 'setTls'>>,
  tls: TlsServerOptions,
): Promise<void> {
  if (!listener.setTls) throw new TypeError('Cannot set TLS: the transport is not TCP')
  await listener.setTls(speaksHttp(tls))
}
