import { SocketError } from '@fairlead/core'

import type { Fields } from '../../codec/index.ts'
import { RequestError } from '../errors.ts'
import type { IncomingResponse } from '../response.ts'

/** What a body is said to be long, where its length is its framing (RFC 9112 section 6.3). */
export function lengthOf(fields: Fields): number | undefined {
  const length = fields.get('content-length')
  if (length === undefined || fields.has('transfer-encoding') || !/^\d{1,15}$/.test(length)) return undefined
  return Number(length)
}

/** Whether what came is the file itself, and not an encoding of it. */
export function isIdentity(fields: Fields): boolean {
  const coding = fields.get('content-encoding')
  return coding === undefined || /^(?:identity)?$/i.test(coding)
}

/** Without user information, query and fragment, where secrets are. */
export function displayOf(url: string): string {
  return url.replace(/[?#].*$/s, '')
}

/** An answer that no file can be made of. `code` is what a program may switch on. */
export function refused(
  response: IncomingResponse,
  why: string,
  { code = 'ERR_FAIRLEAD_HTTP_DOWNLOAD', phase = 'headers', retryable = false } = {},
): RequestError {
  const { reused, attempts, bytesWritten, remoteAddress: peer } = response
  const url = displayOf(response.url)
  return new RequestError(new SocketError(why, { code }), {
    method: 'GET',
    url,
    phase,
    peer,
    reused,
    attempts,
    bytesWritten,
    retryable,
  })
}

/** What a server that comes back may answer otherwise (RFC 9110 section 15.5.9 and 15.6, RFC 6585 section 4). */
const passing: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/** An answer of another status than that of a file. */
export function refusedStatus(response: IncomingResponse): RequestError {
  const { status } = response
  const code = 'ERR_FAIRLEAD_HTTP_STATUS'
  return refused(response, `it was answered with ${status}`, { code, retryable: passing.has(status) })
}
