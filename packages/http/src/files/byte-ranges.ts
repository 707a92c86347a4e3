import { randomUUID } from 'node:crypto'

import type { ByteRange } from './ranges.ts'

/** What stands around the bytes of several ranges (RFC 9110 section 14.6). */
export interface ByteRangesFraming {
  /** Content-Type of the answer. */
  readonly type: string
  /** What goes before the bytes of each range, in latin1. */
  readonly heads: readonly string[]
  /** What goes behind the bytes of the last one. */
  readonly tail: string
  /** Content-Length of the answer. */
  readonly length: number
}

/** What the ranges are of. */
export interface RangedFile {
  readonly size: number
  /** Its media type, which each part repeats (RFC 9110 section 15.3.7.2). */
  readonly type: string
  /** Occurs nowhere in the file. Default: one of which nobody knows beforehand. */
  readonly boundary?: string
}

/** The framing of `multipart/byteranges`. For two ranges or more: a single one is never sent that way. */
export function frameByteRanges(
  ranges: readonly ByteRange[],
  { size, type, boundary = randomUUID() }: RangedFile,
): ByteRangesFraming {
  const heads = ranges.map((range, index) => {
    const fields = `Content-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`
    return `${index === 0 ? '' : '\r\n'}--${boundary}\r\n${fields}`
  })
  const tail = `\r\n--${boundary}--\r\n`
  let length = tail.length
  for (const head of heads) length += head.length
  for (const { start, end } of ranges) length += end - start + 1
  return { type: `multipart/byteranges; boundary=${boundary}`, heads, tail, length }
}

/** Of a part, and of an answer with one range (RFC 9110 section 14.4). */
export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end}/${size}`
}

/** Of a 416. */
export function unsatisfiedRange(size: number): string {
  return `bytes */${size}`
}
