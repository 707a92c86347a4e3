import type { PeerCertificate } from 'node:tls'

import type { Pem, TlsIdentity } from './identity.ts'
import type { TlsSessions } from './sessions.ts'

/** Older versions are not spoken (RFC 8996). */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** What both sides may choose. */
export interface TlsOptions {
  /** Application protocols (RFC 7301), the most wanted first. When the two lists have nothing in common, it fails. */
  alpn?: readonly string[]
  /** Default `TLSv1.2`. */
  minVersion?: TlsVersion
  /** Default `TLSv1.3`. */
  maxVersion?: TlsVersion
  /** Ciphers as OpenSSL lists them. Default: the runtime's. */
  ciphers?: string
}

/** How a server proves who it is, and whom it lets in. Read once for each object: pass the same one again. */
export interface TlsServerOptions extends TlsOptions, Partial<TlsIdentity> {
  /** Other identities by the name that the client asks for (SNI); `*.` stands for one label. */
  servers?: Readonly<Record<string, TlsIdentity>>
  /**
   * Asked for a name that `servers` lacks, in lower case and always a well-formed host name. With undefined the
   * answer is `cert`. Return the same object for the same name: each is read once. Whatever it throws, or when it
   * never settles, costs that connection.
   */
  select?(serverName: string): TlsIdentity | undefined | Promise<TlsIdentity | undefined>
  /** Whether clients show a certificate: `require` refuses those without one that `ca` vouches for. Default `none`. */
  clientCertificate?: 'none' | 'request' | 'require'
  /** The authorities that vouch for clients; needed as soon as certificates are asked for. */
  ca?: Pem | readonly Pem[]
}

/** Whom a client believes, and who it is itself. Read once for each object: pass the same one again. */
export interface TlsClientOptions extends TlsOptions, Partial<TlsIdentity> {
  /** The name to ask for and to find in the certificate. Default: the host that is connected to. */
  serverName?: string
  /** The authorities to believe, in place of the runtime's. */
  ca?: Pem | readonly Pem[]
  /** False believes any certificate, and says so in `connection.tls.authorized`: for tests. Default true. */
  verify?: boolean
  /** Decides whether a certificate is that of `host`, in place of the check of RFC 9525. Throwing is a no, too. */
  checkServerIdentity?(host: string, certificate: PeerCertificate): Error | undefined
  /** Remembers sessions, so that later handshakes with the same server are shorter. Default: they are forgotten. */
  sessions?: TlsSessions
}

/** Milliseconds that a handshake may take; on a listener, all that comes before a connection is accepted. */
export const defaultHandshakeTimeout = 10_000

const versions: ReadonlySet<unknown> = new Set<TlsVersion>(['TLSv1.2', 'TLSv1.3'])

/** Refuses, by name, what both sides have in common. */
export function checkTls(options: TlsOptions & { ca?: unknown }): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('Invalid option tls: must be an object')
  }
  const { minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3', alpn, ciphers } = options
  for (const [name, version] of Object.entries({ minVersion, maxVersion })) {
    if (versions.has(version)) continue
    throw new TypeError(`Invalid option tls.${name}: ${version} is neither TLSv1.2 nor TLSv1.3`)
  }
  if (minVersion > maxVersion) throw new RangeError('Invalid option tls.maxVersion: is below tls.minVersion')
  if (alpn !== undefined) checkProtocols(alpn)
  if (ciphers !== undefined && typeof ciphers !== 'string') {
    throw new TypeError('Invalid option tls.ciphers: must be a list in OpenSSL’s form')
  }
}

/** A protocol name has 1 to 255 bytes (RFC 7301 section 3.1). */
function checkProtocols(alpn: readonly unknown[]): void {
  const named = (it: unknown): boolean => typeof it === 'string' && it !== '' && Buffer.byteLength(it) < 256
  if (Array.isArray(alpn) && alpn.length > 0 && alpn.every(named)) return
  throw new TypeError('Invalid option tls.alpn: must be a list of protocol names of 1 to 255 bytes')
}
