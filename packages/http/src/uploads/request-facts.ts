import { refused } from './refused.ts'

/**
 * Refuses a body that is not the file itself: one part of it, which is not to be taken for the whole (RFC 9110 section
 * 14.5), or an encoding of it.
 *
 * @returns bytes that it is said to be long, where its length is its framing (RFC 9112 section 6.3).
 * @throws HttpProtocolError
 */
export function lengthOfWhole(headers: Headers): number | undefined {
  if (headers.has('content-range')) throw refused('it is only a range of something, as Content-Range says')
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  if (coding !== '' && coding !== 'identity') {
    throw refused('it is encoded, and nobody decodes it here', 415)
  }
  const length = headers.get('content-length')
  if (length === null || headers.has('transfer-encoding') || !/^\d{1,15}$/.test(length)) return undefined
  return Number(length)
}
