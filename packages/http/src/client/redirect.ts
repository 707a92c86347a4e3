import type { Fields } from '../codec/index.ts'
import { originOf } from './origin.ts'
import { redirectError } from './redirect-error.ts'
import { isRedirect, locationOf } from './redirect-location.ts'

/** What a redirect needs to know of the request that was answered with it. */
export interface RedirectedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Fields
  readonly hasBody: boolean
  /** Whether the body can be sent again. */
  readonly replayable: boolean
}

/** The request that follows a redirect. */
export interface Redirect {
  readonly method: string
  readonly url: URL
  readonly headers: Fields
  /** Whether the body goes along. */
  readonly keepBody: boolean
}

/** What tells of a body, and means nothing without it (RFC 9110 section 15.4). */
const OF_THE_BODY = [
  'Content-Length',
  'Content-Type',
  'Content-Encoding',
  'Content-Language',
  'Content-Location',
  'Content-Range',
  'Content-Disposition',
  'Content-MD5',
  'Content-Digest',
  'Repr-Digest',
  'Digest',
  'Last-Modified',
  'Transfer-Encoding',
  'Trailer',
  'Expect',
]

/**
 * What is meant for one origin, and no other: the name it was asked by, credentials, and who is said to ask, which is
 * no longer the whole truth where another server has chosen the target (RFC 6454 section 7.2).
 */
const OF_THE_ORIGIN = ['Host', 'Authorization', 'Proxy-Authorization', 'Cookie', 'Cookie2', 'Origin']

/**
 * The request to make next, after an answer with this status and these fields; undefined where the answer is not a
 * redirect but 300, 304 or the like, or says nowhere to go. Section 4.4 of the Fetch standard and RFC 9110 section
 * 15.4, and where they differ:
 *
 * - 303 never takes a body along. 301 and 302 do with any method but POST, 307 and 308 always.
 * - User information in a Location is an error (RFC 9110 section 4.2.4): it would make the server that redirects the
 *   one that chooses the credentials. That of the request goes along within the origin, and nowhere else.
 * - Credentials are for scheme, host and port: `http` to `https` is another origin, a subdomain, too. Which fields of
 *   the caller's own are secret, such as an API key, cannot be known here: they are kept.
 * - Referer is never added, and not taken from https to http (RFC 9110 section 10.1.3).
 *
 * @throws HttpProtocolError ERR_FAIRLEAD_HTTP_REDIRECT for a Location that cannot be followed, and for a body that
 * would have to go along, and cannot be sent again.
 */
export function redirectOf(
  request: RedirectedRequest,
  status: number,
  answered: Fields,
): Redirect | undefined {
  if (!isRedirect(status)) return undefined
  const url = locationOf(request.url, answered.all('Location'))
  if (url === undefined) return undefined
  const rewritten = becomesGet(request.method, status)
  const keepBody = request.hasBody && !rewritten && status !== 303
  if (keepBody && !request.replayable) {
    throw redirectError(`${status} wants the body again, which was a stream and cannot be sent twice`, {
      side: 'local',
    })
  }
  return {
    method: rewritten ? 'GET' : request.method,
    url,
    // A POST without a body may have said so by a Content-Length of 0, which is wrong with GET.
    headers: headersFor(request, url, rewritten || keepBody !== request.hasBody),
    keepBody,
  }
}

/** Methods are told apart by letter case (RFC 9110 section 9.1). */
function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD'
  return (status === 301 || status === 302) && method === 'POST'
}

function headersFor({ url: from, headers }: RedirectedRequest, to: URL, bodiless: boolean): Fields {
  let kept = headers
  if (bodiless) kept = kept.without(...OF_THE_BODY)
  if (originOf(from).key !== originOf(to).key) kept = kept.without(...OF_THE_ORIGIN)
  if (from.protocol === 'https:' && to.protocol === 'http:') kept = kept.without('Referer')
  return kept
}
