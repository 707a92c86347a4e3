import { checkPort, ipAddress, isIpv4 } from './ip.ts'
import { quote } from './quote.ts'

/** Schemes of a host and a port. */
type SocketScheme = 'tcp' | 'tls' | 'udp'
/** Schemes of a host, a port and what is asked of it. */
type WebScheme = 'http' | 'https' | 'ws' | 'wss'

/**
 * What a text such as `tcp://example.com:7000` names, before any name is resolved.
 *
 * `host` is what `connect` takes: a name in lower case and ASCII, or a literal address without brackets,
 * `fe80::1%eth0` with its zone. The `path` of a web scheme begins with a slash and holds the query, too.
 */
export type Endpoint =
  | { readonly scheme: SocketScheme; readonly host: string; readonly port: number }
  | { readonly scheme: WebScheme; readonly host: string; readonly port: number; readonly path: string }
  | { readonly scheme: 'unix'; readonly path: string }
  | { readonly scheme: 'memory'; readonly name: string }

type HostEndpoint = Extract<Endpoint, { host: string }>

/** The port of a scheme that has one of its own. */
const ports: Readonly<Record<SocketScheme | WebScheme, number | undefined>> = {
  tcp: undefined,
  tls: undefined,
  udp: undefined,
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
}

/** RFC 1123 section 2.1, with the underscore that names of services have; at its end the dot of the root. */
const hostName = /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?(?:\.[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?)*\.?$/
/** RFC 3986 section 3.2 without user information; a port that is named has digits. */
const authority = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/

/**
 * Reads `tcp://`, `tls://` and `udp://host:port`, `http://`, `https://`, `ws://` and `wss://host[:port][/path]`,
 * `unix:/path` and `memory:name`, and gives the one canonical form of each. Nothing is resolved.
 *
 * Refused rather than guessed at: credentials, fragments, white space, numbers for hosts other than four
 * decimals (`0177.0.0.1`, `0x7f.1`, `127.1`), a missing port of a scheme without a port of its own, and a path
 * where the scheme has none. A zone is written `%25eth0` (RFC 6874); the bare `%eth0` is read, too, so that an
 * interface whose number begins with 25 needs the long form. What follows `unix:` is the path as it stands.
 *
 * @throws TypeError or RangeError that says what is wrong, and repeats neither credentials nor query.
 * @example
 * ```ts
 * parseEndpoint('HTTP://Example.COM:80/a/../b') // { scheme: 'http', host: 'example.com', port: 80, path: '/b' }
 * ```
 */
export function parseEndpoint(text: string): Endpoint {
  try {
    return read(text)
  } catch (error) {
    throw endpointError(error, quote(text))
  }
}

/**
 * Writes an endpoint in the canonical form that {@link parseEndpoint} reads: the port left out where it is the
 * scheme's own, IPv6 in brackets.
 *
 * @throws TypeError or RangeError when a part of it is not what it should be.
 * @example
 * ```ts
 * formatEndpoint({ scheme: 'ws', host: '::1', port: 80, path: '/chat' }) // 'ws://[::1]/chat'
 * ```
 */
export function formatEndpoint(endpoint: Endpoint): string {
  try {
    return write(endpoint)
  } catch (error) {
    throw endpointError(error, `scheme ${quote(endpoint.scheme)}`)
  }
}

function read(text: string): Endpoint {
  if (typeof text !== 'string') throw new TypeError('not a text')
  const [prefix, name = ''] = /^([a-z]+):/i.exec(text) ?? ['']
  const scheme = name.toLowerCase()
  const rest = text.slice(prefix.length)
  if (scheme === 'unix') return { scheme, path: nonEmpty(rest) }
  if (scheme === 'memory') return { scheme, name: nonEmpty(rest) }
  if (!hasHost(scheme))
    throw new TypeError(`the scheme is none of ${Object.keys(ports).join(', ')}, unix, memory`)
  if (!rest.startsWith('//')) throw new TypeError('// has to follow the scheme')
  const [, where = '', path = ''] = /^([^/?#\\]*)([^]*)$/.exec(rest.slice(2)) ?? []
  // Credentials would end up in logs; a password with a slash in it, in the path.
  if (where.includes('@')) throw new TypeError('credentials have no place in it')
  const [, literal, plain, digits] = authority.exec(where) ?? []
  if (literal === undefined && plain === undefined) throw new TypeError('what follows // is not host:port')
  const port = digits === undefined ? ports[scheme] : Number(digits)
  if (port === undefined) throw new TypeError('the port is missing')
  const host =
    literal === undefined ? canonicalName(plain ?? '') : canonicalLiteral(literal.replace('%25', '%'))
  return hostEndpoint(scheme, host, port, path)
}

function write(endpoint: Endpoint): string {
  if (endpoint.scheme === 'unix') return `unix:${nonEmpty(endpoint.path)}`
  if (endpoint.scheme === 'memory') return `memory:${nonEmpty(endpoint.name)}`
  if (!hasHost(endpoint.scheme)) throw new TypeError('the scheme is not known')
  const host = endpoint.host.includes(':') ? canonicalLiteral(endpoint.host) : canonicalName(endpoint.host)
  const path = 'path' in endpoint ? endpoint.path : ''
  const canonical = hostEndpoint(endpoint.scheme, host, endpoint.port, path)
  const where = host.includes(':') ? `[${host.replace('%', '%25')}]` : host
  const port = endpoint.port === ports[endpoint.scheme] ? '' : `:${endpoint.port}`
  return `${canonical.scheme}://${where}${port}${'path' in canonical ? canonical.path : ''}`
}

function hostEndpoint(
  scheme: SocketScheme | WebScheme,
  host: string,
  port: number,
  path: string,
): HostEndpoint {
  checkPort(port)
  if (scheme === 'tcp' || scheme === 'tls' || scheme === 'udp') {
    if (path !== '') throw new TypeError(`${scheme} has no path`)
    return { scheme, host, port }
  }
  return { scheme, host, port, path: canonicalPath(path) }
}

function hasHost(scheme: string): scheme is SocketScheme | WebScheme {
  return Object.hasOwn(ports, scheme)
}

function nonEmpty(text: string): string {
  if (typeof text === 'string' && text !== '') return text
  throw new TypeError('nothing follows the scheme')
}

/** A literal between brackets, IPv6 with or without its zone; an IPv4-mapped one is the IPv4 address. */
function canonicalLiteral(literal: string): string {
  if (!literal.includes(':')) throw new TypeError('only an IPv6 address stands in brackets')
  const { host, zone } = ipAddress(literal, 0)
  // Unreserved characters (RFC 6874 section 2) need no escape, and no two readers of a URL differ on them.
  if (zone !== undefined && !/^[\w.~-]+$/.test(zone)) throw new TypeError('the zone is not an interface')
  return zone === undefined ? host : `${host}%${zone}`
}

/** A name as DNS has it (UTS 46), or four decimals. The URL standard would take any number for an address. */
function canonicalName(name: string): string {
  if (isIpv4(name)) return name
  if (/[%\s\p{Cc}/?#@:\\[\]]/u.test(name)) throw new TypeError('the host is neither a name nor an address')
  const ascii = asciiName(name)
  if (isIpv4(ascii)) throw new TypeError('an IPv4 address is written as four decimal numbers')
  if (ascii.length <= 254 && hostName.test(ascii)) return ascii
  throw new TypeError('the host is neither a name nor an address')
}

function asciiName(name: string): string {
  try {
    return new URL(`http://${name}`).hostname
  } catch {
    return ''
  }
}

/** Path and query with dot segments removed and escapes in upper case (RFC 3986 section 6.2.2). */
function canonicalPath(path: string): string {
  if (/[\s\\\p{Cc}\p{Cs}]/u.test(path))
    throw new TypeError('white space, \\ and control characters are to be escaped')
  if (path.includes('#')) throw new TypeError('a fragment names nothing that can be connected to')
  if (/%(?![\da-f]{2})/i.test(path)) throw new TypeError('% is not followed by two hexadecimal digits')
  if (path !== '' && !/^[/?]/.test(path)) throw new TypeError('a path begins with a slash')
  return new URL(`http://h${path}`).href
    .slice('http://h'.length)
    .replace(/%[\da-f]{2}/gi, (c) => c.toUpperCase())
}

function endpointError(error: unknown, what: string): Error {
  const why = (error as Error).message.replace(/^Invalid \w+: /, '')
  const message = `Invalid endpoint: ${what}: ${why}`
  return error instanceof RangeError ? new RangeError(message) : new TypeError(message)
}
