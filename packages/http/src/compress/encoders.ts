import type { Transform } from 'node:stream'

import type { SentCoding } from '../coding/negotiation.ts'

/** A stream of zlib that can be told to give what it has. */
export type Encoder = Transform & { flush(kind: number, callback: () => void): void }

interface EncoderOptions {
  readonly chunkSize?: number
  readonly level?: number
  readonly memLevel?: number
  readonly windowBits?: number
  readonly pledgedSrcSize?: number
  readonly params?: Readonly<Record<number, number>>
}

type CreateEncoder = (options: EncoderOptions) => Encoder
type EncodeAtOnce = (bytes: Uint8Array, options: EncoderOptions) => Buffer
type EncodeAside = (
  bytes: Uint8Array,
  options: EncoderOptions,
  callback: (error: Error | null, encoded: Buffer) => void,
) => void

/** What is used of `node:zlib`. */
interface Zlib {
  readonly constants: Readonly<Record<string, number>>
  readonly createGzip: CreateEncoder
  readonly createBrotliCompress: CreateEncoder
  /** From Node 22.15 and 23.8 on. */
  readonly createZstdCompress?: CreateEncoder
  readonly gzipSync: EncodeAtOnce
  readonly brotliCompressSync: EncodeAtOnce
  readonly zstdCompressSync?: EncodeAtOnce
  readonly gzip: EncodeAside
  readonly brotliCompress: EncodeAside
  readonly zstdCompress?: EncodeAside
}

let loaded: Zlib | undefined

/** Taken when it is first needed, as for decoding. */
function zlib(): Zlib {
  return (loaded ??= process.getBuiltinModule('node:zlib') as unknown as Zlib)
}

/** Whether this runtime encodes in it. */
export function hasEncoder(coding: SentCoding): boolean {
  return coding !== 'zstd' || zlib().createZstdCompress !== undefined
}

/**
 * An encoder for what comes in pieces. A window of 256 KiB (zstd and br) is as good as any up to some MiB of text, where
 * one of 64 KiB leaves a tenth more; br would take 4 MiB for it by default. With it an encoder has 0.3 MiB in gzip, and
 * 1.1 MiB in br, which with more than the window's content in it becomes 1.7.
 *
 * A `quiet` one stays for hours with a few bytes a second: 0.15 MiB in gzip, with a window of 8 KiB, and 0.35 in br.
 */
export function createEncoder(coding: SentCoding, level: number, quiet: boolean): Encoder {
  const all = zlib()
  const chunkSize = quiet ? 4 * 1024 : 16 * 1024
  const windowLog = quiet ? 16 : 18
  switch (coding) {
    case 'gzip':
      return all.createGzip(quiet ? { chunkSize, level, windowBits: 13, memLevel: 6 } : { chunkSize, level })
    case 'br':
      return all.createBrotliCompress({ chunkSize, params: brotli(all, level, windowLog) })
    case 'zstd':
      return all.createZstdCompress!({ chunkSize, params: zstd(all, level, windowLog) })
  }
}

/** Has the encoder give all that was written to it, so that it can be decoded; what follows still refers to it. */
export function flush(coding: SentCoding, encoder: Encoder, callback: () => void): void {
  const { constants } = zlib()
  switch (coding) {
    case 'gzip':
      return encoder.flush(constants['Z_SYNC_FLUSH']!, callback)
    case 'br':
      return encoder.flush(constants['BROTLI_OPERATION_FLUSH']!, callback)
    case 'zstd':
      return encoder.flush(constants['ZSTD_e_flush']!, callback)
  }
}

/** Encodes in this thread. */
export function encodeAtOnce(coding: SentCoding, level: number, bytes: Uint8Array): Uint8Array {
  const all = zlib()
  const options = optionsOf(all, coding, level, bytes.byteLength)
  switch (coding) {
    case 'gzip':
      return all.gzipSync(bytes, options)
    case 'br':
      return all.brotliCompressSync(bytes, options)
    case 'zstd':
      return all.zstdCompressSync!(bytes, options)
  }
}

/** Encodes in one of the pool's threads. */
export function encodeAside(coding: SentCoding, level: number, bytes: Uint8Array): Promise<Uint8Array> {
  const all = zlib()
  const options = optionsOf(all, coding, level, bytes.byteLength)
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, encoded: Buffer): void => (error ? reject(error) : resolve(encoded))
    switch (coding) {
      case 'gzip':
        return all.gzip(bytes, options, done)
      case 'br':
        return all.brotliCompress(bytes, options, done)
      case 'zstd':
        return all.zstdCompress!(bytes, options, done)
    }
  })
}

/** For `size` bytes that are there as a whole. */
function optionsOf(all: Zlib, coding: SentCoding, level: number, size: number): EncoderOptions {
  // Its result is a part of a piece; and a piece more is a trip to the pool more.
  const chunkSize = Math.max(1024, Math.min(size, 64 * 1024))
  switch (coding) {
    case 'gzip':
      return { chunkSize, level }
    case 'br': {
      const hint = all.constants['BROTLI_PARAM_SIZE_HINT']!
      return { chunkSize, params: { ...brotli(all, level, 18), [hint]: size } }
    }
    case 'zstd':
      return { chunkSize, pledgedSrcSize: size, params: zstd(all, level, 18) }
  }
}

function brotli({ constants }: Zlib, level: number, window: number): Readonly<Record<number, number>> {
  return {
    [constants['BROTLI_PARAM_QUALITY']!]: level,
    [constants['BROTLI_PARAM_LGWIN']!]: window,
  }
}

function zstd({ constants }: Zlib, level: number, windowLog: number): Readonly<Record<number, number>> {
  return {
    [constants['ZSTD_c_compressionLevel']!]: level,
    [constants['ZSTD_c_windowLog']!]: windowLog,
  }
}
