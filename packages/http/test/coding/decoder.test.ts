import * as zlib from 'node:zlib'

import { describe, expect, test } from 'vitest'

import { decodeInto, decodeWhole } from '../../src/coding/decoder.ts'
import { bytewise, decode, decodeByTurns, encodings, limits, open, someTrailers } from './decode.ts'

const text = JSON.stringify({ name: 'Grüße', list: Array.from({ length: 40 }, (_, i) => i * i) })

describe.each(encodings)('$title', ({ coding, encode }) => {
  const encoded = encode(text)

  test('is decoded when it comes as a whole', async () => {
    const { bytes, ends, failures } = await decode([coding], [encoded])
    expect(bytes.toString()).toBe(text)
    expect(ends).toEqual(['finish'])
    expect(failures).toEqual([])
  })

  test('is decoded when it comes byte by byte, together or each by itself', async () => {
    expect((await decode([coding], bytewise(encoded))).bytes.toString()).toBe(text)
    expect((await decodeByTurns([coding], encoded)).bytes.toString()).toBe(text)
  })

  test('is decoded when it is cut in two anywhere', async () => {
    for (let cut = 1; cut < encoded.length; cut++) {
      const { decoder, heard, ended } = open([coding])
      decoder.flow(true)
      decoder.push(encoded.subarray(0, cut))
      // What was pushed is under way, and the rest comes behind it.
      decoder.push(encoded.subarray(cut))
      decoder.finish(undefined)
      await ended
      expect(heard.bytes.toString()).toBe(text)
    }
  })

  test('is decoded at once', () => {
    expect(Buffer.from(decodeWhole([coding], encoded, limits)).toString()).toBe(text)
  })

  test('of nothing is an empty body', async () => {
    const empty = encode('')
    expect(await decode([coding], [empty])).toMatchObject({ size: 0, ends: ['finish'] })
    expect(decodeWhole([coding], empty, limits).byteLength).toBe(0)
  })

  test('without a byte is an empty body, too, as of an answer to HEAD', async () => {
    expect(await decode([coding, 'gzip'], [])).toMatchObject({ size: 0, ends: ['finish'] })
    expect(await decode([coding], [new Uint8Array(0)])).toMatchObject({ size: 0, ends: ['finish'] })
    expect(decodeWhole([coding, 'gzip'], new Uint8Array(0), limits).byteLength).toBe(0)
  })

  test('is decoded when it is larger than a piece', async () => {
    const large = Buffer.from(
      Array.from({ length: 60_000 }, (_, i) => `line ${(i * 7919) % 10_007}`).join('\n'),
    )
    const { bytes, pieces } = await decode([coding], [encode(large)])
    expect(bytes.equals(large)).toBe(true)
    expect(Math.max(...pieces.map((piece) => piece.byteLength))).toBeLessThanOrEqual(64 * 1024)
    expect(Buffer.from(decodeWhole([coding], encode(large), limits)).equals(large)).toBe(true)
  })
})

test('codings on top of each other are taken off from the last to the first', async () => {
  const encoded = zlib.deflateSync(zlib.brotliCompressSync(zlib.gzipSync(text)))
  const codings = ['gzip', 'br', 'deflate']
  expect((await decode(codings, [encoded])).bytes.toString()).toBe(text)
  expect((await decode(codings, bytewise(encoded))).bytes.toString()).toBe(text)
  expect(Buffer.from(decodeWhole(codings, encoded, limits)).toString()).toBe(text)
  expect((await decode(codings.toReversed(), [encoded])).ends).toEqual(['abort'])
})

test('trailers are handed through', async () => {
  const { decoder, heard, ended } = open(['br', 'gzip'])
  decoder.flow(true)
  decoder.push(zlib.gzipSync(zlib.brotliCompressSync('a')))
  decoder.finish(someTrailers)
  await ended
  expect(heard.trailers).toBe(someTrailers)
})

test('what can be decoded is given before more comes', async () => {
  let tell!: () => void
  const came = new Promise<void>((resolve) => {
    tell = resolve
  })
  const { decoder, heard } = open(['br', 'gzip'], {}, { push: () => tell() })
  const gzip = zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH })
  const br = zlib.createBrotliCompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH })
  br.on('data', (chunk) => gzip.write(chunk))
  gzip.on('data', (chunk: Buffer) => decoder.push(chunk))
  decoder.flow(true)
  br.write('data: one\n\n')
  await came
  expect(heard.bytes.toString()).toBe('data: one\n\n')
  expect(heard.ends).toEqual([])
  decoder.destroy()
  br.destroy()
  gzip.destroy()
})

test('a connection that breaks ends the decoded body with the same error, at once and once', async () => {
  const { decoder, heard } = open(['gzip', 'br'])
  const error = new Error('reset')
  decoder.flow(true)
  decoder.push(zlib.brotliCompressSync(zlib.gzipSync(text)))
  decoder.abort(error)
  decoder.abort(new Error('again'))
  decoder.finish(undefined)
  await decode(['gzip', 'br'], [zlib.brotliCompressSync(zlib.gzipSync(text))])
  expect(heard).toMatchObject({ ends: ['abort'], size: 0, failures: [] })
  expect(heard.error).toBe(error)
})

test('nothing is heard of a decoder that was destroyed, whatever was under way', async () => {
  const encoded = zlib.gzipSync(text)
  const { decoder, heard } = open(['gzip'])
  decoder.flow(true)
  decoder.push(encoded)
  decoder.destroy()
  decoder.destroy()
  decoder.push(encoded)
  decoder.finish(undefined)
  decoder.flow(false)
  await decode(['gzip'], [encoded])
  expect(heard).toMatchObject({ ends: [], size: 0, flow: [true], failures: [] })
})

test('a reader may destroy the decoder while it is given a piece', async () => {
  const encoded = zlib.gzipSync(Buffer.alloc(1_000_000))
  const { decoder, heard } = open(
    ['gzip', 'gzip'],
    { expansion: Infinity },
    { push: () => decoder.destroy() },
  )
  decoder.flow(true)
  decoder.push(zlib.gzipSync(encoded))
  decoder.finish(undefined)
  await decode(['gzip'], [encoded], { expansion: Infinity })
  expect(heard.pieces).toHaveLength(1)
  expect(heard.ends).toEqual([])
})

test('a sink that throws costs its own body', async () => {
  const error = new Error('mine')
  const { decoder, heard, ended } = open(
    ['gzip'],
    {},
    {
      push: () => {
        throw error
      },
    },
  )
  decoder.flow(true)
  decoder.push(zlib.gzipSync(text))
  decoder.finish(undefined)
  await ended
  expect(heard).toMatchObject({ ends: ['abort'], error, failures: [error] })
})

test('a coding that there is not is a wrong argument', () => {
  const nowhere = { push() {}, finish() {}, abort() {} }
  expect(() => decodeInto(['lzma'], nowhere, { flow() {}, fail() {} }, limits)).toThrow(TypeError)
  expect(() => decodeWhole(['lzma'], Buffer.from('x'), limits)).toThrow(TypeError)
})
