import { parseHost } from '../codec/index.ts'

/** Whom a URL says to ask. Requests with the same `key` may share connections. */
export interface Origin {
  /** As in `https://example.com:8443`; without the port where it is the scheme's own. */
  readonly key: string
  /** Whether TLS is spoken. */
  readonly secure: boolean
  /** As a socket takes it: a name in lower case and ASCII, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** What Host says (RFC 9110 section 7.2): no port where it is the scheme's own, brackets round IPv6. */
  readonly authority: string
}

/**
 * Whom to ask for `url`. What it costs is worth keeping the answer.
 *
 * @throws TypeError for a scheme other than http and https, and for a host that no Host field can name.
 */
export function originOf(url: URL): Origin {
  const { protocol, host: authority } = url
  const secure = protocol === 'https:'
  if (!secure && protocol !== 'http:')
    throw new TypeError('Invalid URL: the scheme is neither http nor https')
  // The URL standard lets quotes, braces and backticks into names; RFC 3986 does not.
  const parsed = parseHost(authority)
  if (!parsed?.host) throw new TypeError('Invalid URL: the host holds a character that no name has')
  const { host, port } = parsed
  if (port === '0') throw new TypeError('Invalid URL: nobody can be asked on port 0')
  return {
    key: `${protocol}//${authority}`,
    secure,
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    port: port === undefined ? (secure ? 443 : 80) : Number(port),
    authority,
  }
}

/**
 * The origin form of `url` (RFC 9112 section 3.2.1): path and query, be it an empty one, without the fragment. Any
 * target that comes of a URL can be sent as it stands: the URL standard escapes what {@link encodeRequestHead} refuses.
 */
export function targetOf(url: URL): string {
  const { href } = url
  const path = pathIn(href)
  const fragment = href.indexOf('#', path)
  return fragment < 0 ? href.slice(path) : href.slice(path, fragment)
}

/** The absolute form of `url`, which proxies are asked with (RFC 9112 section 3.2.2); without user information. */
export function absoluteTargetOf(url: URL): string {
  return `${url.protocol}//${url.host}${targetOf(url)}`
}

/** `url` as messages may name it: without user information, query and fragment, where secrets are. */
export function nameOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/**
 * The value of Authorization (RFC 7617) that the user information of `url` stands for, or undefined where it has none.
 * Escapes are the octets they say; what is not escaped is UTF-8.
 *
 * @throws TypeError for a colon in the name, behind which a server would begin the password, and for control characters.
 */
export function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const name = octetsOf(username)
  const credentials = `${name}:${octetsOf(password)}`
  if (name.includes(':')) throw new TypeError('Invalid URL: a user name cannot hold a colon')
  if (/[\0-\x1f\x7f]/.test(credentials)) {
    throw new TypeError('Invalid URL: the user information holds a control character')
  }
  return `Basic ${Buffer.from(credentials, 'latin1').toString('base64')}`
}

/** Where the path begins: user information and host have their slashes escaped, and `http://h` is eight long. */
function pathIn(href: string): number {
  return href.indexOf('/', 8)
}

/** One character an octet. Of a URL all else is ASCII already; a `%` that begins no escape stands for itself. */
function octetsOf(part: string): string {
  return part.replace(/%([\dA-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
