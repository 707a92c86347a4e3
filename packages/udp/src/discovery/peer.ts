import type { IpAddress } from '../address/datagram.ts'
import type { ServiceData } from './service.ts'

/**
 * Somebody who announces a service. All of it is what was claimed on the network: nothing is proven but that a
 * datagram came. A snapshot: a later announcement makes another one.
 */
export interface Peer {
  /** Random for each announcement: 32 hexadecimal digits. Who comes back is somebody else. */
  readonly id: string
  readonly type: string
  /** For people to read. Not unique, and free of control characters. */
  readonly name: string
  /**
   * Where the service is reached: where the announcement came from, with the port announced. Of several, the
   * first heard on loopback, else over IPv4, else over IPv6.
   */
  readonly address: IpAddress
  /** All addresses that it was heard at, `address` first; at most 8. */
  readonly addresses: readonly IpAddress[]
  /** Without a prototype; each value is plain text. */
  readonly data: ServiceData
  /** When it is lost unless it is heard again: milliseconds, on the clock of `performance.now()`. */
  readonly expires: number
}

/**
 * What became known of a peer: it was `found`, its service or `address` `changed`, or it was `lost`: said
 * goodbye, or was not heard for its lifetime (which is noticed within a second).
 */
export interface DiscoveryEvent {
  readonly kind: 'found' | 'changed' | 'lost'
  /** As it is now; of one that was lost, as it was last. */
  readonly peer: Peer
}
