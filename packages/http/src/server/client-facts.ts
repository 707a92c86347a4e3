import type { Address } from '@fairlead/core'
import { checkOptions } from '@fairlead/core/transport'
import type { AddressList } from '@fairlead/tcp'

import type { Exchange } from './exchange.ts'
import { clientOf } from './forwarded.ts'

/** Who asks, as far as trusted proxies say; without any, what is seen of the connection and the request. */
export interface ClientFacts {
  /** The port is 0 where a proxy does not tell it. Of a client that a proxy does not name, this is the proxy's. */
  readonly address: Address
  readonly protocol: 'http' | 'https'
  /** Host and port that the client asked for; empty where a 1.0 request has none. */
  readonly host: string
}

/** Which proxies stand before the server, and in which fields they tell of the client. */
export interface TrustProxyOptions {
  /** The proxies: addresses, subnets, ranges or a list of the runtime; `'unix'` for Unix sockets and memory. */
  from: AddressList
  /**
   * What they write: `Forwarded` (RFC 7239), or `X-Forwarded-For`, `-Proto` and `-Host`. Only one kind is read,
   * since a proxy that writes the one may pass on the other as the client wrote it.
   */
  fields: 'Forwarded' | 'X-Forwarded'
}

/** Options about proxies; {@link clientsOf} reads them. */
export interface TrustOptions {
  /**
   * Believes these proxies, and nobody else, what they tell of the client: `exchange.client` goes by it, and
   * `exchange.remoteAddress` stays the peer's. Default: nobody is believed.
   *
   * @example
   * ```ts
   * import { formatAddress } from '@fairlead/core'
   *
   * const from = ['10.0.0.0/8', '2001:db8::/32']
   * const server = await listen({ port: 8080, trustProxy: { from, fields: 'X-Forwarded' } }, (exchange) => {
   *   const { address, protocol, host } = exchange.client
   *   return exchange.respond(200, {}, `${formatAddress(address)} asked for ${protocol}://${host}\n`)
   * })
   * ```
   */
  trustProxy?: TrustProxyOptions
}

/** The matcher of addresses, which is tcp's. */
export interface ProxyMatcher {
  /** Whether an address is one of `trustProxy.from`. */
  readonly isProxy?: (address: Address) => boolean
}

/** The way to learn of an exchange who asks. @throws TypeError that names the option. */
export function clientsOf({
  trustProxy,
  isProxy,
}: TrustOptions & ProxyMatcher): (exchange: Exchange) => ClientFacts {
  if (!trustProxy || !isProxy) return (exchange) => clientOf(exchange)
  const { fields } = trustProxy
  if (fields !== 'Forwarded' && fields !== 'X-Forwarded') {
    throw new TypeError(`Invalid option trustProxy.fields: ${String(fields)} is not Forwarded or X-Forwarded`)
  }
  return (exchange) => clientOf(exchange, { fields, isProxy })
}

/** Gives what {@link clientsOf} needs its matcher. @throws TypeError that names the option. */
export function proxyMatcher(
  { trustProxy }: TrustOptions,
  addressMatcher: (option: string, list: AddressList) => (address: Address) => boolean,
): ProxyMatcher {
  if (trustProxy === undefined) return {}
  checkOptions('trustProxy', trustProxy)
  return { isProxy: addressMatcher('trustProxy.from', trustProxy.from) }
}
