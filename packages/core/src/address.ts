/**
 * Where an endpoint is, as data. An `ip` host is always a literal in canonical form: RFC 5952 for IPv6, without
 * brackets, IPv4-mapped addresses folded to IPv4; `zone` is the interface of a link-local address (RFC 4007).
 */
export type Address =
  | {
      readonly kind: 'ip'
      readonly family: 4 | 6
      readonly host: string
      readonly port: number
      readonly zone?: string
    }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'memory'; readonly name: string }

const dotted = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/
const mappedDotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
/** A literal and its zone; what follows the `%` must survive the brackets of an address as text. */
const scoped = /^([^%]+)(?:%([^%\]\s]+))?$/
const mappedHex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

/**
 * Makes an `ip` {@link Address} of a literal host and a port.
 *
 * @throws TypeError when `host` is a name or no address at all, RangeError when `port` is not 0 to 65535.
 * @example
 * ```ts
 * ipAddress('::ffff:127.0.0.1', 80) // { kind: 'ip', family: 4, host: '127.0.0.1', port: 80 }
 * ```
 */
export function ipAddress(host: string, port: number): Address & { kind: 'ip' } {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`Invalid port: ${port} is not an integer from 0 to 65535`)
  }
  if (dotted.test(host)) return { kind: 'ip', family: 4, host, port }
  const folded = mappedDotted.exec(host)?.[1]
  if (folded !== undefined && dotted.test(folded)) return { kind: 'ip', family: 4, host: folded, port }

  const [, literal = '', zone] = scoped.exec(host) ?? []
  const canonical = canonicalIpv6(literal)
  if (canonical === undefined)
    throw new TypeError(`Invalid address: ${JSON.stringify(host)} is not an IP address`)
  const [, high, low] = mappedHex.exec(canonical) ?? []
  if (high !== undefined && low !== undefined) {
    return {
      kind: 'ip',
      family: 4,
      host: dottedFrom(Number.parseInt(high, 16), Number.parseInt(low, 16)),
      port,
    }
  }
  const address = { kind: 'ip', family: 6, host: canonical, port } as const
  return zone === undefined ? address : { ...address, zone }
}

/** The URL standard's host parser writes IPv6 as RFC 5952 wants it, and refuses what is not IPv6. */
function canonicalIpv6(literal: string): string | undefined {
  if (!/^[0-9a-f:.]+$/i.test(literal) || !literal.includes(':')) return undefined
  try {
    return new URL(`http://[${literal}]`).hostname.slice(1, -1)
  } catch {
    return undefined
  }
}

function dottedFrom(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/**
 * Reads what {@link formatAddress} writes: `127.0.0.1:80`, `[::1]:80`, `[fe80::1%eth0]:80`, `unix:/path`,
 * `memory:name`. Names are not resolved here.
 *
 * @throws TypeError or RangeError that says what is wrong.
 * @example
 * ```ts
 * parseAddress('[0:0:0:0:0:0:0:1]:8080') // { kind: 'ip', family: 6, host: '::1', port: 8080 }
 * ```
 */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:') && text.length > 5) return { kind: 'unix', path: text.slice(5) }
  if (text.startsWith('memory:') && text.length > 7) return { kind: 'memory', name: text.slice(7) }
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined) throw new TypeError(`Invalid address: ${JSON.stringify(text)} is not host:port`)
  return ipAddress(bracketed ?? plain ?? '', Number(port))
}

/**
 * Writes an address as one line of text, the form {@link parseAddress} reads.
 *
 * @example
 * ```ts
 * formatAddress({ kind: 'ip', family: 6, host: '::1', port: 80 }) // '[::1]:80'
 * ```
 */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  if (address.kind === 'memory') return `memory:${address.name}`
  if (address.family === 4) return `${address.host}:${address.port}`
  const zone = address.zone === undefined ? '' : `%${address.zone}`
  return `[${address.host}${zone}]:${address.port}`
}
