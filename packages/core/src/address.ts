import { type Endpoint, parseEndpoint } from './endpoint.ts'
import { type IpAddress, ipAddress, isIpv4 } from './ip.ts'
import { quote } from './quote.ts'

export { ipAddress } from './ip.ts'

/** Where an endpoint is, as data: never a name that is still to be resolved. */
export type Address =
  | IpAddress
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'memory'; readonly name: string }

/**
 * Reads what {@link formatAddress} writes: `127.0.0.1:80`, `[::1]:80`, `[fe80::1%eth0]:80`, `unix:/path`,
 * `memory:name`; and endpoints of any scheme ({@link parseEndpoint}) with a literal host, such as
 * `tcp://127.0.0.1:80` or `wss://[::1]`. An address has no path: one beyond `/` is refused. Names are not
 * resolved here.
 *
 * @throws TypeError or RangeError that says what is wrong.
 * @example
 * ```ts
 * parseAddress('[0:0:0:0:0:0:0:1]:8080') // { kind: 'ip', family: 6, host: '::1', port: 8080 }
 * ```
 */
export function parseAddress(text: string): Address {
  if (/^(?:unix:|memory:|[a-z]+:\/\/)/i.test(text)) return addressOf(parseEndpoint(text), text)
  const [, bracketed, plain, port] = /^(?:\[([^\]]*:[^\]]*)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined) throw new TypeError(`Invalid address: ${quote(text)} is not host:port`)
  return ipAddress(bracketed ?? plain ?? '', Number(port))
}

/** The address that an endpoint names without help. */
function addressOf(endpoint: Endpoint, text: string): Address {
  if (endpoint.scheme === 'unix') return { kind: 'unix', path: endpoint.path }
  if (endpoint.scheme === 'memory') return { kind: 'memory', name: endpoint.name }
  const { host, port } = endpoint
  if ('path' in endpoint && endpoint.path !== '/') {
    throw new TypeError(`Invalid address: ${quote(text)} has a path`)
  }
  if (!host.includes(':') && !isIpv4(host)) {
    throw new TypeError(`Invalid address: ${quote(text)} names a host that is still to be resolved`)
  }
  return ipAddress(host, port)
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
