import { expect, test } from 'vitest'

import { countOf, sizeText } from '../../../src/files/listing/text.ts'

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [99_949, '99.9 kB'],
  [99_950, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [2_345_678, '2.3 MB'],
  [1.5e12, '1.5 TB'],
  [Number.MAX_SAFE_INTEGER, '9.0 PB'],
  [2 ** 63, '9223 PB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
})

test('one is not said as many are', () => {
  expect(countOf(1, 'file')).toBe('1 file')
  expect(countOf(0, 'file')).toBe('0 files')
  expect(countOf(10_000, 'entry', 'entries')).toBe('10,000 entries')
})
