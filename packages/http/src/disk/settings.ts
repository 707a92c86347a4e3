import { createHash, type Hash } from 'node:crypto'

import { checkBoolean, checkFunction, checkSignal } from '@fairlead/core/transport'

import type { Progress } from '../message/progress.ts'
import { FileError } from './file-error.ts'

/** What can be computed over a file on the way. */
export type DigestName = 'sha256' | 'sha384' | 'sha512' | 'sha1' | 'md5'

/** Characters of each digest in hexadecimal. */
const lengths: Readonly<Record<DigestName, number>> = {
  md5: 32,
  sha1: 40,
  sha256: 64,
  sha384: 96,
  sha512: 128,
}

/** How a body becomes a file, wherever it comes from. */
export interface SaveSettings {
  readonly overwrite: boolean
  readonly mode: number
  readonly digest: DigestName | undefined
  /** In lower case. */
  readonly expected: string | undefined
  readonly maxSize: number
  readonly fsync: boolean
  readonly onProgress: ((progress: Progress) => unknown) | undefined
  readonly signal: AbortSignal | undefined
}

/** Those of them that somebody gave. */
export type GivenSettings = { readonly [K in keyof SaveSettings]?: SaveSettings[K] | undefined }

/** With the defaults. @throws TypeError or RangeError that names the option. */
export function saveSettings(options: GivenSettings): SaveSettings {
  const { overwrite = false, mode = 0o666, expected, maxSize = Infinity, fsync = false } = options
  const { digest = expected === undefined ? undefined : 'sha256', onProgress, signal } = options
  checkBoolean('overwrite', overwrite)
  checkBoolean('fsync', fsync)
  checkSize('maxSize', maxSize)
  checkFunction('onProgress', onProgress)
  checkSignal(signal)
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw new RangeError(`Invalid option mode: ${String(mode)} is not from 0 to 0o777`)
  }
  if (digest !== undefined && !Object.hasOwn(lengths, digest)) {
    throw new TypeError(`Invalid option digest: it is none of ${Object.keys(lengths).join(', ')}`)
  }
  if (expected !== undefined) checkExpected(expected, digest!)
  return { overwrite, mode, digest, expected: expected?.toLowerCase(), maxSize, fsync, onProgress, signal }
}

/** Refuses what is no number of bytes, or of anything else that is counted. Infinity is one. */
export function checkSize(name: string, value: number | undefined): void {
  if (value === undefined || value === Infinity || (Number.isInteger(value) && value >= 0)) return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not a whole number from 0 up`)
}

/** What computes the digest of one file, where one is wanted. */
export function hashOf({ digest }: SaveSettings): Hash | undefined {
  return digest === undefined ? undefined : createHash(digest)
}

function checkExpected(expected: unknown, digest: DigestName): void {
  const length = lengths[digest]
  if (typeof expected === 'string' && expected.length === length && /^[\da-f]*$/i.test(expected)) return
  throw new TypeError(`Invalid option expected: a ${digest} is ${length} hexadecimal digits`)
}

/** @throws FileError where it is another file than the one that was expected. */
export function checkDigest(
  path: string,
  { digest: name, expected }: SaveSettings,
  digest: string | undefined,
): void {
  if (expected === undefined || digest === expected) return
  throw new FileError(path, `its ${name} is ${digest}, not ${expected}`, 'ERR_FAIRLEAD_FILE_DIGEST')
}
