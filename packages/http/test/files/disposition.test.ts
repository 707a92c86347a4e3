import { parse } from 'content-disposition'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { isFieldValue } from '../../src/codec/tokens.ts'
import { disposition } from '../../src/files/disposition.ts'

test.each([
  ['plans.pdf', 'attachment; filename=plans.pdf'],
  ['the plans.pdf', 'attachment; filename="the plans.pdf"'],
  ['the "plans".pdf', 'attachment; filename="the \\"plans\\".pdf"'],
  ['a\\b; c=d.txt', 'attachment; filename="a\\\\b; c=d.txt"'],
  // Some take escapes in `filename` for what they stand for.
  ['50%41.txt', `attachment; filename=50%41.txt; filename*=UTF-8''50%2541.txt`],
  // RFC 6266 section 5.
  ['€ rates', `attachment; filename="? rates"; filename*=UTF-8''%E2%82%AC%20rates`],
  ['Übersicht.pdf', `attachment; filename="?bersicht.pdf"; filename*=UTF-8''%C3%9Cbersicht.pdf`],
  ['план.txt', `attachment; filename="????.txt"; filename*=UTF-8''%D0%BF%D0%BB%D0%B0%D0%BD.txt`],
  ['文件.txt', `attachment; filename="??.txt"; filename*=UTF-8''%E6%96%87%E4%BB%B6.txt`],
  ["it's(1)*.txt", `attachment; filename="it's(1)*.txt"`],
])('%s', (name, field) => {
  expect(disposition(name)).toBe(field)
  expect(disposition(name, 'inline')).toBe(field.replace('attachment', 'inline'))
})

test('control characters and halves of surrogate pairs are left out', () => {
  expect(disposition('a\r\nSet-Cookie: b\0.txt')).toBe('attachment; filename="aSet-Cookie: b.txt"')
  expect(disposition('a\u007f\u0085b')).toBe('attachment; filename=ab')
  expect(disposition('a\ud83d.txt')).toBe('attachment; filename=a.txt')
  expect(disposition('\udc33🐳\ud83d')).toBe(`attachment; filename="??"; filename*=UTF-8''%F0%9F%90%B3`)
})

test('a name of which nothing is left is none', () => {
  expect(disposition('')).toBe('attachment')
  expect(disposition('\n\ud83d', 'inline')).toBe('inline')
})

test('any name is a field value, and is read back', () => {
  const points = fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point))
  const piece = fc.oneof(points, fc.constantFrom('"', '\\', '%', "'", 'a', '\ud83d', '\udc33'))
  const names = fc.array(piece, { maxLength: 12 })
  fc.assert(
    fc.property(names, (parts) => {
      const name = parts.join('')
      const field = disposition(name)
      expect(isFieldValue(field)).toBe(true)
      expect(field).toMatch(/^[\x20-\x7e]+$/)
      const kept = name.replace(/[\p{Cc}\p{Surrogate}]/gu, '')
      expect(parse(field).parameters['filename'] ?? '').toBe(kept)
    }),
    { numRuns: 200 },
  )
})
