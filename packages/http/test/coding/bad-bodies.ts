import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import { encodings } from './decode.ts'

/** What bombs become. */
export const zeros = Buffer.alloc(30_000_000)
/** What the others were, before they were broken. */
export const text = Buffer.from('a text that is worth to be compressed, a text that is')

/** What it is, its Content-Encoding, and the body: bodies that expand a thousandfold. */
export const bombs: [string, string, Uint8Array][] = [
  ['gzip', 'gzip', gzipSync(zeros)],
  ['deflate', 'deflate', deflateSync(zeros)],
  ['raw deflate', 'deflate', deflateRawSync(zeros)],
  ['brotli', 'br', brotliCompressSync(zeros)],
  ['gzip in gzip', 'gzip, gzip', gzipSync(gzipSync(zeros))],
  ['brotli in gzip', 'br, gzip', gzipSync(brotliCompressSync(zeros))],
  ['gzip in brotli in deflate', 'gzip, br, deflate', deflateSync(brotliCompressSync(gzipSync(zeros)))],
  ...encodings
    .filter(({ coding }) => coding === 'zstd')
    .map(({ encode }): [string, string, Uint8Array] => ['zstd', 'zstd', encode(zeros)]),
]

/** The same of bodies that are not what their coding says. */
export const broken: [string, string, Uint8Array][] = [
  [
    'a window of zlib that is too large',
    'deflate',
    Buffer.concat([Buffer.from([0x88, 0x1c]), deflateSync(text).subarray(2)]),
  ],
  [
    'a gzip of another method',
    'gzip',
    Buffer.concat([Buffer.from([0x1f, 0x8b, 7]), gzipSync(text).subarray(3)]),
  ],
  [
    'a gzip whose checksum is wrong',
    'gzip',
    Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8)]),
  ],
  ['a gzip that is cut off', 'gzip', gzipSync(text).subarray(0, -9)],
  ['a brotli of a large window', 'br', Buffer.from([0x11, 0x3f, 0, 0, 0, 0, 0, 0])],
  ['a brotli that is cut off', 'br', brotliCompressSync(text).subarray(0, -3)],
  ['text that is none of it', 'gzip', text],
  ['a zstd of a window of 2 GiB', 'zstd', Buffer.from('28b52ffd00a801000041', 'hex')],
]
