import * as zlib from 'node:zlib'

import { SocketError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { HttpProtocolError } from '../../src/errors.ts'
import { checked, decode, decodeByTurns, encodings, thrownBy } from './decode.ts'

const text = 'To be damaged, in one place or another, and to be cut off anywhere. '.repeat(3)
const damaged = {
  code: 'ERR_FAIRLEAD_HTTP_CONTENT_CODING',
  side: 'remote',
  statusHint: 502,
  retryable: false,
}

/** What is wrong with a body, told in one way and the other, or undefined. */
async function wrongWith(codings: readonly string[], bytes: Uint8Array): Promise<unknown> {
  const { ends, error, failures } = await decode(codings, [bytes])
  expect(ends).toHaveLength(1)
  expect(failures).toEqual(error === undefined ? [] : [error])
  expect(failures[0]).toBe(error)
  expect(thrownBy(codings, bytes) === undefined).toBe(error === undefined)
  return error
}

describe.each(encodings)('$title', ({ coding, encode }) => {
  const encoded = encode(text)

  test('that is cut off is an error, wherever it is', async () => {
    for (let end = 1; end < encoded.length; end++) {
      const error = await wrongWith([coding], encoded.subarray(0, end))
      expect(error, `after ${end} bytes`).toBeInstanceOf(HttpProtocolError)
      expect(error).toMatchObject({ ...damaged, message: `Cannot decode body: its ${coding} is cut off` })
    }
  })

  test('that is cut off is an error beneath another coding, and above one', async () => {
    const cut = encoded.subarray(0, -1)
    expect(await wrongWith([coding, 'gzip'], zlib.gzipSync(cut))).toMatchObject(damaged)
    expect(await wrongWith(['gzip', coding], encode(zlib.gzipSync(text)).subarray(0, -1))).toMatchObject(
      damaged,
    )
  })

  test('that is cut off gives what came before the cut', async () => {
    const bytes = encoded.subarray(0, -1)
    const { size, bytes: decoded } = await decodeByTurns([coding], bytes)
    expect(text.startsWith(decoded.toString())).toBe(true)
    // zstd decodes a block as a whole.
    if (coding !== 'zstd') expect(size).toBeGreaterThan(0)
  })

  test('that is something else is an error', async () => {
    for (const other of ['<!doctype html><title>Not Found</title>', '\xff\xff\xff\xff\xff', '{}']) {
      const error = await wrongWith([coding], Buffer.from(other, 'latin1'))
      expect(error).toMatchObject(damaged)
      expect((error as Error).message).toMatch(/^Cannot decode body: its [a-z]+ is (damaged: .+|cut off)$/)
    }
  })

  test('with a bit turned over anywhere ends once, and with an error of ours if any', async () => {
    for (let at = 0; at < encoded.length; at++) {
      const bytes = Buffer.from(encoded)
      bytes[at]! ^= 1 << (at % 8)
      const { ends, error } = await decode([coding], [bytes])
      expect(ends).toHaveLength(1)
      expect(error === undefined || SocketError.is(error)).toBe(true)
    }
  })
})

describe.each(checked)('$title with its checksum', ({ coding, encode }) => {
  test('never gives other bytes for whole ones', async () => {
    const encoded = encode(text)
    let errors = 0
    for (let at = 0; at < encoded.length; at++) {
      const bytes = Buffer.from(encoded)
      bytes[at]! ^= 1 << (at % 8)
      const heard = await decode([coding], [bytes])
      if (heard.ends[0] === 'finish') expect(heard.bytes.toString(), `bit ${at % 8} of byte ${at}`).toBe(text)
      else errors++
    }
    // Time and system in the head of gzip mean nothing.
    expect(errors).toBeGreaterThanOrEqual(encoded.length - 8)
  })

  test('that does not match is an error', async () => {
    const bytes = encode(text)
    const place = coding === 'gzip' ? bytes.length - 5 : bytes.length - 1
    bytes[place]! ^= 0x10
    expect(await wrongWith([coding], bytes)).toMatchObject(damaged)
  })
})

describe('behind the end', () => {
  const behind = async (coding: string, bytes: Uint8Array, more: Uint8Array): Promise<unknown[]> => {
    const whole = await decode([coding], [Buffer.concat([bytes, more])])
    const after = await decodeByTurns([coding], Buffer.concat([bytes, more]))
    expect(after.ends).toEqual(whole.ends)
    if (whole.ends[0] === 'finish') expect(after.bytes).toEqual(whole.bytes)
    const thrown = thrownBy([coding], Buffer.concat([bytes, more]))
    expect(thrown === undefined).toBe(whole.error === undefined)
    return [whole.ends[0], whole.ends[0] === 'finish' ? whole.bytes.toString() : whole.error]
  }

  test('of a gzip member there may be others', async () => {
    const members = ['two', '', 'three'].map((part) => zlib.gzipSync(part))
    expect(await behind('gzip', zlib.gzipSync('one'), Buffer.concat(members))).toEqual([
      'finish',
      'onetwothree',
    ])
  })

  test('of a gzip member another that is cut off is an error', async () => {
    const other = zlib.gzipSync('two')
    for (let end = 1; end < other.length; end++) {
      expect(await behind('gzip', zlib.gzipSync('one'), other.subarray(0, end))).toMatchObject([
        'abort',
        damaged,
      ])
    }
  })

  test('of gzip there may be zeros, and nothing behind them', async () => {
    const one = zlib.gzipSync('one')
    expect(await behind('gzip', one, Buffer.alloc(20))).toEqual(['finish', 'one'])
    expect(await behind('gzip', one, Buffer.from('\0\0x'))).toMatchObject(['abort', damaged])
    expect(await behind('gzip', one, Buffer.concat([Buffer.alloc(4), one]))).toMatchObject(['abort', damaged])
  })

  test('of gzip anything else is an error', async () => {
    for (const other of ['\n', '\r\n', 'trailing garbage', '\x1f', '\x1f\x8b\xff\xff']) {
      const bytes = Buffer.from(other, 'latin1')
      expect(await behind('gzip', zlib.gzipSync('one'), bytes)).toMatchObject(['abort', damaged])
    }
  })

  test.each(encodings.filter(({ coding }) => coding === 'deflate' || coding === 'br'))(
    'of $title, whose end is its end, all is dropped',
    async ({ coding, encode }) => {
      expect(await behind(coding, encode('one'), Buffer.from('\r\n'))).toEqual(['finish', 'one'])
      // The checksum of zlib behind raw deflate, as some servers send it.
      expect(await behind(coding, encode('one'), Buffer.from('01020304', 'hex'))).toEqual(['finish', 'one'])
      expect(await behind(coding, encode('one'), encode('two'))).toEqual(['finish', 'one'])
    },
  )

  test.each(encodings.filter(({ coding }) => coding === 'zstd'))(
    'of a frame of $title there may be others, and frames to be skipped, and nothing else',
    async ({ coding, encode }) => {
      const skipped = Buffer.from('522a4d18020000000101', 'hex')
      const more = Buffer.concat([encode('two'), skipped, encode(''), encode('three')])
      expect(await behind(coding, encode('one'), more)).toEqual(['finish', 'onetwothree'])
      expect(await behind(coding, skipped, encode('one'))).toEqual(['finish', 'one'])
      for (const other of ['\0\0\0\0', '\n', '28b52f', 'trailing garbage']) {
        expect(await behind(coding, encode('one'), Buffer.from(other))).toMatchObject(['abort', damaged])
      }
    },
  )
})

describe('what would take a lot of memory, or what nobody has, is refused', () => {
  test('a window of deflate beyond 32 KiB', async () => {
    expect(await wrongWith(['deflate'], Buffer.from('881c0100feff00', 'hex'))).toMatchObject(damaged)
  })

  test('a large window of brotli, which is not that of HTTP', async () => {
    const { BROTLI_PARAM_LARGE_WINDOW, BROTLI_PARAM_LGWIN } = zlib.constants
    const params = { [BROTLI_PARAM_LARGE_WINDOW]: 1, [BROTLI_PARAM_LGWIN]: 30 }
    expect(await wrongWith(['br'], zlib.brotliCompressSync(text, { params }))).toMatchObject(damaged)
  })

  test('a dictionary', async () => {
    const dictionary = Buffer.from(text)
    expect(await wrongWith(['deflate'], zlib.deflateSync(text, { dictionary }))).toMatchObject(damaged)
  })

  test.each(encodings.filter(({ coding }) => coding === 'zstd'))(
    'a window of $title beyond 8 MiB, while one of 8 MiB is read',
    async ({ coding }) => {
      // A frame without a content size: descriptor, window descriptor, one raw block that is the last.
      const frame = (exponent: number): Buffer =>
        Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 1 | (1 << 3), 0, 0, 0x61])
      expect(await wrongWith([coding], frame(13))).toBeUndefined()
      expect(await wrongWith([coding], frame(14))).toMatchObject(damaged)
      expect(await wrongWith([coding], frame(31))).toMatchObject(damaged)
    },
  )
})
