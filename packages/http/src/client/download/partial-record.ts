import { createHash } from 'node:crypto'

import type { IncomingResponse } from '../response.ts'
import { displayOf } from './answer.ts'
import { isSame, isStrongTag, type Validator } from './validator.ts'

/** Of the format: another one is not understood, and what it is of is begun anew. */
const version = 1

/** What is known of a file that is not whole: what stands beside it, in `PATH.part.json`. */
export interface PartialRecord extends Validator {
  /** What was asked for, for people: without user information, query and fragment, where secrets are. */
  readonly url: string
  /** The SHA-256 of the whole URL, by which it is known again. */
  readonly key: string
  /** Who answered, behind redirects. An entity-tag says nothing about those of others. */
  readonly from: string
  /** Of the whole file, where it is known. */
  readonly length?: number
  /** Bytes that are in the file for certain. */
  readonly size: number
}

/** Which file an answer is of. */
export function originOf({ url, redirects }: IncomingResponse): Pick<PartialRecord, 'url' | 'key' | 'from'> {
  const asked = redirects[0] ?? url
  const key = createHash('sha256').update(asked).digest('hex')
  return { url: displayOf(asked), key, from: displayOf(url) }
}

/** Whether an answer is of the same version of the same file. */
export function isOf(record: PartialRecord, response: IncomingResponse): boolean {
  const { key, from } = originOf(response)
  return key === record.key && from === record.from && isSame(record, response.headers)
}

/** Whether the rest can be asked for. */
export function isResumable({ etag, lastModified }: PartialRecord): boolean {
  return etag !== undefined || lastModified !== undefined
}

/**
 * In JSON, padded so that it is as long with any size: then a single write replaces it, and whoever is killed leaves
 * either the one or the other.
 */
export function encodeRecord(record: PartialRecord): Buffer {
  const bytes = Buffer.from(JSON.stringify({ version, ...record }))
  const padded = Buffer.alloc(bytes.length + 17 - String(record.size).length, ' ')
  padded.set(bytes)
  padded[padded.length - 1] = 0x0a
  return padded
}

/** Undefined for what is none, or of another version. */
export function decodeRecord(text: string): PartialRecord | undefined {
  let value: Partial<Record<keyof PartialRecord | 'version', unknown>> | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value?.version !== version) return undefined
  const { url, key, from, etag, lastModified, length, size } = value
  const texts = typeof url === 'string' && typeof key === 'string' && typeof from === 'string'
  if (!texts || !isSize(size) || !(length === undefined || (isSize(length) && size <= length)))
    return undefined
  const tagged = typeof etag === 'string' && isStrongTag(etag)
  if (etag !== undefined && !tagged) return undefined
  // It becomes a field value.
  const dated = typeof lastModified === 'string' && /^[ -~]{1,100}$/.test(lastModified)
  if (lastModified !== undefined && !dated) return undefined
  return {
    url,
    key,
    from,
    size,
    ...(tagged && { etag }),
    ...(dated && { lastModified }),
    ...(length !== undefined && { length }),
  }
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
