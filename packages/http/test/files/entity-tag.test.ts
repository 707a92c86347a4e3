import { expect, test } from 'vitest'

import { type FileFacts, statTag, withCoding } from '../../src/files/entity-tag.ts'
import { isSameTag } from '../../src/files/entity-tags.ts'

const now = 1_750_000_000_000
/** Milliseconds ago, in nanoseconds since the epoch. */
const ago = (ms: number): bigint => BigInt(now - ms) * 1_000_000n
const facts: FileFacts = { size: 1234n, mtimeNs: ago(60_000), ctimeNs: ago(60_000), ino: 5678n }

test('what has not been changed for two seconds has a strong tag, which stays', () => {
  const tag = statTag(facts, now)
  expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/)
  expect(statTag({ ...facts }, now + 1e9)).toBe(tag)
  expect(statTag({ ...facts, mtimeNs: ago(2_000), ctimeNs: ago(2_000) }, now)).toMatch(/^"/)
})

test.each([
  ['its size', { size: 1235n }],
  ['its time, by a nanosecond', { mtimeNs: facts.mtimeNs + 1n }],
  ['its time, backwards', { mtimeNs: 0n }],
  ['its time, before 1970', { mtimeNs: -1n }],
  ['the time of its inode', { ctimeNs: facts.ctimeNs + 1n }],
  ['its inode', { ino: 5679n }],
  ['its inode, beyond what a number can tell', { ino: 2n ** 60n + 1n }],
  ['its inode, in the upper bits', { ino: 5678n + 2n ** 63n }],
])('another strong tag when %s changes', (_, change) => {
  const tag = statTag({ ...facts, ...change }, now)
  expect(tag).toMatch(/^"/)
  expect(tag).not.toBe(statTag(facts, now))
})

test.each([
  ['content', { mtimeNs: ago(1_999), ctimeNs: ago(1_999) }],
  ['inode, its time set back', { mtimeNs: ago(1e9), ctimeNs: ago(0) }],
  ['inode, its time set ahead', { mtimeNs: ago(-1e9), ctimeNs: ago(0) }],
  ['content, where there is no time of the inode', { mtimeNs: ago(0), ctimeNs: 0n }],
  ['content, in what the clock says is the future', { mtimeNs: ago(-5_000), ctimeNs: ago(-5_000) }],
])('what was changed just now has a weak tag: %s', (_, change) => {
  const young = { ...facts, ...change }
  const tag = statTag(young, now)
  expect(tag).toMatch(/^W\/"[\x21\x23-\x7e]+"$/)
  // Whoever got it between two changes in one tick of the clock is not told that nothing has changed since.
  expect(isSameTag(tag, statTag(young, now + 10_000), 'weak')).toBe(false)
})

test('a time that was set ahead does not make it weak for ever', () => {
  expect(statTag({ ...facts, mtimeNs: ago(-1e9) }, now)).toMatch(/^"/)
})

test('inode and the time of its change are not told', () => {
  const tag = statTag({ ...facts, ctimeNs: ago(30_000) }, now)
  for (const base of [10, 16, 36]) {
    expect(tag).not.toContain(facts.ino.toString(base))
    expect(tag).not.toContain(ago(30_000).toString(base))
  }
})

test('a variant in a coding has a tag of its own, as strong as that of the file', () => {
  expect(withCoding('"a"', 'br')).toBe('"a-br"')
  expect(withCoding('W/"a"', 'gzip')).toBe('W/"a-gzip"')
  expect(isSameTag(withCoding('"a"', 'br'), '"a"', 'weak')).toBe(false)
})

test.each([
  // RFC 9110 section 8.8.3.2, table 3.
  ['W/"1"', 'W/"1"', false, true],
  ['W/"1"', 'W/"2"', false, false],
  ['W/"1"', '"1"', false, true],
  ['"1"', '"1"', true, true],
])('%s and %s are the same: strong %s, weak %s', (one, other, strong, weak) => {
  expect(isSameTag(one, other, 'strong')).toBe(strong)
  expect(isSameTag(other, one, 'strong')).toBe(strong)
  expect(isSameTag(one, other, 'weak')).toBe(weak)
  expect(isSameTag(other, one, 'weak')).toBe(weak)
})
