import * as zlib from 'node:zlib'

import { LimitError } from '@fairlead/core'
import { describe, expect, test } from 'vitest'

import { Fields } from '../../src/codec/index.ts'
import { codingsOf, decodeInto } from '../../src/coding/decoder.ts'
import { bytewise, decode, encodings, limits, noise, thrownBy } from './decode.ts'

const mebibyte = 1024 * 1024
const zeros = Buffer.alloc(8 * mebibyte)
const nowhere = { push() {}, finish() {}, abort() {} }
const nobody = { flow() {}, fail() {} }

describe.each(encodings)('$title', ({ coding, encode }) => {
  const bomb = encode(zeros)
  const allowed = Math.max(mebibyte, 250 * bomb.length)

  test('that becomes a thousand times as long is stopped in mid-stream', async () => {
    const { size, ends, error, failures } = await decode([coding], [bomb])
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_LIMIT', limit: 'expansion' })
    expect((error as LimitError).value).toBeGreaterThanOrEqual(250)
    expect(ends).toEqual(['abort'])
    expect(failures).toEqual([error])
    expect(size).toBeLessThanOrEqual(allowed)
    expect(size).toBeLessThan(zeros.length / 2)
    expect(thrownBy([coding], bomb)).toMatchObject({ limit: 'expansion' })
  })

  test('that comes byte by byte is stopped as well', async () => {
    const { size, error } = await decode([coding], bytewise(bomb))
    expect(error).toMatchObject({ limit: 'expansion' })
    expect(size).toBeLessThanOrEqual(allowed)
  })

  test('may become as long as it likes when that limit is lifted', async () => {
    expect(await decode([coding], [bomb], { expansion: Infinity })).toMatchObject({ size: zeros.length })
    expect(thrownBy([coding], bomb, { expansion: Infinity })).toBeUndefined()
  })

  test('may become much longer below 1 MiB', async () => {
    const mild = encode(Buffer.alloc(mebibyte))
    expect(await decode([coding], [mild])).toMatchObject({ size: mebibyte, ends: ['finish'] })
    expect(thrownBy([coding], mild)).toBeUndefined()
  })

  test('is cut where the decoded body is too large', async () => {
    const body = noise(100_000)
    const encoded = encode(body)
    for (const bodyBytes of [0, 1, 65_536, 99_999]) {
      const { size, error } = await decode([coding], [encoded], { bodyBytes })
      expect(error).toMatchObject({ code: 'ERR_FAIRLEAD_LIMIT', limit: 'maxBodySize' })
      expect((error as LimitError).message).toBe(`Cannot decode body: more than ${bodyBytes} bytes`)
      expect(size).toBeLessThanOrEqual(bodyBytes)
      expect(thrownBy([coding], encoded, { bodyBytes })).toMatchObject({ limit: 'maxBodySize' })
    }
    expect(await decode([coding], [encoded], { bodyBytes: 100_000 })).toMatchObject({ size: 100_000 })
    expect(thrownBy([coding], encoded, { bodyBytes: 100_000 })).toBeUndefined()
  })

  test('of nothing fits where no byte is allowed', async () => {
    expect(await decode([coding], [encode('')], { bodyBytes: 0 })).toMatchObject({ ends: ['finish'] })
    expect(thrownBy([coding], encode(''), { bodyBytes: 0 })).toBeUndefined()
  })

  test('is stopped when it hides in another coding', async () => {
    const hidden = zlib.gzipSync(bomb)
    const { size, error } = await decode([coding, 'gzip'], [hidden])
    expect(error).toMatchObject({ limit: 'expansion' })
    expect(size).toBeLessThanOrEqual(Math.max(mebibyte, 250 * hidden.length))
    expect(thrownBy([coding, 'gzip'], hidden)).toMatchObject({ limit: 'expansion' })
  })
})

test('a coding that decodes to much, and that to nothing, is stopped as well', async () => {
  const empty = zlib.gzipSync('')
  const members = Buffer.concat(Array.from({ length: 400_000 }, () => empty))
  const encoded = zlib.brotliCompressSync(members)
  const { size, error } = await decode(['gzip', 'br'], [encoded])
  expect(size).toBe(0)
  expect(error).toMatchObject({ limit: 'expansion' })
  expect(thrownBy(['gzip', 'br'], encoded)).toMatchObject({ limit: 'expansion' })
})

test('more codings than three are refused before a byte is decoded', () => {
  for (const count of [4, 300, 3000]) {
    const codings = codingsOf(new Fields(['Content-Encoding', 'gzip, '.repeat(count)]))
    expect(codings).toHaveLength(count)
    const refusal = expect.objectContaining({ limit: 'contentCodings', value: count })
    expect(thrownBy(codings!, Buffer.from('x'))).toEqual(refusal)
    expect(() => decodeInto(codings!, nowhere, nobody, limits)).toThrow(refusal)
  }
})

test('how many codings there may be is to be set', () => {
  const contentCodings = 1
  expect(() => decodeInto(['gzip', 'br'], nowhere, nobody, { ...limits, contentCodings })).toThrow(LimitError)
  expect(() => decodeInto(['gzip'], nowhere, nobody, { ...limits, contentCodings: 0 })).toThrow(LimitError)
  expect(() => decodeInto(['gzip'], nowhere, nobody, { ...limits, contentCodings })).not.toThrow()
})
