import type { Tlv } from './header.ts'
import { joinTlvs, longestUniqueId, splitTlvs, tlsPrefixLength, types } from './tlvs.ts'

/** What the registered TLVs of a header say (sections 2.2.1 to 2.2.7). */
export interface ProxyDetails {
  /** The protocol that ALPN chose between client and proxy; one byte a character. */
  readonly alpn?: string
  /** The host that the client asked for: TLS's server name. */
  readonly authority?: string
  /** Up to 128 bytes by which the proxy knows the connection. */
  readonly uniqueId?: Uint8Array
  readonly tls?: ProxyTls
  /** The proxy's network namespace. */
  readonly namespace?: string
}

/** The TLS between client and proxy. */
export interface ProxyTls {
  /** Whether the client connected over TLS. */
  readonly encrypted: boolean
  /** Whether the client gave a certificate on this connection. */
  readonly certificateOnConnection: boolean
  /** Whether it gave one at least once in the TLS session that this connection belongs to. */
  readonly certificateInSession: boolean
  /** Whether it gave a certificate, and that was verified. */
  readonly authorized: boolean
  /** `TLSv1.3` and the like. */
  readonly version?: string
  /** The common name in the client's certificate. */
  readonly commonName?: string
  readonly cipher?: string
  /** How the proxy's certificate is signed: `RSA-SHA256`. */
  readonly signatureAlgorithm?: string
  /** The key of the proxy's certificate: `RSA2048`. */
  readonly keyAlgorithm?: string
}

/** The TLVs of text within `types.tls`. */
const tlsTexts = {
  version: 0x21,
  commonName: 0x22,
  cipher: 0x23,
  signatureAlgorithm: 0x24,
  keyAlgorithm: 0x25,
} as const
const tlsFlags = { encrypted: 1, certificateOnConnection: 2, certificateInSession: 4 } as const
const refused = Buffer.from([0, 0, 0, 1])

/**
 * Reads the registered TLVs of a header; of several of one type, the first.
 *
 * @throws ProtocolError for TLS facts that are none; those of a decoded header were checked.
 * @example
 * ```ts
 * const { authority, tls } = detailsOf(proxyOf(connection)?.header.tlvs ?? [])
 * ```
 */
export function detailsOf(tlvs: readonly Tlv[]): ProxyDetails {
  const alpn = textIn(tlvs, types.alpn, 'latin1')
  const authority = textIn(tlvs, types.authority)
  const uniqueId = valueIn(tlvs, types.uniqueId)
  const tls = valueIn(tlvs, types.tls)
  const namespace = textIn(tlvs, types.namespace)
  return {
    ...(alpn !== undefined && { alpn }),
    ...(authority !== undefined && { authority }),
    ...(uniqueId !== undefined && { uniqueId }),
    ...(tls !== undefined && { tls: tlsIn(tls) }),
    ...(namespace !== undefined && { namespace }),
  }
}

/**
 * The TLVs that say `details`, for a header to be sent.
 *
 * @throws RangeError for a unique id of more than 128 bytes.
 * @example
 * ```ts
 * const prelude = sendProxy({ tlvs: tlvsOf({ authority: 'example.com', alpn: 'h2' }) })
 * ```
 */
export function tlvsOf({ alpn, authority, uniqueId, tls, namespace }: ProxyDetails): Tlv[] {
  if (uniqueId !== undefined && uniqueId.length > longestUniqueId) {
    throw new RangeError(`Invalid option uniqueId: has more than ${longestUniqueId} bytes`)
  }
  return [
    ...tlvFrom(types.alpn, alpn, 'latin1'),
    ...tlvFrom(types.authority, authority),
    ...(uniqueId === undefined ? [] : [{ type: types.uniqueId, value: uniqueId }]),
    ...(tls === undefined ? [] : [{ type: types.tls, value: tlsBytes(tls) }]),
    ...tlvFrom(types.namespace, namespace),
  ]
}

function tlsIn(value: Buffer): ProxyTls {
  const inner = splitTlvs(value, tlsPrefixLength)
  const flags = value[0] ?? 0
  const certificateOnConnection = (flags & tlsFlags.certificateOnConnection) !== 0
  const certificateInSession = (flags & tlsFlags.certificateInSession) !== 0
  const texts = Object.entries(tlsTexts).map(([name, type]) => [name, textIn(inner, type)] as const)
  return {
    encrypted: (flags & tlsFlags.encrypted) !== 0,
    certificateOnConnection,
    certificateInSession,
    // Zero alone says little: some senders fill it so when nobody gave a certificate.
    authorized: (certificateOnConnection || certificateInSession) && value.readUInt32BE(1) === 0,
    ...Object.fromEntries(texts.filter(([, text]) => text !== undefined)),
  }
}

function tlsBytes(tls: ProxyTls): Buffer {
  const names = Object.keys(tlsFlags) as (keyof typeof tlsFlags)[]
  const flags = names.reduce((sum, name) => sum | (tls[name] ? tlsFlags[name] : 0), 0)
  const inner = (Object.keys(tlsTexts) as (keyof typeof tlsTexts)[]).flatMap((name) =>
    tlvFrom(tlsTexts[name], tls[name]),
  )
  return Buffer.concat([Buffer.from([flags]), tls.authorized ? Buffer.alloc(4) : refused, joinTlvs(inner)])
}

function valueIn(tlvs: readonly Tlv[], wanted: number): Buffer | undefined {
  const value = tlvs.find(({ type }) => type === wanted)?.value
  return value && Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function textIn(tlvs: readonly Tlv[], wanted: number, encoding: BufferEncoding = 'utf8'): string | undefined {
  return valueIn(tlvs, wanted)?.toString(encoding)
}

function tlvFrom(type: number, text: string | undefined, encoding: BufferEncoding = 'utf8'): Tlv[] {
  return text === undefined ? [] : [{ type, value: Buffer.from(text, encoding) }]
}
