import { createHash, type Hash } from 'node:crypto'

import { checkBoolean, checkFunction, checkOptions, checkSignal } from '@fairlead/core/transport'

import { checkCount } from '../settings.ts'
import type { DigestName, ToFileOptions } from './options.ts'

/** Characters of each digest in hexadecimal. */
const lengths: Readonly<Record<DigestName, number>> = {
  md5: 32,
  sha1: 40,
  sha256: 64,
  sha384: 96,
  sha512: 128,
}

/** What {@link ToFileOptions} come to. */
export interface SaveSettings {
  readonly overwrite: boolean
  readonly mode: number
  readonly digest: DigestName | undefined
  /** In lower case. */
  readonly expected: string | undefined
  readonly maxSize: number
  readonly fsync: boolean
  readonly onProgress: ToFileOptions['onProgress'] | undefined
  readonly signal: AbortSignal | undefined
}

/** @throws TypeError or RangeError that names the option. */
export function saveSettings(options: ToFileOptions): SaveSettings {
  checkOptions('toFile', options)
  const { overwrite = false, mode = 0o666, expected, maxSize = Infinity, fsync = false } = options
  const { digest = expected === undefined ? undefined : 'sha256', onProgress, signal } = options
  checkBoolean('overwrite', overwrite)
  checkBoolean('fsync', fsync)
  checkCount('maxSize', maxSize, Infinity)
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

/** What computes the digest of one file, where one is wanted. */
export function hashOf({ digest }: SaveSettings): Hash | undefined {
  return digest === undefined ? undefined : createHash(digest)
}

function checkExpected(expected: unknown, digest: DigestName): void {
  const length = lengths[digest]
  if (typeof expected === 'string' && expected.length === length && /^[\da-f]*$/i.test(expected)) return
  throw new TypeError(`Invalid option expected: a ${digest} is ${length} hexadecimal digits`)
}
