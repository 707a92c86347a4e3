import { absoluteTargetOf, originOf } from './origin.ts'
import { redirectError } from './redirect-error.ts'

/** Longest scheme that a message repeats, its colon included. */
const SHOWN = 20

/** A redirect status of the Fetch standard. 300 leaves the choice to a person; 304, 305 and 306 are no redirects. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/**
 * Where the Location fields of an answer from `from` point to; undefined without any. An empty one is a relative
 * reference like others: to the same URL. Of several, all have to say the same.
 *
 * @throws HttpProtocolError for several, for what is no URL, and for one that is not to be followed.
 */
export function locationOf(from: URL, fields: readonly string[]): URL | undefined {
  const [location] = fields
  if (location === undefined) return undefined
  if (fields.some((other) => other !== location)) throw redirectError('there is more than one Location')
  const url = resolve(location, from)
  if (url.username !== '' || url.password !== '') throw redirectError('the Location has user information')
  try {
    if (originOf(url).key === originOf(from).key) {
      url.username = from.username
      url.password = from.password
    }
  } catch (error) {
    throw redirectError(`the Location is an ${(error as Error).message.replace('I', 'i')}`)
  }
  // RFC 9110 section 10.2.2; an empty fragment is one, too.
  if (!url.href.includes('#')) url.hash = from.hash
  return url
}

/** Resolved against the URL without its user information, which it would inherit, and nobody could tell. */
function resolve(location: string, from: URL): URL {
  let url
  try {
    url = new URL(octets(location), absoluteTargetOf(from))
  } catch {
    throw redirectError('the Location is not a URL')
  }
  const { protocol } = url
  if (protocol === 'http:' || protocol === 'https:') return url
  const shown = protocol.length > SHOWN ? `${protocol.slice(0, SHOWN)}...` : protocol
  throw redirectError(`the Location is ${shown}, which is neither http: nor https:`)
}

/** Octets that are not ASCII, escaped as they came: whatever their encoding, the next server gets the same. */
function octets(location: string): string {
  return location.replace(/[\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`)
}
