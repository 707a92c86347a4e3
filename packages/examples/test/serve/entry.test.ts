import { expect, test } from 'vitest'

import { calmLine, commonLine, type LogEntry } from '../../src/serve/entry.ts'

const entry: LogEntry = {
  time: new Date(2026, 2, 1, 9, 5, 7),
  client: '192.168.1.7',
  user: undefined,
  method: 'GET',
  target: '/photos/%C3%BCber%20all.jpg?x=1',
  status: 206,
  bytes: 1_234_567,
  duration: 14.26,
}

test('a calm line says who, what, and what became of it', () => {
  expect(calmLine(entry)).toBe('09:05:07  192.168.1.7  GET  /photos/über all.jpg?x=1  206  1.2 MB  14 ms')
  expect(calmLine({ ...entry, user: 'ann', duration: 0.42 })).toContain('ann@192.168.1.7  GET')
  expect(calmLine({ ...entry, duration: 0.42 })).toMatch(/ 0\.4 ms$/)
  expect(calmLine({ ...entry, duration: 61_500 })).toMatch(/ 61\.5 s$/)
})

test('whoever left before the end is told of', () => {
  const cut = { ...entry, status: undefined, bytes: undefined }
  expect(calmLine(cut)).toMatch(/ {2}cut off {2}14 ms$/)
  expect(commonLine(cut)).toMatch(/" 499 -$/)
})

test.each(['/%0aforged', '/%1b[31m', '/%e2%80%ae', '/%c2%85', '/%zz', '/%ff', '/two%20%20columns'])(
  'what a terminal would obey stays encoded: %s',
  (target) => expect(calmLine({ ...entry, target })).toContain(`  ${target}  `),
)

test('a common line is that of the Common Log Format', () => {
  const form =
    /^192\.168\.1\.7 - ann \[01\/Mar\/2026:09:05:07 [+-]\d{4}\] "GET \/photos\/%C3%BCber%20all\.jpg\?x=1 HTTP\/1\.1" 206 1234567$/
  expect(commonLine({ ...entry, user: 'ann' })).toMatch(form)
  expect(commonLine({ ...entry, user: 'a "b\\' })).toContain(' - a__b_ [')
  expect(commonLine({ ...entry, target: '/"\\' })).toContain('"GET /\\"\\\\ HTTP/1.1"')
})
