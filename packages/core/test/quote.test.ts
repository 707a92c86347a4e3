import { expect, test } from 'vitest'

import { quote } from '../src/quote.ts'

test.each([
  ['tcp://h:80', '"tcp://h:80"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['a\n\u001b[31m\u202e\u0085\u{1f600}', '"a\\n\\u001b[31m\\u202e\\u0085\\ud83d\\ude00"'],
  ['http://user:secret@h/', '"...@h/"'],
  ['http://user:se/cr@et@h/', '"...@h/"'],
  ['http://h/?token=secret', '"http://h/?..."'],
  ['http://h/#secret', '"http://h/?..."'],
  ['x'.repeat(1_000_000), `"${'x'.repeat(100)}..."`],
  ['@'.repeat(1_000_000), '"...@"'],
  [7, 'a value of type number'],
  [null, 'a value of type null'],
])('%#: repeats text from outside in one short safe line', (text, quoted) => {
  expect(quote(text)).toBe(quoted)
})
