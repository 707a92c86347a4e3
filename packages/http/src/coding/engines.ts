import type { Transform } from 'node:stream'

/** The content codings that are decoded, by their registered names (RFC 9110 section 8.4.1, RFC 7932, RFC 8878). */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

/** A stream of zlib: `bytesWritten` counts the input that it has consumed. */
export type Engine = Transform & { readonly bytesWritten: number }

interface EngineOptions {
  readonly chunkSize?: number
  readonly readableHighWaterMark?: number
  readonly maxOutputLength?: number
  readonly info?: boolean
  readonly params?: Readonly<Record<number, number>>
}

/** What a synchronous function gives when it is asked for `info`. */
interface Decoded {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

type CreateEngine = (options: EngineOptions) => Engine
type DecodeAtOnce = (bytes: Uint8Array, options: EngineOptions) => Decoded

/** What is used of `node:zlib`. */
interface Zlib {
  readonly constants: Readonly<Record<string, number>>
  readonly createGunzip: CreateEngine
  readonly createInflate: CreateEngine
  readonly createInflateRaw: CreateEngine
  readonly createBrotliDecompress: CreateEngine
  /** From Node 22.15 and 23.8 on. */
  readonly createZstdDecompress?: CreateEngine
  readonly gunzipSync: DecodeAtOnce
  readonly inflateSync: DecodeAtOnce
  readonly inflateRawSync: DecodeAtOnce
  readonly brotliDecompressSync: DecodeAtOnce
  readonly zstdDecompressSync?: DecodeAtOnce
}

/** Output in one piece. */
const pieceSize = 64 * 1024

/** 8 MiB, beyond which a decoder may refuse a window and beneath which it must not (RFC 9659 section 3). */
const zstdWindowLog = 23

/**
 * Whether brotli that is cut off is an error. Deno takes it for whole; and at once, what is damaged for empty. Only
 * behind what is whole does its engine leave a byte.
 */
export const endsBrotli: boolean = process.versions['deno'] === undefined

/** Written behind brotli where {@link endsBrotli} is false. */
export const probe: Uint8Array = new Uint8Array(1)

let loaded: Zlib | undefined

/** Taken when it is first needed: importing it costs 2 ms, of which a server has nothing. */
function zlib(): Zlib {
  loaded ??= process.getBuiltinModule('node:zlib') as unknown as Zlib
  return loaded
}

/** Whether this runtime decodes zstd. */
export function hasZstd(): boolean {
  return zlib().createZstdDecompress !== undefined
}

/** @param first the first byte of what is to be decoded. */
export function createEngine(coding: Coding, first: number): Engine {
  const all = zlib()
  const options = { chunkSize: pieceSize, readableHighWaterMark: pieceSize }
  switch (coding) {
    case 'gzip':
      return all.createGunzip(options)
    case 'deflate':
      return isWrapped(first) ? all.createInflate(options) : all.createInflateRaw(options)
    case 'br':
      return all.createBrotliDecompress(options)
    case 'zstd':
      return defined(all.createZstdDecompress)({ ...options, params: zstdParams(all) })
  }
}

/** Decodes `bytes`, of which there is one at least, to at most `most` bytes, or throws. */
export function decodeAtOnce(coding: Coding, bytes: Uint8Array, most: number): Decoded {
  const all = zlib()
  // Its result is a part of a piece: a small body shall not keep a large one.
  const chunkSize = Math.min(pieceSize, Math.max(1024, bytes.byteLength * 4))
  const options = { chunkSize, maxOutputLength: most, info: true }
  switch (coding) {
    case 'gzip':
      return all.gunzipSync(bytes, options)
    case 'deflate':
      return isWrapped(bytes[0]!) ? all.inflateSync(bytes, options) : all.inflateRawSync(bytes, options)
    case 'br':
      return all.brotliDecompressSync(bytes, options)
    case 'zstd':
      return defined(all.zstdDecompressSync)(bytes, { ...options, params: zstdParams(all) })
  }
}

/**
 * RFC 9110 section 8.4.1.2 wants deflate in the zlib format and notes that some send it without. The zlib format
 * begins with 8 for its method in the low half of a byte (RFC 1950 section 2.2); raw deflate would with that be a
 * stored block whose padding is not zero, which nothing writes.
 */
function isWrapped(first: number): boolean {
  return (first & 0x0f) === 8
}

function zstdParams({ constants }: Zlib): Readonly<Record<number, number>> {
  return { [constants['ZSTD_d_windowLogMax']!]: zstdWindowLog }
}

function defined<T>(what: T | undefined): T {
  if (what === undefined) throw new TypeError('Cannot decode body: this runtime has no zstd')
  return what
}
