import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { codingFor, codingsFor, type SentCoding } from '../../src/coding/negotiation.ts'

const all = ['br', 'zstd', 'gzip'] as const

test.each([
  // Those of browsers, curl and wget.
  ['gzip, deflate, br, zstd', ['br', 'zstd', 'gzip']],
  ['gzip, deflate, br', ['br', 'gzip']],
  ['gzip, deflate', ['gzip']],
  ['deflate, gzip, br, zstd', ['br', 'zstd', 'gzip']],
  ['identity', []],
  ['', []],
  [null, []],
  // RFC 9110 section 12.5.3.
  ['compress, gzip', ['gzip']],
  ['*', ['br', 'zstd', 'gzip']],
  ['compress;q=0.5, gzip;q=1.0', ['gzip']],
  ['gzip;q=1.0, identity; q=0.5, *;q=0', ['gzip']],
  // Weights before our own liking, which decides where they are the same.
  ['br;q=0.5, gzip', ['gzip', 'br']],
  ['gzip;q=0.8, br;q=0.9, zstd;q=1.0', ['zstd', 'br', 'gzip']],
  ['gzip;q=0.5, zstd;q=0.5', ['zstd', 'gzip']],
  ['GZIP , Br;Q=0.001', ['gzip', 'br']],
  ['gzip\t;\tq=0.5', ['gzip']],
  // What is refused, and what is liked less than none.
  ['br;q=0, *', ['zstd', 'gzip']],
  ['gzip;q=0', []],
  ['gzip;q=0.000', []],
  ['*;q=0', []],
  ['*;q=0, gzip', ['gzip']],
  ['identity, gzip;q=0.5', []],
  ['identity;q=0.5, gzip;q=0.5', ['gzip']],
  ['identity;q=0.5, gzip;q=0.4, br', ['br']],
  ['identity;q=0, gzip;q=0.001', ['gzip']],
  // Other codings are not ours to send.
  ['deflate', []],
  ['x-br', []],
  ['__proto__, constructor', []],
  // Members that are none say nothing.
  ['br;q=2, gzip', ['gzip']],
  ['br;q=-1, gzip', ['gzip']],
  ['br;q=nonsense, gzip', ['gzip']],
  ['br;q=0x1, gzip', ['gzip']],
  ['br;q=1e0, gzip', ['gzip']],
  ['br;q=0.1234, gzip', ['gzip']],
  ['br;q="1", gzip', ['gzip']],
  ['br;q=, gzip', ['gzip']],
  ['br;q=0;q=1, gzip', ['gzip']],
  ['br;level=9, gzip', ['gzip']],
  ['b r, gzip', ['gzip']],
  ['"br", gzip', ['gzip']],
  [',, ,gzip,', ['gzip']],
  [',', []],
])('%s accepts %j', (field, codings) => {
  expect(codingsFor(field, all)).toEqual(codings)
  expect(codingFor(field, all)).toBe(codings[0])
})

test('only what is there is chosen', () => {
  expect(codingsFor('gzip, br', [])).toEqual([])
  expect(codingFor('gzip, br', ['gzip'])).toBe('gzip')
  expect(codingFor('gzip, br', ['zstd'])).toBeUndefined()
  expect(codingFor('*', ['gzip', 'br'])).toBe('gzip')
})

test('a field that is longer than any is not looked at', () => {
  const long = `br, identity;q=0,${' '.repeat(1_100)}`
  expect(codingsFor(long, all)).toEqual([])
  for (const piece of [',', 'br,', 'gzip;q=0.5,', ' ', ';', 'a']) {
    const from = performance.now()
    codingsFor(piece.repeat(1_000_000 / piece.length), all)
    expect(performance.now() - from).toBeLessThan(500)
  }
})

describe('for any field', () => {
  const weights = fc.constantFrom(undefined, '0', '0.1', '0.5', '0.9', '1')
  const members = fc.uniqueArray(
    fc.tuple(fc.constantFrom('br', 'zstd', 'gzip', 'identity', '*', 'deflate'), weights),
    { selector: ([name]) => name, maxLength: 6 },
  )

  test('what is chosen is what RFC 9110 section 12.5.3 lets be chosen', () => {
    fc.assert(
      fc.property(members, fc.subarray([...all]), (members, available) => {
        const field = members.map(([name, q]) => (q === undefined ? name : `${name};q=${q}`)).join(', ')
        const said = new Map(members.map(([name, q]) => [name, Number(q ?? 1)]))
        const weightOf = (coding: SentCoding): number => said.get(coding) ?? said.get('*') ?? 0
        const identity = said.get('identity') ?? said.get('*')
        const chosen = codingsFor(field, available)
        for (const coding of chosen) {
          expect(weightOf(coding)).toBeGreaterThan(0)
          expect(weightOf(coding)).toBeGreaterThanOrEqual(identity ?? 0)
        }
        // The best first, our own liking where two are as good.
        const expected = available
          .filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= (identity ?? 0))
          .toSorted((a, b) => weightOf(b) - weightOf(a) || all.indexOf(a) - all.indexOf(b))
        expect(chosen).toEqual(expected)
      }),
      { numRuns: 1_000 },
    )
  })

  test('any text is understood or not', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (field) => {
        expect(all).toEqual(expect.arrayContaining([...codingsFor(field, all)]))
      }),
    )
  })
})
