import { type Address, ipAddress } from '@fairlead/core'

import type { Sender } from '../carrier.ts'

/** An IP address and port, as data. */
export type IpAddress = Address & { kind: 'ip' }

/** IPv4 as a dual-stack socket names it (RFC 4291 section 2.5.5.2). */
export const mappedPrefix = '::ffff:'

/** Whom to send to. `host` is a literal address; what comes in as `from` can be given back as it is. */
export interface Destination {
  readonly host: string
  readonly port: number
  /** The interface of a link-local IPv6 address (RFC 4007); may also stand in `host` behind a `%`. */
  readonly zone?: string
}

/**
 * The sender as the system names it: canonical already, but for zones and folded IPv4. A zone is taken as it is: an
 * interface may be called what no address as text could have, and its peers must not make anything throw.
 */
export function addressFrom({ address, family, port }: Sender): IpAddress {
  if (family === 'IPv4') return { kind: 'ip', family: 4, host: address, port }
  if (address.startsWith(mappedPrefix)) return ipAddress(address, port)
  const at = address.indexOf('%')
  if (at < 0) return { kind: 'ip', family: 6, host: address, port }
  return { kind: 'ip', family: 6, host: address.slice(0, at), port, zone: address.slice(at + 1) }
}

/** A datagram as it may wait: Deno's are views of 64 KiB each, which a small one would keep. */
export function compact(data: Uint8Array): Uint8Array {
  return data.buffer.byteLength > 2 * data.length ? new Uint8Array(data) : data
}
