import { checkBoolean, checkOptions, checkPositive, checkSignal } from '@fairlead/core/transport'

import type { Search } from './discovery.ts'
import { checkType } from './service.ts'

/** Where announcements go and come from. */
export interface DiscoveryOptions {
  /** The port of all who are to find each other. Default 17,996. */
  port?: number
  /**
   * Names or addresses of the interfaces to use. Default all there are and will be, loopback included; what comes
   * and goes is noticed within 5 seconds.
   */
  interfaces?: readonly string[]
  /** Only IPv4, or only IPv6; say 4 if the service does not listen on IPv6. Default both, where there is IPv6. */
  family?: 4 | 6
  /** Sends to the broadcast addresses of IPv4, too, for networks that lose multicast. Default false. */
  broadcast?: boolean
  /** Ends the attempt: the call rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
}

/** Options of `announce`. */
export interface AnnounceOptions extends DiscoveryOptions {
  /**
   * Milliseconds for which others believe an announcement, 1,000 to 3,600,000: so long a peer that crashed is
   * still shown. It is renewed three times as often, and at least every 30 s. Default 90,000.
   */
  lifetime?: number
}

/** What to look for. */
export interface DiscoveryQuery {
  /** The type of service. Default all. */
  readonly type?: string
}

/** Options of `discover`. */
export interface DiscoverOptions extends DiscoveryOptions {
  /** The `id` of an announcement to leave out: a peer's own. */
  except?: string
  /**
   * Peers that are kept at a time; more are not found, unless one of these was not heard for 90 s. Default 256.
   */
  maxPeers?: number
  /** Peers at a time from one address. Default 32. */
  maxPeersPerAddress?: number
}

/** `FL`, as in the group's address; below every system's ephemeral ports. Not registered with IANA. */
export const defaultPort = 17_996
const defaultMaxPeers = 256
const defaultMaxPeersPerAddress = 32

/** Refuses by name what is wrong. */
export function checkAnnounceOptions(options: AnnounceOptions): { lifetime: number } {
  checkDiscoveryOptions('announce', options)
  const { lifetime = 90_000 } = options
  if (Number.isInteger(lifetime) && lifetime >= 1_000 && lifetime <= 3_600_000) return { lifetime }
  throw new RangeError(`Invalid option lifetime: ${String(lifetime)} is not 1000 to 3600000 milliseconds`)
}

/** Refuses by name what is wrong. */
export function checkSearch(query: DiscoveryQuery, options: DiscoverOptions): Search {
  checkOptions('discover', query)
  checkDiscoveryOptions('discover', options)
  const { type } = query
  if (type !== undefined) checkType(type)
  const { except, maxPeers = defaultMaxPeers, maxPeersPerAddress = defaultMaxPeersPerAddress } = options
  if (except !== undefined && typeof except !== 'string') {
    throw new TypeError('Invalid option except: must be the id of an announcement')
  }
  checkPositive('maxPeers', maxPeers)
  checkPositive('maxPeersPerAddress', maxPeersPerAddress)
  return { type: type ?? '', except, maxPeers, maxPeersPerAddress }
}

function checkDiscoveryOptions(call: string, options: DiscoveryOptions): void {
  checkOptions(call, options)
  const { port, interfaces, family, broadcast, signal } = options
  if (port !== undefined && (!Number.isInteger(port) || port < 1 || port > 65_535)) {
    throw new RangeError(`Invalid option port: ${String(port)} is not an integer from 1 to 65535`)
  }
  if (interfaces !== undefined && !isNames(interfaces)) {
    throw new TypeError('Invalid option interfaces: must be an array of names or addresses, and not empty')
  }
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new RangeError(`Invalid option family: ${String(family)} is neither 4 nor 6`)
  }
  checkBoolean('broadcast', broadcast)
  checkSignal(signal)
  signal?.throwIfAborted()
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
}
