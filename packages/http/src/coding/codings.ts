import type { Fields } from '../codec/index.ts'
import { listMembers } from '../codec/tokens.ts'
import { type Coding, hasZstd } from './engines.ts'

/** What a request may say in Accept-Encoding. Asked of the versions, since asking zlib would load it. */
export const acceptedCodings: string =
  process.versions['zstd'] === undefined ? 'gzip, deflate, br' : 'gzip, deflate, br, zstd'

/**
 * The codings of a message by its Content-Encoding, in the order in which they were applied (RFC 9110 section 8.4).
 * Undefined when there is nothing to decode: no coding, `identity` only, or one that is not known here, of which the
 * bytes are for the application to make sense of, as in browsers.
 */
export function codingsOf(fields: Fields): readonly Coding[] | undefined {
  const value = fields.get('content-encoding')
  if (value === undefined) return undefined
  const codings: Coding[] = []
  for (const member of listMembers(value)) {
    // Empty members of a list count for nothing (RFC 9110 section 5.6.1.2).
    if (member === '' || member === 'identity') continue
    const coding = codingOf(member)
    if (coding === undefined) return undefined
    codings.push(coding)
  }
  return codings.length === 0 ? undefined : codings
}

/** The coding of that name, in lower case, if it is decoded here. */
function codingOf(name: string): Coding | undefined {
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      // The same, by RFC 9110 section 8.4.1.3.
      return 'gzip'
    case 'deflate':
    case 'br':
      return name
    case 'zstd':
      return hasZstd() ? name : undefined
    default:
      return undefined
  }
}

/** @throws TypeError when there is no such coding. */
export function codingNamed(name: string): Coding {
  const coding = codingOf(name)
  if (coding === undefined) throw new TypeError(`Cannot decode body: no content coding ${name}`)
  return coding
}
