import { describe, expect, test } from 'vitest'

import { checkRate, TokenBucket } from '../src/token-bucket.ts'

describe('a token bucket', () => {
  test('gives its burst at once, and the rest as time passes', () => {
    let now = 0
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, () => now)
    const taken = (): number => [1, 2, 3, 4, 5].filter(() => bucket.take()).length
    expect(taken()).toBe(3)
    now += 99
    expect(taken()).toBe(0)
    now += 1
    expect(taken()).toBe(1)
    now += 250
    expect(taken()).toBe(2)
    now += 50
    expect(taken()).toBe(1)
    now += 3_600_000
    expect(taken()).toBe(3)
  })

  test('has a burst of one second when none is named', () => {
    const bucket = new TokenBucket({ perSecond: 2 }, () => 0)
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, false])
  })
})

test('what is no rate is refused by name', () => {
  checkRate('messageRate', undefined)
  checkRate('messageRate', { perSecond: 1 })
  for (const rate of [5, null, {}, { perSecond: 0.5 }, { perSecond: 1, burst: 0 }]) {
    expect(() => checkRate('messageRate', rate as never)).toThrow(
      /^Invalid option messageRate\.(perSecond|burst): /,
    )
  }
})
