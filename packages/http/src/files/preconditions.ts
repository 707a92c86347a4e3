import { isSameTag, listsTag } from './entity-tags.ts'
import { parseHttpDate } from './http-date.ts'

/** What a request says, by the names of its fields. */
export interface FieldsOfRequest {
  get(name: string): string | null
}

/** What tells the versions of a file apart; both as they will be sent. */
export interface Validators {
  readonly etag?: string | undefined
  readonly lastModified?: Date | undefined
}

/** Go on as if nothing had been asked, or answer with that status. */
export type Verdict = 'go' | 304 | 412

/**
 * Whether a request about a file that is there is carried out, by its conditions in the order of RFC 9110 section
 * 13.2.2. To be asked when the answer would be a success otherwise (section 13.2.1).
 *
 * What cannot be read never makes something happen or be left out by chance: If-Match then matches nothing, and
 * If-None-Match matches for a method that changes something. Dates that are none are ignored, as sections 13.1.3 and
 * 13.1.4 demand.
 */
export function evaluate(method: string, headers: FieldsOfRequest, validators: Validators): Verdict {
  // Nothing is selected by these, so nothing can be compared (RFC 9110 section 13.2.1).
  if (method === 'CONNECT' || method === 'OPTIONS' || method === 'TRACE') return 'go'
  const reading = method === 'GET' || method === 'HEAD'
  const ifMatch = headers.get('if-match')
  if (ifMatch !== null) {
    if (ifMatch !== '*' && listsTag(ifMatch, validators.etag, 'strong') !== true) return 412
  } else if (isModified(headers.get('if-unmodified-since'), validators) === true) {
    return 412
  }
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== null) {
    const matches = ifNoneMatch === '*' || (listsTag(ifNoneMatch, validators.etag, 'weak') ?? !reading)
    if (!matches) return 'go'
    return reading ? 304 : 412
  }
  return reading && isModified(headers.get('if-modified-since'), validators) === false ? 304 : 'go'
}

/**
 * Whether a Range field is to be looked at: If-Range is not there, or names this very version (RFC 9110 section
 * 13.1.5). Otherwise the whole is sent. A weak entity-tag names no version, and a date only when the second it tells
 * was over when it could be asked about (section 8.8.2.2).
 *
 * @param now in milliseconds since the epoch
 */
export function rangeApplies(
  headers: FieldsOfRequest,
  { etag, lastModified }: Validators,
  now: number = Date.now(),
): boolean {
  const ifRange = headers.get('if-range')
  if (ifRange === null) return true
  if (ifRange.includes('"')) return etag !== undefined && isSameTag(ifRange, etag, 'strong')
  if (lastModified === undefined) return false
  const modified = toSecond(lastModified)
  return modified + 1_000 <= now && parseHttpDate(ifRange, now) === modified
}

/** Undefined where there is no date to compare with another. */
function isModified(since: string | null, { lastModified }: Validators): boolean | undefined {
  if (since === null || lastModified === undefined) return undefined
  const date = parseHttpDate(since)
  return date === undefined ? undefined : toSecond(lastModified) > date
}

/** As Last-Modified tells it, which has no parts of a second. */
function toSecond(date: Date): number {
  return Math.floor(date.getTime() / 1_000) * 1_000
}
