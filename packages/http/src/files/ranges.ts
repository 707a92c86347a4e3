import rangeParser from 'range-parser'

import { isBlank, listMembers } from '../codec/tokens.ts'

/** Bytes of a file, from the first to the last, both included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Nothing to pick from, or a 416, or what a 206 brings: one range as it is, several as `multipart/byteranges`. */
export type Ranges = 'whole' | 'unsatisfiable' | readonly ByteRange[]

/** Whoever asks for more wants to keep us busy. */
const most = 100

/** int-range or suffix-range, RFC 9110 section 14.1.1. */
const rangeSpec = /^(?:(\d+)-(\d*)|-(\d+))$/

/**
 * What a Range field picks out of `size` bytes, overlapping and adjacent ones combined, in the order that was asked
 * for. Only GET knows ranges, and what cannot be read is ignored (RFC 9110 section 14.2): other units, broken syntax,
 * a last position before the first, more than 100 ranges, or several that come to the whole.
 *
 * @param value of Range; null where there is none, or where If-Range rules it out
 */
export function rangesOf(method: string, value: string | null, size: number): Ranges {
  if (value === null || method !== 'GET') return 'whole'
  const specs = specsOf(value)
  if (specs === undefined) return 'whole'
  // The last bytes of nothing are nothing, which can be asked for (section 14.1.2), but Content-Range cannot tell it.
  if (size === 0) return specs.some((spec) => /^-\d*[1-9]/.test(spec)) ? 'whole' : 'unsatisfiable'
  const known = specs.map((spec) => within(spec, size))
  const ranges = rangeParser(size, `bytes=${known.join()}`, { combine: true })
  if (ranges === -1) return 'unsatisfiable'
  if (ranges === -2 || (specs.length > 1 && lengthOf(ranges) === size)) return 'whole'
  return ranges.map(({ start, end }) => ({ start, end }))
}

/** What is asked for, one by one; undefined where it is not understood, or too much. */
function specsOf(value: string): readonly string[] | undefined {
  // Units are told apart without letter case (section 14.1), and a list does not begin with white space.
  if (!/^bytes=/i.test(value) || isBlank(value.charCodeAt(6))) return undefined
  const specs = listMembers(value.slice(6)).filter((spec) => spec !== '')
  return specs.length > 0 && specs.length <= most && specs.every(isRangeSpec) ? specs : undefined
}

function isRangeSpec(spec: string): boolean {
  const match = rangeSpec.exec(spec)
  if (match === null) return false
  const [, first, last] = match
  return first === undefined || last === undefined || last === '' || !isLess(last, first)
}

/** Of two rows of digits; exact, however long they are. */
function isLess(one: string, other: string): boolean {
  const [a, b] = [one.replace(/^0+/, ''), other.replace(/^0+/, '')]
  return a.length === b.length ? a < b : a.length < b.length
}

/** More than there is, counted from the end, is the whole (section 14.1.2), which the library does not know. */
function within(spec: string, size: number): string {
  return spec.startsWith('-') ? `-${Math.min(Number(spec.slice(1)), size)}` : spec
}

function lengthOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0)
}
