import type { Fields } from '../../codec/index.ts'

/** What tells one version of a file from another, byte for byte. */
export interface Validator {
  readonly etag?: string
  readonly lastModified?: string
}

/** Milliseconds between a change and an answer, behind which another change has another date. */
const certain = 1_000

/**
 * The strong validator of an answer; undefined where it has none. A weak entity-tag is none, and rules the date out: a
 * client that has an entity-tag must not ask by the date (RFC 9110 section 13.1.5). A date is strong only when the
 * answer came a second later, or more (section 8.8.2.2).
 */
export function validatorOf(fields: Fields): Validator | undefined {
  const etag = fields.get('etag')
  if (etag !== undefined) return isStrongTag(etag) ? { etag } : undefined
  const lastModified = fields.get('last-modified')
  const date = fields.get('date')
  if (lastModified === undefined || date === undefined) return undefined
  // Anything that is not a date makes this NaN, which is not large enough.
  return Date.parse(date) - Date.parse(lastModified) >= certain ? { lastModified } : undefined
}

/** RFC 9110 section 8.8.3, without `W/`. */
export function isStrongTag(etag: string): boolean {
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag)
}

/** Whether `fields` are of the version that `validator` is of (RFC 9110 section 8.8.3.2, the strong comparison). */
export function isSame(validator: Validator, fields: Fields): boolean {
  if (validator.etag !== undefined) return fields.get('etag') === validator.etag
  return validator.lastModified !== undefined && fields.get('last-modified') === validator.lastModified
}

/** Which bytes of a file a 206 brings, or how long the file of a 416 is (RFC 9110 section 14.4). */
export interface ContentRange {
  readonly first: number
  /** The byte behind the last. */
  readonly end: number
  /** Of the whole file; undefined where the server does not say. */
  readonly complete: number | undefined
}

/** Undefined for what is no range of bytes, or none that can be. */
export function contentRangeOf(fields: Fields): ContentRange | undefined {
  const [, first, last, complete] =
    /^bytes +(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(fields.get('content-range') ?? '') ?? []
  if (first === undefined) return undefined
  const range = {
    first: Number(first),
    end: Number(last) + 1,
    complete: complete === '*' ? undefined : Number(complete),
  }
  return range.end > range.first && range.end <= (range.complete ?? Infinity) ? range : undefined
}

/** How long the file is that no such range is of; undefined where the server does not say. */
export function unsatisfiedOf(fields: Fields): number | undefined {
  const [, complete] = /^bytes +\*\/(\d{1,15})$/i.exec(fields.get('content-range') ?? '') ?? []
  return complete === undefined ? undefined : Number(complete)
}
