import { listMembers } from '../codec/tokens.ts'
import type { SentCoding } from '../coding/negotiation.ts'
import { withVary } from '../coding/vary.ts'
import { adoptList, type Headers } from '../web/headers.ts'
import { without } from '../web/message-fields.ts'

/** What a field list is asked for its values. */
export interface Values {
  get(name: string): string | null
}

/**
 * What tells of the bytes as they were: their number, ranges and digests, both of the content and of the representation,
 * which is what it is by its codings (RFC 9110 section 8.1, RFC 9530 sections 2 and 3; RFC 3230 and RFC 1864 before it).
 */
const ofBytes = new Set([
  'accept-ranges',
  'content-digest',
  'content-length',
  'content-md5',
  'digest',
  'repr-digest',
])

/** Whether neither this list nor the status says that the body has to stay as it is. */
export function mayEncode(status: number, headers: Values): boolean {
  // Of a part, whoever puts it together with others would have to decode the middle of something.
  if (status < 200 || status === 204 || status === 205 || status === 206) return false
  if (headers.get('content-range') !== null) return false
  // `identity`, too, is somebody's decision.
  if (headers.get('content-encoding') !== null) return false
  return !forbidsTransforming(headers)
}

/** Cache-Control with `no-transform`, of a request or an answer (RFC 9111 sections 5.2.1.6 and 5.2.2.6). */
export function forbidsTransforming(headers: Values): boolean {
  const value = headers.get('cache-control')
  return value !== null && listMembers(value).includes('no-transform')
}

/** The fields of an answer whose body is encoded. */
export function encodedFields(list: readonly string[], coding: SentCoding): Headers {
  const headers = variedFields(without(list, (name) => ofBytes.has(name)))
  headers.set('Content-Encoding', coding)
  const etag = headers.get('etag')
  if (etag !== null) headers.set('ETag', weak(etag))
  return headers
}

/** The fields of an answer that could have been encoded for somebody else. The list is left as it is. */
export function variedFields(list: readonly string[]): Headers {
  const headers = adoptList(list.slice())
  withVary(headers)
  return headers
}

/**
 * The fields of a 304 in the place of such an answer (RFC 9110 section 15.4.5). A cache finds what it has to freshen by
 * a strong tag (RFC 9111 section 4.3.4), and what was encoded is there under the weak one: so it gets the one it named.
 */
export function revalidatedFields(list: readonly string[], ifNoneMatch: string | null): Headers {
  const headers = variedFields(list)
  const etag = headers.get('etag')
  if (etag === null || ifNoneMatch === null || !etag.startsWith('"')) return headers
  const named = tags(ifNoneMatch)
  if (!named.includes(etag) && named.includes(weak(etag))) headers.set('ETag', weak(etag))
  return headers
}

/** The same content in other bytes is weakly the same (RFC 9110 section 8.8.1). What is no strong tag stays as it is. */
function weak(etag: string): string {
  return etag.startsWith('"') ? `W/${etag}` : etag
}

/** The entity-tags of an If-None-Match; a tag may hold a comma (RFC 9110 section 8.8.3). */
function tags(ifNoneMatch: string): readonly string[] {
  return ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []
}
