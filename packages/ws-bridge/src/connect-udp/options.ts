import type { Address } from '@fairlead/core'
import { checkFunction, checkOptions, checkPositive, checkTime } from '@fairlead/core/transport'
import type { Exchange, Fields } from '@fairlead/http'
import { interfaces, type Lookup } from '@fairlead/udp'

import { type AllowedTargets, targetPolicy } from '../guard/targets.ts'
import type { Refusal } from '../handshake.ts'
import { defaultPath, TargetTemplate } from './template.ts'

/** What is known of whoever asks for a tunnel. */
export interface TunnelRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly target: string
  readonly headers: Fields
  /** Whether it comes over TLS, as far as trusted proxies say. */
  readonly secure: boolean
  /** Whom the tunnel is to lead to: a literal address, or a name that was not resolved yet. */
  readonly targetHost: string
  readonly targetPort: number
}

/** Whom a UDP proxy serves, whom it sends to, and within which limits. All times are milliseconds. */
export interface UdpProxyOptions {
  /**
   * Path and query of the URI template that clients are configured with, with the variables `target_host` and
   * `target_port`; other requests stay with the HTTP server. Default
   * `/.well-known/masque/udp/{target_host}/{target_port}/`, where clients that know no more than a proxy's host look
   * (RFC 9298 section 2).
   */
  path?: string
  /**
   * Whom datagrams may go to, asked about the address that was resolved and is sent to; 403 for others. Default: public
   * addresses but for this machine's own. A list or a function decides alone: its own addresses, too.
   */
  allow?: AllowedTargets
  /**
   * Called before a name is resolved: what it returns is the answer instead of a tunnel. What it throws is a 500. Without
   * it everybody who reaches the server can send to the whole Internet in its name (RFC 9298 section 7).
   */
  authorize?(request: TunnelRequest, exchange: Exchange): Refusal | undefined | Promise<Refusal | undefined>
  /** For `authorize`; 503 beyond. Default 10,000. */
  authorizeTimeout?: number
  /** Resolves names instead of the system. */
  lookup?: Lookup
  /** To resolve a name; 504 beyond. Default 5,000. */
  connectTimeout?: number
  /**
   * How long no datagram may pass, either way. Default 300,000; the least that RFC 9298 section 3.1 suggests is 120,000
   * (RFC 4787 section 4.3).
   */
  idleTimeout?: number
  /** How long a tunnel may last. Default: for ever. */
  totalTimeout?: number
  /** Tunnels at a time, those included that are being made; 503 beyond. Default 1,000. */
  maxTunnels?: number
  /**
   * Of these, of one client's address, or IPv6 network of 64 bits; 429 beyond. Default: as many; behind a proxy or a NAT
   * one address is many clients.
   */
  maxTunnelsPerAddress?: number
  /** Bytes that may wait for a client that does not read; datagrams beyond are dropped. Default 256 KiB. */
  maxBuffered?: number
  /**
   * Bytes of the largest datagram that is sent to a target; larger ones are dropped, since a proxy must not have them
   * fragmented (RFC 9298 section 3.1). Default 1,472 over IPv4 and 1,452 over IPv6, which fill an Ethernet frame.
   */
  maxDatagramSize?: number
  /** What the proxy calls itself in Proxy-Status, a token (RFC 9209 section 2). Default `fairlead`. */
  name?: string
}

/** The options as the proxy works with them. */
export interface UdpProxySettings {
  readonly template: TargetTemplate
  readonly allow: (address: Address) => boolean
  readonly authorize: UdpProxyOptions['authorize']
  readonly authorizeTimeout: number
  readonly lookup: Lookup | undefined
  readonly connectTimeout: number
  readonly idleTimeout: number
  readonly totalTimeout: number
  readonly maxTunnels: number
  readonly maxTunnelsPerAddress: number
  readonly maxBuffered: number
  readonly maxDatagramSize: number | undefined
  readonly name: string
}

const known: Record<keyof UdpProxyOptions, true> = {
  path: true,
  allow: true,
  authorize: true,
  authorizeTimeout: true,
  lookup: true,
  connectTimeout: true,
  idleTimeout: true,
  totalTimeout: true,
  maxTunnels: true,
  maxTunnelsPerAddress: true,
  maxBuffered: true,
  maxDatagramSize: true,
  name: true,
}

/** The options with their defaults. @throws TypeError or RangeError that names the option. */
export function proxySettings(options: UdpProxyOptions): UdpProxySettings {
  checkOptions('proxyUdp', options)
  checkNames(options, known)
  const { path = defaultPath, allow, authorize, lookup, name = 'fairlead' } = options
  checkFunction('authorize', authorize)
  checkFunction('lookup', lookup)
  for (const count of [
    'authorizeTimeout',
    'connectTimeout',
    'maxTunnels',
    'maxTunnelsPerAddress',
    'maxBuffered',
    'maxDatagramSize',
  ] as const) {
    checkPositive(count, options[count])
  }
  for (const time of ['idleTimeout', 'totalTimeout'] as const) checkTime(time, options[time])
  if (typeof name !== 'string' || !/^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(name)) {
    throw new TypeError(`Invalid option name: ${JSON.stringify(name)} is not a token`)
  }
  const template = new TargetTemplate(path, 'path')
  if (!template.plain)
    throw new TypeError('Invalid option path: it has other variables than target_host and target_port')
  const { maxTunnels = 1_000 } = options
  return {
    template,
    allow: allow === undefined ? (address) => isForeign(address) : targetPolicy(allow),
    // A method may need its object.
    authorize: authorize && ((request, exchange) => options.authorize?.(request, exchange)),
    lookup,
    authorizeTimeout: options.authorizeTimeout ?? 10_000,
    connectTimeout: options.connectTimeout ?? 5_000,
    idleTimeout: options.idleTimeout ?? 300_000,
    totalTimeout: options.totalTimeout ?? Infinity,
    maxTunnels,
    maxTunnelsPerAddress: options.maxTunnelsPerAddress ?? maxTunnels,
    maxBuffered: options.maxBuffered ?? 256 * 1024,
    maxDatagramSize: options.maxDatagramSize,
    name,
  }
}

/** @throws TypeError that names an option which there is not: one that is misspelt would do nothing. */
export function checkNames(options: object, names: object): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(names, name)) throw new TypeError(`Invalid option ${name}: there is no such option`)
  }
}

const isPublic = targetPolicy('public')

/** One of this machine's addresses, and the one by which it is reached with its neighbours. */
interface OwnAddress {
  readonly host: string
  readonly broadcast?: string
}

/** Public, and not this machine, which may trust what comes from itself (RFC 9298 section 7). */
export function isForeign(address: Address, own: () => readonly OwnAddress[] = interfaces): boolean {
  if (address.kind !== 'ip' || !isPublic(address)) return false
  return !own().some(({ host, broadcast }) => host === address.host || broadcast === address.host)
}
