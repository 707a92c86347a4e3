import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type ByteRange, type Ranges, rangesOf } from '../../src/files/ranges.ts'

const forty = '9'.repeat(40)

function picked(value: string, size = 10_000): Ranges {
  return rangesOf('GET', value, size)
}

describe('the examples of RFC 9110 section 14.1.2, of 10000 bytes', () => {
  test.each([
    ['bytes=0-499', [[0, 499]]],
    ['bytes=500-999', [[500, 999]]],
    ['bytes=-500', [[9500, 9999]]],
    ['bytes=9500-', [[9500, 9999]]],
    [
      'bytes=0-0,-1',
      [
        [0, 0],
        [9999, 9999],
      ],
    ],
    [
      'bytes= 0-999, 4500-5499, -1000',
      // Blanks in front of the first are no part of a list (section 5.6.1.2).
      'whole',
    ],
    [
      'bytes=0-999, 4500-5499, -1000',
      [
        [0, 999],
        [4500, 5499],
        [9000, 9999],
      ],
    ],
    ['bytes=500-600,601-999', [[500, 999]]],
    ['bytes=500-700,601-999', [[500, 999]]],
  ])('%s', (value, expected) => {
    expect(picked(value)).toEqual(
      typeof expected === 'string' ? expected : expected.map(([start, end]) => ({ start, end })),
    )
  })
})

test.each([
  ['bytes=0-', [{ start: 0, end: 99 }]],
  ['bytes=0-0', [{ start: 0, end: 0 }]],
  ['bytes=99-', [{ start: 99, end: 99 }]],
  ['bytes=0-99', [{ start: 0, end: 99 }]],
  ['bytes=0-100', [{ start: 0, end: 99 }]],
  ['BYTES=1-2', [{ start: 1, end: 2 }]],
  ['bytes=007-008', [{ start: 7, end: 8 }]],
  ['bytes=,, 1-2 ,,', [{ start: 1, end: 2 }]],
  ['bytes=1-2,\t200-', [{ start: 1, end: 2 }]],
  // More than there is, from the end.
  ['bytes=-100', [{ start: 0, end: 99 }]],
  ['bytes=-101', [{ start: 0, end: 99 }]],
  [`bytes=-${forty}`, [{ start: 0, end: 99 }]],
  [`bytes=5-${forty}`, [{ start: 5, end: 99 }]],
  [`bytes=${'0'.repeat(40)}5-6`, [{ start: 5, end: 6 }]],
])('%s of 100 bytes', (value, ranges) => {
  expect(picked(value, 100)).toEqual(ranges)
})

test.each([
  'bytes=100-',
  'bytes=100-200',
  'bytes=-0',
  'bytes=-000',
  'bytes=-0,100-',
  'bytes=9007199254740993-',
  `bytes=${forty}-`,
  `bytes=${forty}-${forty}`,
  `bytes=${'9'.repeat(400)}-`,
])('%s of 100 bytes cannot be satisfied', (value) => {
  expect(picked(value, 100)).toBe('unsatisfiable')
})

describe('6 and 14.2: what is no set of ranges of bytes is ignored', () => {
  test.each([
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=--1',
    'bytes=0',
    'bytes=9-1',
    'bytes=0-1,9-1',
    'bytes=9007199254740993-9007199254740992',
    `bytes=${forty}-${'9'.repeat(39)}8`,
    'bytes=+5-9',
    'bytes=5-+9',
    'bytes=-+5',
    'bytes=0x5-9',
    'bytes=1_0-20',
    'bytes=1e1-20',
    'bytes=1.0-2',
    'bytes=5 5-9',
    'bytes=5 - 9',
    'bytes= 5-9',
    'bytes =5-9',
    ' bytes=5-9',
    'bytes=5-9x',
    'bytes=5-9;6-7',
    'bytes=a-b',
    'bytes=٥-٩',
    'bytes=5-9\0',
    'bytes=0-1-2',
    'bytes: 0-1',
    'bytes=bytes=0-1',
    'bytes=0-1, bytes=4-5',
    'items=0-1',
    'none',
    'bytesx=0-1',
    '__proto__=0-1',
  ])('%s', (value) => {
    expect(picked(value, 100)).toBe('whole')
  })
})

test('no Range, and no GET, is the whole', () => {
  expect(rangesOf('GET', null, 100)).toBe('whole')
  for (const method of ['HEAD', 'POST', 'PUT', 'get'])
    expect(rangesOf(method, 'bytes=0-1', 100)).toBe('whole')
})

