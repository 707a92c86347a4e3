import fc from 'fast-check'
import { expect, test } from 'vitest'

import { httpDate } from '../../src/codec/date.ts'
import { parseHttpDate } from '../../src/files/http-date.ts'

const example = Date.UTC(1994, 10, 6, 8, 49, 37)
const now = Date.UTC(2026, 5, 1)

test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
  '%s is the example of RFC 9110',
  (text) => {
    expect(parseHttpDate(text, now)).toBe(example)
  },
)

test.each([
  ['nothing', ''],
  ['a number', '784111777'],
  ['ISO 8601', '1994-11-06T08:49:37Z'],
  ['another zone', 'Sun, 06 Nov 1994 08:49:37 CET'],
  ['a zone in digits', 'Sun, 06 Nov 1994 08:49:37 +0000'],
  ['no zone', 'Sun, 06 Nov 1994 08:49:37'],
  ['another day of the week', 'Mon, 06 Nov 1994 08:49:37 GMT'],
  ['a day of one digit', 'Sun, 6 Nov 1994 08:49:37 GMT'],
  ['lower case', 'sun, 06 nov 1994 08:49:37 gmt'],
  ['a day that is none', 'Wed, 30 Feb 1994 08:49:37 GMT'],
  ['an hour that is none', 'Sun, 06 Nov 1994 24:49:37 GMT'],
  ['a minute that is none', 'Sun, 06 Nov 1994 08:60:37 GMT'],
  ['a month that is none', 'Sun, 06 Foo 1994 08:49:37 GMT'],
  ['two blanks', 'Sun,  06 Nov 1994 08:49:37 GMT'],
  ['something in front', ' Sun, 06 Nov 1994 08:49:37 GMT'],
  ['something behind', 'Sun, 06 Nov 1994 08:49:37 GMT; length=3'],
  ['two dates', 'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT'],
  ['a long day with a long year', 'Sunday, 06-Nov-1994 08:49:37 GMT'],
  ['a short day with a short year', 'Sun, 06-Nov-94 08:49:37 GMT'],
  ['a day that nobody has', 'Someday, 06-Nov-94 08:49:37 GMT'],
  ['another long day', 'Monday, 06-Nov-94 08:49:37 GMT'],
  ['asctime without its blank', 'Sun Nov 6 08:49:37 1994'],
  ['asctime of another day', 'Mon Nov  6 08:49:37 1994'],
  ['a year of two digits', 'Sun, 06 Nov 0094 08:49:37 GMT'],
  ['a line more', 'Sun, 06 Nov 1994 08:49:37 GMT\n'],
])('%s is no date', (_, text) => {
  expect(parseHttpDate(text, now)).toBeUndefined()
})

test('a year of two digits is at most 50 years ahead', () => {
  expect(parseHttpDate('Thursday, 01-Jan-26 00:00:00 GMT', now)).toBe(Date.UTC(2026, 0, 1))
  expect(parseHttpDate('Wednesday, 01-Jan-76 00:00:00 GMT', now)).toBe(Date.UTC(2076, 0, 1))
  expect(parseHttpDate('Saturday, 01-Jan-77 00:00:00 GMT', now)).toBe(Date.UTC(1977, 0, 1))
  expect(parseHttpDate('Friday, 01-Jan-99 00:00:00 GMT', now)).toBe(Date.UTC(1999, 0, 1))
  expect(parseHttpDate('Wednesday, 01-Jan-10 00:00:00 GMT', Date.UTC(2080, 0))).toBe(Date.UTC(2110, 0, 1))
})

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e10 }), (seconds) => {
      expect(parseHttpDate(httpDate(seconds * 1000), now)).toBe(seconds * 1000)
    }),
  )
})

test('any text is a date or none', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      expect(parseHttpDate(text)).toBeUndefined()
    }),
  )
})
