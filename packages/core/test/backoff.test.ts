import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { Backoff, type BackoffOptions } from '../src/backoff.ts'

/** What it hands out until it gives up, or `most` of it. */
function delays(options: BackoffOptions, most = 1_000): number[] {
  const backoff = new Backoff(options)
  const all: number[] = []
  for (let delay = backoff.next(); delay !== undefined && all.length < most; delay = backoff.next())
    all.push(delay)
  return all
}

const highest = (): number => 1 - Number.EPSILON
const lowest = (): number => 0

/** The same numbers each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('Backoff', () => {
  test('the ceiling doubles up to the cap', () => {
    const options = { base: 100, cap: 1_000, maxAttempts: 6 }
    expect(delays({ ...options, random: highest })).toEqual([100, 200, 400, 800, 1_000, 1_000])
    expect(delays({ ...options, random: lowest })).toEqual([0, 0, 0, 0, 0, 0])
    expect(delays({ ...options, random: () => 0.5 })).toEqual([50, 100, 200, 400, 500, 500])
  })

  test('by default it starts at a second, is capped at thirty, and gives up after a hundred', () => {
    const all = delays({ random: highest })
    expect(all.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect(all).toHaveLength(100)
  })

  test('stays at the cap for as long as it is asked', () => {
    const all = delays({ base: 1, cap: 7, maxAttempts: 5_000, random: highest }, 5_000)
    expect(all).toHaveLength(5_000)
    expect(all.at(-1)).toBe(7)
  })

  test('a base beyond the default cap raises it', () => {
    expect(delays({ base: 60_000, maxAttempts: 2, random: highest })).toEqual([60_000, 60_000])
  })

  test('counts, gives up, goes on giving up, and begins anew', () => {
    const backoff = new Backoff({ base: 10, maxAttempts: 2, random: highest })
    expect([backoff.attempts, backoff.next(), backoff.next(), backoff.attempts]).toEqual([0, 10, 20, 2])
    expect([backoff.next(), backoff.next(), backoff.attempts]).toEqual([undefined, undefined, 2])
    backoff.reset()
    expect([backoff.attempts, backoff.next(), backoff.attempts]).toEqual([0, 10, 1])
  })

  test('hands out no wait that would end after maxElapsed, and measures from the first since a reset', () => {
    let now = 5_000
    const backoff = new Backoff({ base: 100, cap: 100, maxElapsed: 250, random: highest, clock: () => now })
    expect(backoff.next()).toBe(100)
    now += 150
    expect(backoff.next()).toBe(100)
    now += 1
    expect(backoff.next()).toBeUndefined()
    backoff.reset()
    expect(backoff.next()).toBe(100)
    now += 1_000
    expect(backoff.next()).toBeUndefined()
  })

  test.each<[string, BackoffOptions]>([
    ['base', { base: 0 }],
    ['base', { base: 1.5 }],
    ['base', { base: '100' as unknown as number }],
    ['cap', { cap: Infinity }],
    ['cap', { cap: Number.NaN }],
    ['cap', { base: 100, cap: 99 }],
    ['maxAttempts', { maxAttempts: Infinity }],
    ['maxAttempts', { maxAttempts: 0 }],
    ['maxElapsed', { maxElapsed: -1 }],
  ])('refuses a bad %s', (name, options) => {
    expect(() => new Backoff(options)).toThrow(RangeError)
    expect(() => new Backoff(options)).toThrow(`Invalid option ${name}: `)
  })

  test('every wait is a whole number from zero to the ceiling', () => {
    const time = fc.integer({ min: 1, max: 2_147_483_647 })
    fc.assert(
      fc.property(time, time, fc.integer(), (one, other, seed) => {
        const [base, cap] = one < other ? [one, other] : [other, one]
        for (const [attempt, delay] of delays({ base, cap, random: seeded(seed) }).entries()) {
          expect(Number.isInteger(delay)).toBe(true)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(Math.min(cap, base * 2 ** attempt))
        }
      }),
    )
  })

  test('5,000 clients that lost their server at once do not come back at once', () => {
    const random = seeded(1)
    const clients = Array.from({ length: 5_000 }, () => new Backoff({ random }))
    // The ceiling of each attempt in hundred slots: evenly spread, a slot has 50.
    for (const ceiling of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const slots = Array.from({ length: 100 }, () => 0)
      for (const client of clients) {
        const slot = Math.min(99, Math.floor(((client.next() as number) / ceiling) * 100))
        slots[slot] = (slots[slot] as number) + 1
      }
      expect(Math.max(...slots)).toBeLessThan(100)
      expect(Math.min(...slots)).toBeGreaterThan(15)
    }
  })
})
