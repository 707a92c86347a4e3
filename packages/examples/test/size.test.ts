import { expect, test } from 'vitest'

import { formatSize, parseSize } from '../src/size.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [2_345_678, '2.3 MB'],
  [99_960, '100 kB'],
  [999_600, '1.0 MB'],
  [5e15, '5000 TB'],
])('%i bytes are %s', (bytes, text) => expect(formatSize(bytes)).toBe(text))

test.each([
  ['1', 1],
  ['500MB', 500_000_000],
  ['1.5 gb', 1_500_000_000],
  ['2kB', 2_000],
])('%s is understood', (text, bytes) => expect(parseSize(text)).toBe(bytes))

test.each(['', '0', '-1', '+5', '0x5', '1e3', '1_0', '5 5', 'MB', '9'.repeat(15) + 'TB', '1.', 'Infinity'])(
  '%j is no size',
  (text) => expect(parseSize(text)).toBeUndefined(),
)
