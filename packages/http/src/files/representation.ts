import type { BigIntStats } from 'node:fs'

import type { Precompressed } from './options.ts'

/** What an answer tells of a file (RFC 9110 section 3.2). */
export interface Representation {
  /** In bytes. */
  readonly size: number
  readonly etag: string | undefined
  readonly modified: Date
  readonly type: string
  /** Name and value in turn; of Content-Length, Content-Range and Accept-Ranges the answer decides. */
  readonly fields: readonly string[]
  /** With those, of all of it. */
  readonly whole: readonly string[]
  /** The same of an answer that says that nothing has changed (RFC 9110 section 15.4.5). */
  readonly unchanged: readonly string[]
}

/** What is said of a file beside what it is. */
export interface Telling {
  readonly type: string
  readonly etag: string | undefined
  readonly cacheControl: string | undefined
  readonly coding: Precompressed | undefined
  /** Fields of a request that could get another one. */
  readonly vary: string | undefined
  /** Content-Disposition. */
  readonly disposition: string | undefined
  /** Name and value in turn. */
  readonly more: readonly string[]
}

export function representationOf(stats: BigIntStats, telling: Telling): Representation {
  const { type, etag, cacheControl, coding, vary, disposition, more } = telling
  // No file was changed in the future (RFC 9110 section 8.8.2.1).
  const modified = new Date(Math.min(Number(stats.mtimeMs), Date.now()))
  const unchanged: string[] = []
  if (etag !== undefined) unchanged.push('ETag', etag)
  unchanged.push('Last-Modified', modified.toUTCString())
  if (cacheControl !== undefined) unchanged.push('Cache-Control', cacheControl)
  if (vary !== undefined) unchanged.push('Vary', vary)
  const fields = ['Content-Type', type, ...unchanged]
  if (coding !== undefined) fields.push('Content-Encoding', coding)
  if (disposition !== undefined) fields.push('Content-Disposition', disposition)
  fields.push(...more)
  const size = Number(stats.size)
  return {
    size,
    etag,
    modified,
    type,
    fields,
    whole: [...fields, 'Accept-Ranges', 'bytes', 'Content-Length', String(size)],
    unchanged: [...unchanged, ...more],
  }
}
