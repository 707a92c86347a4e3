import { gzipSync } from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { decompress } from '../../src/compress/index.ts'
import { type FetchHandler, Response as OurResponse } from '../../src/index.ts'
import { clientOf } from '../client/own-server.ts'
import { bombs, broken, text, zeros } from '../coding/bad-bodies.ts'
import { encodings } from '../coding/decode.ts'
import { settled, watchStrays } from '../faults/harness.ts'
import { ways } from '../server/ways.ts'
import { Engines } from './asking.ts'

watchStrays()

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
