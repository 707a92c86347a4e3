import { parse } from 'content-disposition'

import { refused } from './refused.ts'

/** What stands between the parts, as RFC 2046 section 5.1.1 has it, and what clients put there beside. */
const boundaries = /^[\x20-\x7e]{0,69}[\x21-\x7e]$/

/** @throws HttpProtocolError for what is no form, or one whose parts nobody can tell from each other. */
export function boundaryOf(headers: Headers): string {
  // Content-Type has the grammar of Content-Disposition (RFC 9110 section 8.3.1, RFC 6266 section 4.1).
  const { type, parameters } = parse(headers.get('content-type') ?? '')
  if (type !== 'multipart/form-data') throw refused('it is no multipart/form-data', 415)
  const { boundary } = parameters
  if (boundary === undefined || !boundaries.test(boundary)) throw refused('its boundary is none')
  return boundary
}
