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

/** What is larger than `max` meets this before the system sees it. */
export function oversized(bytes: number, max: number, limit: string): LimitError {
  const message = `Cannot send: ${bytes} bytes are more than ${limit} ${max}`
  return new LimitError(message, { phase: 'write', limit, value: bytes })
}
