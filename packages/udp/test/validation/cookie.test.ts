import { expect, test } from 'vitest'

import { CookieJar, epochLength, type Holder } from '../../src/validation/cookie.ts'

const holder: Holder = { host: '192.0.2.1', port: 4_000, nonce: 'sixteen octets..' }

function jar(): CookieJar {
  let drawn = 0
  return new CookieJar(() => Buffer.alloc(32, String(++drawn)))
}

test('knows its own cookies, and makes the same for the same', () => {
  const cookies = jar()
  const cookie = cookies.make(holder, 0)
  expect(cookie.byteLength).toBe(17)
  expect(cookies.make(holder, 1)).toEqual(cookie)
  expect(cookies.knows(cookie, holder, 2)).toBe(true)
})

test.each([
  ['host', { ...holder, host: '192.0.2.2' }],
  ['port', { ...holder, port: 4_001 }],
  ['nonce', { ...holder, nonce: 'sixteen octets.,' }],
  ['digits moved from port to host', { ...holder, host: '0192.0.2.1', port: 400 }],
])('does not know it for another %s', (_, other) => {
  const cookies = jar()
  expect(cookies.knows(cookies.make(holder, 0), other, 0)).toBe(false)
})

test('does not know it with any bit changed', () => {
  const cookies = jar()
  const cookie = cookies.make(holder, 0)
  for (let bit = 0; bit < cookie.byteLength * 8; bit++) {
    const forged = Uint8Array.from(cookie)
    forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(cookies.knows(forged, holder, 0)).toBe(false)
  }
})

test('knows it in its epoch and the next, and never after', () => {
  for (const age of [0, epochLength - 1, epochLength, 2 * epochLength - 1]) {
    const cookies = jar()
    expect(cookies.knows(cookies.make(holder, 0), holder, age)).toBe(true)
  }
  for (const age of [
    2 * epochLength,
    3 * epochLength,
    255 * epochLength,
    256 * epochLength,
    257 * epochLength,
  ]) {
    const cookies = jar()
    expect(cookies.knows(cookies.make(holder, 0), holder, age)).toBe(false)
  }
  // Also where it was looked at all the time in between, and the octet comes round.
  const cookies = jar()
  const cookie = cookies.make(holder, 0)
  const known = Array.from({ length: 600 }, (_, epoch) => cookies.knows(cookie, holder, epoch * epochLength))
  expect(known.flatMap((it, epoch) => (it ? [epoch] : []))).toEqual([0, 1])
})

test('knows no cookie of another jar: a server that was restarted', () => {
  expect(new CookieJar().knows(new CookieJar().make(holder, 0), holder, 0)).toBe(false)
})
