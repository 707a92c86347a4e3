import { checkFunction, checkOptions } from '@fairlead/core/transport'

import type { DecoderLimits } from '../coding/decoder.ts'
import type { SentCoding } from '../coding/negotiation.ts'

/** What is compressed, and how. */
export interface CompressOptions {
  /**
   * The codings that may be used, best first: of those that a client likes equally it gets the first. One that this
   * runtime has not, as zstd before Node 22.15, is passed over. Default `['br', 'zstd', 'gzip']`.
   */
  codings?: readonly SentCoding[]
  /** Bytes of the smallest body that is compressed, where its length is known. Default 1,024. */
  threshold?: number
  /** How much time is spent for how many bytes: br 0 to 11, gzip 1 to 9, zstd 1 to 22. Default 5, 6 and 3. */
  level?: Partial<Readonly<Record<SentCoding, number>>>
  /**
   * Whether an answer is worth it, in the place of what its Content-Type says, which is `gains`. Not asked where nothing
   * may be compressed anyway. What it throws is answered with 500.
   */
  filter?: (response: Response, request: Request, gains: boolean) => boolean
}

/** What a client may make {@link decompress} do. */
export interface DecompressOptions {
  /** Bytes of the largest decoded body; 413 beyond. Default 16 MiB, as that of a server for what it is sent. */
  maxBodySize?: number
  limits?: {
    /** Codings on top of each other; 415 beyond. Default 3. */
    contentCodings?: number
    /** Decoded bytes for each encoded one, once 1 MiB has been decoded; 413 beyond. Default 250. */
    expansion?: number
  }
}

/** All that {@link CompressOptions} say. */
export interface Settings {
  readonly codings: readonly SentCoding[]
  readonly threshold: number
  readonly level: Readonly<Record<SentCoding, number>>
  readonly filter: CompressOptions['filter']
}

/**
 * Of 100 KiB in one thread, br 5 leaves 19.7 % of HTML and 14.0 % of JSON, in 1.3 and 1.2 ms; gzip 6 leaves 20.9 % and
 * 14.3 %, in 1.3 and 1.0 ms. br 4 needs 0.8 ms for the JSON, but leaves more of it than gzip does (16.6 %); br 6 and
 * gzip 9 gain half a percent, for a tenth and three quarters more time.
 */
const defaultLevel: Settings['level'] = { br: 5, gzip: 6, zstd: 3 }

const levels: Readonly<Record<SentCoding, readonly [least: number, most: number]>> = {
  br: [0, 11],
  gzip: [1, 9],
  zstd: [1, 22],
}

const compressNames: Record<keyof CompressOptions, true> = {
  codings: true,
  threshold: true,
  level: true,
  filter: true,
}
const decompressNames: Record<keyof DecompressOptions, true> = { maxBodySize: true, limits: true }
const limitNames: Record<keyof NonNullable<DecompressOptions['limits']>, true> = {
  contentCodings: true,
  expansion: true,
}

/** @throws TypeError or RangeError that names the option. */
export function settingsOf(options: CompressOptions): Settings {
  checkOptions('compress', options)
  refuseOthers(options, compressNames)
  const { codings = ['br', 'zstd', 'gzip'], threshold = 1024, level = {}, filter } = options
  if (!Array.isArray(codings) || codings.length === 0 || !codings.every((coding) => isCoding(coding))) {
    throw new TypeError("Invalid option codings: must be a list of 'br', 'zstd' and 'gzip'")
  }
  checkCount('threshold', threshold)
  checkOptions('level', level)
  checkFunction('filter', filter)
  const all = { ...defaultLevel }
  for (const [coding, value] of Object.entries(level)) {
    if (!isCoding(coding)) throw new TypeError(`Invalid option level.${coding}: there is no such coding`)
    const [least, most] = levels[coding]
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(
        `Invalid option level.${coding}: ${String(value)} is not a whole number from ${least} to ${most}`,
      )
    }
    all[coding] = value
  }
  return { codings: [...new Set(codings as readonly SentCoding[])], threshold, level: all, filter }
}

/** @throws TypeError or RangeError that names the option. */
export function decoderLimitsOf(options: DecompressOptions): DecoderLimits {
  checkOptions('decompress', options)
  refuseOthers(options, decompressNames)
  const { maxBodySize = 16 * 1024 * 1024, limits = {} } = options
  checkCount('maxBodySize', maxBodySize, Infinity)
  checkOptions('limits', limits)
  refuseOthers(limits, limitNames, 'limits.')
  const { contentCodings = 3, expansion = 250 } = limits
  checkCount('limits.contentCodings', contentCodings)
  checkCount('limits.expansion', expansion, Infinity)
  return { bodyBytes: maxBodySize, contentCodings, expansion }
}

/** @throws TypeError for what cannot be called. */
export function checkHandler(handler: unknown): void {
  checkFunction('handler', handler ?? null)
}

function isCoding(name: unknown): name is SentCoding {
  return typeof name === 'string' && Object.hasOwn(levels, name)
}

function checkCount(name: string, value: number, most = Number.MAX_SAFE_INTEGER): void {
  if (value >= 0 && value <= most && (Number.isInteger(value) || value === Infinity)) return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not a whole number from 0 up`)
}

/** @throws TypeError that names an option which there is not: one that is misspelt would do nothing. */
function refuseOthers(options: object, known: object, before = ''): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue
    throw new TypeError(`Invalid option ${before}${name}: there is no such option`)
  }
}
