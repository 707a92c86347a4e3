import type { ByteConnection } from '@fairlead/core'

import { encodeRequestHead } from '../../codec/index.ts'
import type { FieldsInit } from '../../message/fields-init.ts'
import { rawFields } from '../../message/fields-init.ts'
import { Handshake } from './handshake.ts'

/** Where a tunnel leads to, and what its proxy wants to know. */
export interface TunnelOptions {
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** The value of Proxy-Authorization. */
  readonly authorization?: string | undefined
  /** For the proxy alone; neither Host nor Proxy-Authorization among them. */
  readonly headers?: FieldsInit
  /** Milliseconds from the first byte to the whole answer, however its bytes come. */
  readonly timeout: number
}

/**
 * A step in front of all others on a connection to a proxy: asks it by CONNECT (RFC 9110 section 9.3.6) for a tunnel,
 * and resolves when it is there. The connection is then the tunnel, without a handler, and bytes that came with the
 * proxy's answer are given to whoever handles it next. May be called once for each connection.
 *
 * What it returns rejects, with the connection paused and the caller's to end: HttpProtocolError ERR_FAIRLEAD_HTTP_PROXY
 * for an answer that is not 2xx, or is no HTTP; BrokenError when the proxy closes; TimeoutError of phase `handshake`.
 *
 * @throws TypeError for a host, a port or a field that cannot be sent.
 * @example
 * ```ts
 * // Made of the option proxy, for each https URL:
 * const client = new Client({ proxy: 'http://user:password@proxy.example:3128' })
 * console.log((await client.request('https://example.com/')).status)
 * ```
 */
export function tunnel(options: TunnelOptions): (connection: ByteConnection) => Promise<void> {
  const { host, port, authorization, headers = [], timeout } = options
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const fields = ['Host', authority]
  if (authorization !== undefined) fields.push('Proxy-Authorization', authorization)
  const head = encodeRequestHead('CONNECT', authority, [...fields, ...rawFields(headers)])
  const wanted = { authority, authorized: authorization !== undefined, head, timeout }
  return (connection) => new Handshake(connection, wanted).done
}
