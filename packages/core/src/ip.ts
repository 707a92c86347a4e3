import { quote } from './quote.ts'

/**
 * A literal IP address and a port. The host is always in canonical form: RFC 5952 for IPv6, without brackets,
 * IPv4-mapped addresses folded to IPv4; `zone` is the interface of a link-local address (RFC 4007).
 */
export interface IpAddress {
  readonly kind: 'ip'
  readonly family: 4 | 6
  readonly host: string
  readonly port: number
  readonly zone?: string
}

const dotted = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/
const mappedDotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
/** A literal and its zone; what follows the `%` must survive the brackets of an address as text. */
const scoped = /^([^%]+)(?:%([^%\]\s\p{C}]+))?$/u
const mappedHex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

/** Whether `host` is an IPv4 address in the one form that everybody reads alike: four decimal numbers. */
export function isIpv4(host: string): boolean {
  return dotted.test(host)
}

/** Refuses what is not a port. */
export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return
  throw new RangeError(`Invalid port: ${port} is not an integer from 0 to 65535`)
}

/**
 * Makes an `ip` address of a literal host and a port.
 *
 * @throws TypeError when `host` is a name or no address at all, RangeError when `port` is not 0 to 65535.
 * @example
 * ```ts
 * ipAddress('::ffff:127.0.0.1', 80) // { kind: 'ip', family: 4, host: '127.0.0.1', port: 80 }
 * ```
 */
export function ipAddress(host: string, port: number): IpAddress {
  checkPort(port)
  if (dotted.test(host)) return { kind: 'ip', family: 4, host, port }
  const folded = mappedDotted.exec(host)?.[1]
  if (folded !== undefined && dotted.test(folded)) return { kind: 'ip', family: 4, host: folded, port }

  const [, literal = '', zone] = scoped.exec(host) ?? []
  const canonical = canonicalIpv6(literal)
  if (canonical === undefined) {
    throw new TypeError(`Invalid address: ${quote(host)} is not an IP address`)
  }
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
