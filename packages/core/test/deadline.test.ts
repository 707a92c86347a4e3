import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { Deadline, tick } from '../src/deadline.ts'

let passed: string[]

beforeEach(() => {
  passed = []
  vi.useFakeTimers()
})

afterEach(() => {
  // Idle deadlines leave at the next look.
  vi.advanceTimersByTime(10 * tick)
  expect(vi.getTimerCount(), 'the timer goes on for nobody').toBe(0)
  vi.useRealTimers()
})

const deadline = (name: string, more = (): void => {}): Deadline =>
  new Deadline({
    onDeadline() {
      passed.push(name)
      more()
    },
  })

test('is told once, at most one tick late, and never early', () => {
  deadline('a').set(1_000)
  vi.advanceTimersByTime(999)
  expect(passed).toEqual([])
  vi.advanceTimersByTime(1 + tick)
  expect(passed).toEqual(['a'])
  vi.advanceTimersByTime(10_000)
  expect(passed).toEqual(['a'])
})

test('moves with each set, later and earlier', () => {
  const moving = deadline('a')
  for (let round = 0; round < 20; round++) {
    moving.set(1_000)
    vi.advanceTimersByTime(900)
  }
  expect(passed).toEqual([])
  moving.set(60_000)
  moving.set(100)
  vi.advanceTimersByTime(100 + tick)
  expect(passed).toEqual(['a'])
})

test('cleared, it is not told; set again, it is', () => {
  const one = deadline('a')
  one.clear()
  one.set(500)
  one.clear()
  vi.advanceTimersByTime(2_000)
  expect(passed).toEqual([])
  one.set(500)
  one.clear()
  one.set(500)
  vi.advanceTimersByTime(500 + tick)
  expect(passed).toEqual(['a'])
})

test('may be set again, and others cleared, when it passes', () => {
  const other = deadline('b')
  const one = deadline('a', () => {
    other.clear()
    if (passed.length < 3) one.set(500)
  })
  one.set(500)
  other.set(500)
  vi.advanceTimersByTime(5_000)
  expect(passed).toEqual(['a', 'a', 'a'])
})

test('ten thousand share one timer', () => {
  const all = Array.from({ length: 10_000 }, (_, index) => deadline(String(index)))
  for (const one of all) one.set(1_000)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(1_000 + tick)
  expect(passed).toHaveLength(10_000)
})
