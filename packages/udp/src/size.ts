import { LimitError } from '@fairlead/core'

import { mappedPrefix } from './datagram.ts'

/**
 * Bytes that fit into one datagram: 65,535 less UDP's header, and for IPv4 less IP's, which that length
 * counts, too (RFC 768; RFC 791 section 3.1; RFC 8200 section 3).
 */
export const largestDatagram = { 4: 65_507, 6: 65_527 } as const

/** What fits into one datagram to `host`, as the system names it. */
export function largestTo(host: string): number {
  return host.includes(':') && !host.startsWith(mappedPrefix) ? largestDatagram[6] : largestDatagram[4]
}

/** Refuses what is larger than `limit` before the system sees it. */
export function checkSize(bytes: number, limit: number, option: string): void {
  if (bytes <= limit) return
  throw new LimitError(`Cannot send: ${bytes} bytes are more than ${option} ${limit}`, {
    phase: 'write',
    limit: option,
    value: bytes,
  })
}
