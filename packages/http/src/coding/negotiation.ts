import Negotiator from 'negotiator'

import { listMembers } from '../codec/tokens.ts'

/** Content codings of what is sent. */
export type SentCoding = 'br' | 'zstd' | 'gzip'

/** Types do not tell of it. */
interface Preferring {
  encodings(available: readonly string[], options: { preferred: readonly string[] }): readonly string[]
}

/** Characters of an Accept-Encoding. Those of browsers have 30; one that is longer says nothing. */
const longest = 1_024

/** A coding, `identity` or `*`, with its weight (RFC 9110 sections 12.4.2 and 12.5.3). */
const weighted = /^[\w!#$%&'*+.^`|~-]+(?:[\t ]*;[\t ]*q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/

interface Answered {
  readonly field: string | null
  readonly available: readonly SentCoding[]
  readonly codings: readonly SentCoding[]
}

/** A client asks many times, and most ask for the same. */
let last: Answered = { field: null, available: [], codings: [] }

/**
 * Of the codings that could be sent, those that a client likes as much as none, or more; the best first. Whoever says
 * nothing gets none.
 *
 * @param available the best first, for clients without a preference; the same list each time, which is not changed
 */
export function codingsFor<C extends SentCoding>(
  acceptEncoding: string | null,
  available: readonly C[],
): readonly C[] {
  if (acceptEncoding !== last.field || available !== last.available) {
    const accepted = acceptedBy(acceptEncoding, [...available, 'identity'])
    const end = accepted.indexOf('identity')
    const codings = (end < 0 ? accepted : accepted.slice(0, end)) as readonly C[]
    last = { field: acceptEncoding, available, codings }
  }
  return last.codings as readonly C[]
}

/** The coding to send; undefined for none. */
export function codingFor<C extends SentCoding>(
  acceptEncoding: string | null,
  available: readonly C[],
): C | undefined {
  return codingsFor(acceptEncoding, available)[0]
}

function acceptedBy(acceptEncoding: string | null, available: readonly string[]): readonly string[] {
  if (acceptEncoding === null || acceptEncoding.length > longest) return ['identity']
  // A member with a weight that is none says nothing. The library would take it for all or nothing.
  const members = listMembers(acceptEncoding).filter((member) => weighted.test(member))
  const negotiator: Preferring = new Negotiator({ headers: { 'accept-encoding': members.join() } })
  return negotiator.encodings(available, { preferred: available })
}
