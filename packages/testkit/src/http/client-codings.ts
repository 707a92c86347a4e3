import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as zlib from 'node:zlib'

import type { Broom } from '../broom.ts'
import { feature, type Feature } from '../check.ts'
import { turn } from '../wait.ts'
import { client, requestErrorOf } from './client-meeting.ts'
import { open, pattern } from './meeting.ts'

type Encode = (bytes: Uint8Array) => Buffer

const text = pattern(300_000)

/** Encoders by the name of what they make; zstd where the runtime has it. */
const encoders: Record<string, Encode> = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  // Its best takes a third of a second.
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
}
const { zstdCompressSync } = zlib as { zstdCompressSync?: Encode }
// Runtimes that have the function may not know the coding.
if (zstdCompressSync && process.versions['zstd'] !== undefined) encoders['zstd'] = zstdCompressSync

async function* inPieces(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size)
    await turn()
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** It is an error whether it comes at once or in pieces. */
async function assertDamaged(broom: Broom, coding: string, encoded: Uint8Array): Promise<void> {
  const served = await open(broom, (exchange) =>
    exchange.respond(
      200,
      { 'Content-Encoding': coding },
      exchange.request.target === '/whole' ? encoded : inPieces(encoded),
    ),
  )
  const asking = client(broom, served)
  for (const target of ['/whole', '/pieces']) {
    const error = await requestErrorOf(asking.request(target).then((got) => got.bytes()))
    assert.deepEqual([target, error.code], [target, 'ERR_FAIRLEAD_HTTP_CONTENT_CODING'])
  }
}

export const clientCodingFeatures: readonly Feature[] = [
  feature('encoded bodies are asked for, and decoded as they come', async (broom) => {
    const served = await open(broom, (exchange) => {
      const { target, headers } = exchange.request
      const [, coding = '', how] = target.split('/')
      assert.ok(headers.get('accept-encoding')?.split(', ').includes(coding), headers.get('accept-encoding'))
      const encoded = how === 'raw' ? zlib.deflateRawSync(text) : encoders[coding]!(text)
      return exchange.respond(
        200,
        { 'Content-Encoding': coding },
        how === 'whole' ? encoded : inPieces(encoded, how === 'small' ? 100 : 10_000),
      )
    })
    const asking = client(broom, served)
    for (const target of Object.keys(encoders).flatMap((coding) => [
      `/${coding}/whole`,
      `/${coding}/pieces`,
    ])) {
      const got = await asking.request(target)
      assert.deepEqual([target, digest(await got.bytes()), got.decoded], [target, digest(text), true])
      const hash = createHash('sha256')
      for await (const chunk of await asking.request(target)) hash.update(chunk)
      assert.deepEqual([target, hash.digest('hex')], [target, digest(text)])
    }
    const got = await asking.request('/deflate/raw')
    assert.equal(digest(await got.bytes()), digest(text))
    assert.equal(served.server.stats().connections?.accepted, 1)
  }),

  feature('codings are taken off in the reverse of their order', async (broom) => {
    const served = await open(broom, (exchange) =>
      exchange.respond(
        200,
        { 'Content-Encoding': 'deflate, gzip, br' },
        inPieces(encoders['br']!(zlib.gzipSync(zlib.deflateSync(text))), 5_000),
      ),
    )
    const asking = client(broom, served)
    assert.equal(digest(await (await asking.request('/')).bytes()), digest(text))
    const strict = client(broom, served, { limits: { contentCodings: 2 } })
    const error = await requestErrorOf(strict.request('/').then((got) => got.bytes()))
    assert.equal(error.code, 'ERR_FAIRLEAD_LIMIT')
  }),

  feature('who wants them as they are sent has them so', async (broom) => {
    const encoded = zlib.gzipSync(text)
    const served = await open(broom, (exchange) => {
      const accepted = String(exchange.request.headers.has('accept-encoding'))
      return exchange.respond(200, { 'Content-Encoding': 'gzip', 'X-Accepted': accepted }, encoded)
    })
    const got = await client(broom, served).request('/', { decode: false })
    assert.deepEqual([got.headers.get('x-accepted'), digest(await got.bytes())], ['false', digest(encoded)])
  }),

  feature('several members of gzip are one body', async (broom) => {
    const encoded = Buffer.concat([zlib.gzipSync('a'), zlib.gzipSync('ho'), zlib.gzipSync('y')])
    const served = await open(broom, (exchange) =>
      exchange.respond(
        200,
        { 'Content-Encoding': 'gzip' },
        exchange.request.target === '/whole' ? encoded : inPieces(encoded, 1),
      ),
    )
    const asking = client(broom, served)
    for (const target of ['/whole', '/pieces']) {
      assert.equal(await (await asking.request(target)).text(), 'ahoy')
    }
  }),

  ...Object.entries(encoders).flatMap(([coding, encode]) => [
    feature(`a body in ${coding} that is cut off is an error`, (broom) =>
      assertDamaged(broom, coding, encode(text).subarray(0, -8)),
    ),

    feature(`a body in ${coding} that is damaged is an error`, (broom) => {
      const encoded = encode(text)
      // Behind the head of a frame of zstd, which has no checksum unless it is asked for, anything may be data.
      return assertDamaged(
        broom,
        coding,
        coding === 'zstd' ? encoded.fill(0xee, 4, 12) : encoded.fill(0xee, 20, 60),
      )
    }),
  ]),

  feature('what becomes too much is cut off', async (broom) => {
    const size = 64 * 1024 * 1024
    const bomb = zlib.gzipSync(new Uint8Array(size))
    const served = await open(broom, (exchange) =>
      exchange.respond(200, { 'Content-Encoding': 'gzip' }, inPieces(bomb)),
    )
    const asking = client(broom, served)
    const error = await requestErrorOf(asking.request('/').then((got) => got.bytes(size)))
    assert.equal(error.code, 'ERR_FAIRLEAD_LIMIT')
    const limited = client(broom, served, { maxBodySize: 100_000, limits: { expansion: Infinity } })
    const large = await requestErrorOf(limited.request('/').then((got) => got.bytes()))
    assert.equal(large.code, 'ERR_FAIRLEAD_LIMIT')
  }),

  feature('a reader of what is decoded is waited for', async (broom) => {
    let made = 0
    const encoded = zlib.gzipSync(text.map((byte, at) => byte ^ ((at * 2_654_435_761) >>> 13)))
    const served = await open(broom, (exchange) =>
      exchange.respond(
        200,
        { 'Content-Encoding': 'gzip' },
        (async function* () {
          for (; made < 60; made++) yield encoded
        })(),
      ),
    )
    const asking = client(broom, served)
    const got = await asking.request('/')
    const chunks = got[Symbol.asyncIterator]()
    await chunks.next()
    await turn(200)
    const { bytesIn } = asking.stats()
    assert.ok(bytesIn < 4 * 1024 * 1024, `${bytesIn} bytes were taken of ${60 * encoded.length}`)
    let length = 0
    for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) length += chunk.length
    assert.ok(length > 59 * text.length && length < 60 * text.length)
  }),
]
