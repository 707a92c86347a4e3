import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { varintLength, VarintReader, writeVarint } from '../../src/connect-udp/varint.ts'

/** The bytes of an integer, in hexadecimal. */
function written(value: number): string {
  const bytes = new Uint8Array(8)
  return Buffer.from(bytes.subarray(0, writeVarint(bytes, 0, value))).toString('hex')
}

/** An integer from bytes in hexadecimal, and whether it is whole. */
function read(hex: string): { value: number; whole: boolean; length: number } {
  const reader = new VarintReader()
  const length = reader.read(Buffer.from(hex, 'hex'), 0)
  return { value: reader.value, whole: !reader.begun, length }
}

describe('variable-length integers (RFC 9000 section 16)', () => {
  test.each([
    // Appendix A.1.
    ['9d7f3e7d', 494_878_333],
    ['7bbd', 15_293],
    ['25', 37],
    ['4025', 37],
  ])('%s is %i', (hex, value) => {
    expect(read(hex)).toEqual({ value, whole: true, length: hex.length / 2 })
  })

  test.each([
    [0, '00'],
    [63, '3f'],
    [64, '4040'],
    [16_383, '7fff'],
    [16_384, '80004000'],
    [2 ** 30 - 1, 'bfffffff'],
    [2 ** 30, 'c000000040000000'],
    [Number.MAX_SAFE_INTEGER, 'c01fffffffffffff'],
  ])('%i is written as %s', (value, hex) => {
    expect(written(value)).toBe(hex)
    expect(varintLength(value)).toBe(hex.length / 2)
  })

  test.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('%d is not written', (value) => {
    expect(() => varintLength(value)).toThrow(RangeError)
    expect(() => writeVarint(new Uint8Array(8), 0, value)).toThrow(RangeError)
  })

  test('each that is written is read again, cut at each byte', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = Buffer.from(written(value), 'hex')
        const reader = new VarintReader()
        for (let at = 0; at < bytes.length; at++) {
          expect(reader.read(bytes.subarray(at, at + 1), 0)).toBe(1)
          expect(reader.begun).toBe(at < bytes.length - 1)
        }
        expect(reader.value).toBe(value)
      }),
    )
  })

  test('none needs its shortest form', () => {
    for (const hex of ['00', '4000', '80000000', 'c000000000000000']) expect(read(hex).value).toBe(0)
  })

  test('one beyond 2^53 is about right', () => {
    expect(read('c2197c5eff14e88c').value).toBe(Number(151_288_809_941_952_652n))
  })

  test('the largest is as large as can be told', () => {
    expect(read('ff'.repeat(8)).value).toBe(2 ** 62)
  })

  test('what follows an integer is left alone', () => {
    expect(read('4025ff').length).toBe(2)
  })
})
