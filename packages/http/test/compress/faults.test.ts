import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { decompress } from '../../src/compress/index.ts'
import { type FetchHandler, Response as OurResponse } from '../../src/index.ts'
import { clientOf } from '../client/own-server.ts'
import { encodings } from '../coding/decode.ts'
import { settled, watchStrays } from '../faults/harness.ts'
import { ways } from '../server/ways.ts'
import { Engines } from './asking.ts'

watchStrays()

const zeros = Buffer.alloc(30_000_000)
const text = Buffer.from('a text that is worth to be compressed, a text that is')

const bombs: [string, string, Uint8Array][] = [
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

const broken: [string, string, Uint8Array][] = [
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

/** Counts what a handler was given. */
class Reading {
  decoded = 0
  readonly handler: FetchHandler = async (request) => {
    for await (const piece of request.body as unknown as AsyncIterable<Uint8Array>)
      this.decoded += piece.byteLength
    return new OurResponse(String(this.decoded))
  }
}

describe.each(ways)('13 compression over $name', (way) => {
  const post = async (
    handler: FetchHandler,
    coding: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<number> => {
    await using server = await way.serve(handler)
    await using client = clientOf(server)
    const got = await client.request('/', { method: 'POST', headers: { 'Content-Encoding': coding }, body })
    await got.bytes()
    await client.close()
    await settled(server)
    return got.status
  }

  test.each(bombs)('%s that expands too much is stopped in mid-stream', async (_what, coding, body) => {
    using engines = new Engines()
    const reading = new Reading()
    expect(await post(decompress(reading.handler, { maxBodySize: Infinity }), coding, body)).toBe(413)
    // A thousandfold of 30 KB, of which a quarter may be.
    expect(reading.decoded).toBeLessThanOrEqual(Math.max(1024 * 1024, 250 * body.byteLength))
    expect(reading.decoded).toBeLessThan(zeros.byteLength / 3)
    await engines.released(coding.split(',').length)
  })

  test('so is one that stays within the ratio, and passes the size', async () => {
    using engines = new Engines()
    const reading = new Reading()
    const options = { maxBodySize: 2_000_000, limits: { expansion: Infinity } }
    expect(await post(decompress(reading.handler, options), 'gzip', bombs[0]![2])).toBe(413)
    expect(reading.decoded).toBeLessThanOrEqual(2_000_000)
    expect(reading.decoded).toBeGreaterThan(1_000_000)
    await engines.released(1)
  })

  test('and one that does not end, without waiting for its end', async () => {
    using engines = new Engines()
    const reading = new Reading()
    let rest!: () => void
    const silence = new Promise<void>((resolve) => (rest = resolve))
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield bombs[0]![2]
      await silence
    }
    const answered = post(decompress(reading.handler), 'gzip', endless())
    expect(await answered).toBe(413)
    rest()
    await engines.released(1)
  })

  test.each(broken)('%s is refused', async (_what, coding, body) => {
    using engines = new Engines()
    const reading = new Reading()
    const known = coding !== 'zstd' || encodings.some((one) => one.coding === 'zstd')
    expect(await post(decompress(reading.handler), coding, body)).toBe(known ? 400 : 415)
    await engines.released(known ? 1 : 0)
  })

  test('too many layers are refused before anything is decoded', async () => {
    using engines = new Engines()
    let body: Uint8Array = text
    for (let layer = 0; layer < 4; layer++) body = gzipSync(body)
    const handler: FetchHandler = () => expect.unreachable()
    expect(await post(decompress(handler), 'gzip, gzip, gzip, gzip', body)).toBe(415)
    expect(engines.made).toEqual([])
  })
})
