import { expect, test } from 'vitest'

import { Backoff } from '../src/backoff.ts'
import { lengthPrefixed } from '../src/framing.ts'
import { pair } from '../src/memory.ts'
import { splice } from '../src/splice.ts'

type Wrong = never

test('what is no option is refused by name', () => {
  const [a, b] = pair()
  expect(() => lengthPrefixed(a, { includesHeader: 'no' as Wrong })).toThrow(/^Invalid option includesHeader/)
  expect(() => splice(a, b, { heads: 5 as Wrong })).toThrow(/^Invalid option heads/)
  expect(() => splice(a, b, { heads: ['x' as Wrong] })).toThrow(/^Invalid option heads/)
  expect(() => splice(a, b, { signal: 'x' as Wrong })).toThrow(/^Invalid option signal/)
  expect(() => new Backoff('x' as Wrong)).toThrow(/^Invalid options of backoff/)
  expect([a.state, b.state]).toEqual(['open', 'open'])
})