test('of nothing only the last bytes can be asked for, which are the whole', () => {
  for (const value of ['bytes=0-', 'bytes=0-0', 'bytes=-0', 'bytes=1-', `bytes=${forty}-`, 'bytes=0-,-0']) {
    expect(picked(value, 0)).toBe('unsatisfiable')
  }
  for (const value of ['bytes=-1', 'bytes=-010', `bytes=-${forty}`, 'bytes=0-,-5']) {
    expect(picked(value, 0)).toBe('whole')
  }
  expect(picked('bytes=9-1', 0)).toBe('whole')
})

test('several ranges that come to the whole are the whole; one is what was asked for', () => {
  expect(picked('bytes=0-49,50-99', 100)).toBe('whole')
  expect(picked('bytes=50-,0-60', 100)).toBe('whole')
  expect(picked('bytes=0-,200-', 100)).toBe('whole')
  expect(picked('bytes=0-,0-,0-', 100)).toBe('whole')
  expect(picked('bytes=0-', 100)).toEqual([{ start: 0, end: 99 }])
})

test('the order that was asked for is kept', () => {
  expect(picked('bytes=90-, 0-1, 95-96, 40-49', 100)).toEqual([
    { start: 90, end: 99 },
    { start: 0, end: 1 },
    { start: 40, end: 49 },
  ])
})

test('a hundred ranges are picked, more are the whole', () => {
  const list = (count: number): string => Array.from({ length: count }, (_, i) => `${2 * i}-${2 * i}`).join()
  expect(picked(`bytes=${list(100)}`)).toHaveLength(100)
  expect(picked(`bytes=${list(101)}`)).toBe('whole')
  expect(picked(`bytes=${'0-,'.repeat(101)}`)).toBe('whole')
})

const isInside =
  (size: number) =>
  ({ start, end }: ByteRange): boolean =>
    Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end < size

describe('for any set of ranges', () => {
  const position = fc.oneof(fc.nat(40), fc.constantFrom(2 ** 31, 2 ** 53, 1e20)).map(BigInt)
  const spec = fc.oneof(
    fc.tuple(position, position).map(([a, b]): [bigint, bigint] => (a <= b ? [a, b] : [b, a])),
    position.map((first): [bigint, undefined] => [first, undefined]),
    position.map((length): [undefined, bigint] => [undefined, length]),
  )

  test('the bytes are those that were asked for, each once', () => {
    fc.assert(
      fc.property(
        fc.array(spec, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        (specs, size) => {
          const wanted = Array.from({ length: size }, (_, at) =>
            specs.some(([first, last]) => {
              if (first === undefined) return BigInt(size - at) <= last
              return BigInt(at) >= first && (last === undefined || BigInt(at) <= last)
            }),
          )
          const got = picked(
            `bytes=${specs.map(([first, last]) => `${first ?? ''}-${last ?? ''}`).join()}`,
            size,
          )
          if (got === 'unsatisfiable') {
            expect(wanted).not.toContain(true)
            return
          }
          if (got === 'whole') {
            expect(specs.length).toBeGreaterThan(1)
            expect(wanted).not.toContain(false)
            return
          }
          const times = Array.from<number>({ length: size }).fill(0)
          for (const { start, end } of got)
            for (let at = start; at <= end; at++) times[at] = (times[at] ?? NaN) + 1
          expect(times).toEqual(wanted.map(Number))
          expect(got.every(isInside(size))).toBe(true)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('any text gives ranges inside, or none', () => {
    const texts = fc.array(fc.constantFrom('bytes=', '-', ',', '0', '5', '99', ' ', '+', 'x'), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(texts, fc.nat(100), (parts, size) => {
        const got = picked(parts.join(''), size)
        if (typeof got !== 'string') expect(got.length > 0 && got.every(isInside(size))).toBe(true)
      }),
    )
  })
})

test.each([
  ['commas', `bytes=${','.repeat(1_000_000)}`],
  ['ranges', `bytes=${'0-,'.repeat(300_000)}`],
  ['digits', `bytes=${'9'.repeat(500_000)}-${'9'.repeat(500_000)}`],
  ['zeros', `bytes=${'0'.repeat(1_000_000)}x`],
  ['blanks', `bytes=0-${' '.repeat(1_000_000)}1`],
  ['dashes', `bytes=${'-'.repeat(1_000_000)}`],
])('a megabyte of %s takes no time', (_, value) => {
  const from = performance.now()
  picked(value)
  // What is quadratic takes minutes.
  expect(performance.now() - from).toBeLessThan(2_000)
})
