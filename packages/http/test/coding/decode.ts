import * as zlib from 'node:zlib'

import { Fields } from '../../src/codec/index.ts'
import { type Decoder, decodeInto, type DecoderLimits, decodeWhole } from '../../src/coding/decoder.ts'

export const limits: DecoderLimits = { contentCodings: 3, expansion: 250, bodyBytes: Infinity }

type Encode = (body: Uint8Array | string) => Buffer

const zstdCompress = (zlib as unknown as { zstdCompressSync?: Encode }).zstdCompressSync

/** A way of encoding, and the name under which it is sent. */
export interface Encoding {
  readonly title: string
  readonly coding: string
  readonly encode: Encode
}

/** All that this runtime can do itself. */
export const encodings: readonly Encoding[] = [
  { title: 'gzip', coding: 'gzip', encode: (body) => zlib.gzipSync(body) },
  { title: 'deflate in zlib format', coding: 'deflate', encode: (body) => zlib.deflateSync(body) },
  { title: 'raw deflate', coding: 'deflate', encode: (body) => zlib.deflateRawSync(body) },
  { title: 'br', coding: 'br', encode: (body) => zlib.brotliCompressSync(body) },
  ...(zstdCompress === undefined
    ? []
    : [{ title: 'zstd', coding: 'zstd', encode: (body: Uint8Array | string) => zstdCompress(body) }]),
]

/** As {@link encodings}, with the checksum that zstd leaves away by default: damage is noticed then. */
export const checked: readonly Encoding[] = encodings
  .filter(({ title }) => title === 'gzip' || title === 'deflate in zlib format')
  .concat(
    encodings.filter(({ coding }) => coding === 'zstd').map((zstd) => ({ ...zstd, encode: zstdChecked })),
  )

function zstdChecked(body: Uint8Array | string): Buffer {
  const all = zlib as unknown as {
    zstdCompressSync(body: Uint8Array | string, options: object): Buffer
    constants: Record<string, number>
  }
  return all.zstdCompressSync(body, { params: { [all.constants['ZSTD_c_checksumFlag']!]: 1 } })
}

/** What sink and host of a decoder heard. */
export class Heard {
  readonly pieces: Uint8Array[] = []
  readonly ends: ('finish' | 'abort')[] = []
  readonly flow: boolean[] = []
  readonly failures: unknown[] = []
  error: unknown
  trailers: Fields | undefined
  size = 0

  get bytes(): Buffer {
    return Buffer.concat(this.pieces)
  }
}

export interface Opened {
  readonly decoder: Decoder
  readonly heard: Heard
  readonly ended: Promise<void>
}

interface Reader {
  push?(decoder: Decoder, piece: Uint8Array): void
  flow?(decoder: Decoder, wanted: boolean): void
}

/** A decoder, and what is heard of it; `reader` may have a say when a piece comes. */
export function open(
  codings: readonly string[],
  given: Partial<DecoderLimits> = {},
  reader: Reader = {},
): Opened {
  const heard = new Heard()
  let end!: () => void
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const decoder = decodeInto(
    codings,
    {
      push(piece) {
        heard.pieces.push(piece)
        heard.size += piece.byteLength
        reader.push?.(decoder, piece)
      },
      finish(trailers) {
        heard.ends.push('finish')
        heard.trailers = trailers
        end()
      },
      abort(error) {
        heard.ends.push('abort')
        heard.error = error
        end()
      },
    },
    {
      flow(wanted) {
        heard.flow.push(wanted)
        reader.flow?.(decoder, wanted)
      },
      fail: (error) => heard.failures.push(error),
    },
    { ...limits, ...given },
  )
  return { decoder, heard, ended }
}

/** Decodes all of `parts`, one after the other, without regard for what is wanted. */
export async function decode(
  codings: readonly string[],
  parts: readonly Uint8Array[],
  given: Partial<DecoderLimits> = {},
): Promise<Heard> {
  const { decoder, heard, ended } = open(codings, given)
  decoder.flow(true)
  for (const part of parts) decoder.push(part)
  decoder.finish(undefined)
  await ended
  return heard
}

/** What decoding all of it at once throws, or undefined. */
export function thrownBy(
  codings: readonly string[],
  bytes: Uint8Array,
  given: Partial<DecoderLimits> = {},
): unknown {
  try {
    decodeWhole(codings, bytes, { ...limits, ...given })
    return undefined
  } catch (error) {
    return error
  }
}

/** One byte at a time, each taken by itself: the next comes when the event loop has turned. */
export async function decodeByTurns(codings: readonly string[], bytes: Uint8Array): Promise<Heard> {
  const { decoder, heard, ended } = open(codings)
  decoder.flow(true)
  for (const byte of bytes) {
    decoder.push(Uint8Array.of(byte))
    await turn()
  }
  decoder.finish(undefined)
  await ended
  return heard
}

export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

export const bytewise = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (byte) => Uint8Array.of(byte))

/** The same bytes each time, that no coding makes any smaller. */
export function noise(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let state = 42
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

export const someTrailers = new Fields(['Digest', 'x'])
