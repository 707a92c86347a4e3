import { expect, test } from 'vitest'

import { AnnounceSchedule } from '../../src/discovery/announce-schedule.ts'
import { QuerySchedule } from '../../src/discovery/query-schedule.ts'
import { even } from './tools.ts'

/** The times at which a schedule speaks until `end`. */
function timesOf(schedule: AnnounceSchedule | QuerySchedule, end: number): number[] {
  const times: number[] = []
  while (schedule.next <= end) {
    const now = schedule.next
    expect(schedule.take(now - 0.001)).toBe(false)
    expect(schedule.take(now)).toBe(true)
    times.push(now)
  }
  return times
}

function announcing(random = even, lifetime = 90_000): AnnounceSchedule {
  const schedule = new AnnounceSchedule(lifetime, random)
  schedule.restart(0)
  return schedule
}

test('announces soon, then at doubling intervals up to 30 s', () => {
  const times = timesOf(
    announcing(() => 0),
    150_000,
  )
  expect(times).toEqual([20, 1_020, 3_020, 7_020, 15_020, 31_020, 61_020, 91_020, 121_020])
})

test('jitter makes intervals up to a quarter shorter', () => {
  const times = timesOf(
    announcing(() => 0.999_999),
    10_000,
  )
  expect(times.map(Math.round)).toEqual([120, 870, 2_370, 5_370])
})

test('announces three times in a short lifetime', () => {
  const times = timesOf(
    announcing(() => 0, 1_200),
    1_300,
  )
  expect(times).toEqual([20, 420, 820, 1_220])
})

test('answers in 20 to 120 ms, and goes on as before', () => {
  for (const [chance, wait] of [
    [0, 20],
    [0.5, 70],
    [1, 120],
  ] as const) {
    const schedule = announcing(() => 0)
    timesOf(schedule, 8_000)
    const late = new AnnounceSchedule(90_000, () => chance)
    late.asked(8_000)
    expect(late.next).toBe(8_000 + wait)
    schedule.asked(8_000)
    expect(timesOf(schedule, 16_000)).toEqual([8_020, 15_020])
  }
})

test('many who ask get one answer, and what was just announced is not repeated for a second', () => {
  const schedule = announcing(() => 0)
  timesOf(schedule, 8_000)
  for (let now = 8_000; now < 8_020; now++) schedule.asked(now)
  expect(timesOf(schedule, 8_100)).toEqual([8_020])
  for (let now = 8_100; now < 9_000; now++) schedule.asked(now)
  expect(timesOf(schedule, 10_000)).toEqual([9_020])
})

test('never answers more than once a second, whatever is asked', () => {
  const schedule = announcing(() => 0)
  const times: number[] = []
  for (let now = 0; now < 60_000; now += 5) {
    schedule.asked(now)
    if (schedule.take(now)) times.push(now)
  }
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  // Those of the schedule itself come in between.
  expect(times.length).toBeLessThan(70)
  expect(gaps.filter((gap) => gap < 1_000).length).toBeLessThan(8)
})

test('a change is announced soon, several as one, and not more often than four times a second', () => {
  const schedule = announcing(() => 0)
  timesOf(schedule, 8_000)
  schedule.restart(8_000)
  schedule.restart(8_010)
  expect(timesOf(schedule, 8_100)).toEqual([8_020])
  const times: number[] = []
  for (let now = 8_100; now < 10_100; now++) {
    schedule.restart(now)
    if (schedule.take(now)) times.push(now)
  }
  expect(times.length).toBeLessThanOrEqual(8)
})

test('asks three times, and again when it begins anew', () => {
  const schedule = new QuerySchedule(() => 0)
  schedule.restart(0)
  expect(timesOf(schedule, 1e6)).toEqual([20, 1_020, 3_020])
  schedule.restart(5_000)
  schedule.restart(5_010)
  expect(timesOf(schedule, 1e6)).toEqual([5_020, 6_020, 8_020])
})
