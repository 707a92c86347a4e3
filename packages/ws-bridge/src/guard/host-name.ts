import { ipAddress } from '@fairlead/core'

/** A host and the port behind it, as they are compared. */
export interface NamedHost {
  /** In lower case and without the dot of the root; an IPv6 address in its canonical form, in brackets. */
  readonly host: string
  /** Undefined where none is named. */
  readonly port: number | undefined
}

/** RFC 3986 section 3.2 without user information, escapes and zones, which browsers never send. */
const authority = /^(?:\[([\dA-Fa-f]*:[\dA-Fa-f:.]*)\]|([\w.-]+))(?::(\d{0,5}))?$/
/** RFC 1123 section 2.1, with the underscore that names in use have, too. */
const hostName = /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?(?:\.[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?)*$/
/** A last label by which the URL standard takes the whole for an IPv4 address ("ends in a number"). */
const numeric = /(?:^|\.)(?:\d+|0x[\da-f]*)$/

/** RFC 1035 section 2.3.4, without the dot of the root. */
const longestName = 253
/** A name, the dot of the root and a port. */
const longest = longestName + '.:65535'.length

/**
 * Reads a Host field, or what follows the `//` of an origin. Both sides of a comparison are read here, so that nothing
 * is compared that was not understood: whatever is neither a name of DNS, nor four decimals, nor an IPv6 address in
 * brackets, each with or without a port, is undefined. Browsers write hosts in no other form.
 *
 * The dot of the root says nothing more (`localhost.` is `localhost`), and a port that is left empty is none (RFC 3986
 * section 6.2.3). IPv4-mapped addresses are the IPv4 ones, as everywhere in this toolkit.
 */
export function readHost(text: string): NamedHost | undefined {
  if (text.length > longest) return undefined
  const [, literal, name = '', digits = ''] = authority.exec(text) ?? []
  const host = literal === undefined ? canonicalName(name) : canonicalAddress(literal)
  const port = digits === '' ? undefined : Number(digits)
  if (host === undefined || (port !== undefined && port > 65_535)) return undefined
  return { host, port }
}

/** The port that is meant where none is named (RFC 9110 sections 4.2.1 and 4.2.2). */
export function defaultPort(secure: boolean): number {
  return secure ? 443 : 80
}

/**
 * Whether a host is a name under `base`, with one or more labels in front: `a.example.com` lies under `example.com`,
 * `example.com` does not. Both were read, so that a dot is one between labels, and no address lies under anything.
 */
export function liesUnder(host: string, base: string): boolean {
  return host.endsWith(`.${base}`)
}

/** Whether a host that was read is a literal address. */
export function isAddress(host: string): boolean {
  return host.startsWith('[') || numeric.test(host)
}

/** Whether a host is this machine, whatever a name server says: RFC 6761 section 6.3, or a literal address. */
export function isLoopbackHost(host: string): boolean {
  if (host === 'localhost' || host === '[::1]' || liesUnder(host, 'localhost')) return true
  return /^127(?:\.\d{1,3}){3}$/.test(host)
}

function canonicalName(name: string): string | undefined {
  const lower = name.toLowerCase()
  const host = lower.endsWith('.') ? lower.slice(0, -1) : lower
  // An address has no root.
  if (numeric.test(host)) return canonicalAddress(lower)
  return host.length <= longestName && hostName.test(host) ? host : undefined
}

/** Four decimals as they are, IPv6 in brackets; nothing else is an address. */
function canonicalAddress(literal: string): string | undefined {
  try {
    const { host, family } = ipAddress(literal, 0)
    return family === 4 ? host : `[${host}]`
  } catch {
    return undefined
  }
}
