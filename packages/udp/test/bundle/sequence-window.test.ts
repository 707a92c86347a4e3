import fc from 'fast-check'
import { expect, test } from 'vitest'

import { SequenceWindow } from '../../src/bundle/sequence-window.ts'

const window = 1_024
const farthest = 65_536

/** Notes all numbers, and gives those that were not new. */
function note(tracker: SequenceWindow, numbers: readonly number[]): number[] {
  return numbers.filter((number) => !tracker.note(number >>> 0))
}

function counts({ lost, duplicated, reordered }: SequenceWindow): [number, number, number] {
  return [lost, duplicated, reordered]
}

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index)
}

/** What the counts are by definition, with all numbers in memory. */
function countsOf(numbers: readonly number[]): [number, number, number] {
  const seen = new Set<number>()
  let [highest, reordered] = [-Infinity, 0]
  for (const number of numbers) {
    if (!seen.has(number) && number < highest) reordered++
    seen.add(number)
    highest = Math.max(highest, number)
  }
  const expected = numbers.length === 0 ? 0 : highest - Math.min(...seen) + 1
  return [expected - seen.size, numbers.length - seen.size, reordered]
}

test('in order, nothing is counted', () => {
  const tracker = new SequenceWindow()
  expect(note(tracker, [5, 6, 7, 8])).toEqual([])
  expect(counts(tracker)).toEqual([0, 0, 0])
})

test('a gap is lost at once, and taken back when it is filled', () => {
  const tracker = new SequenceWindow()
  note(tracker, [5, 9])
  expect(counts(tracker)).toEqual([3, 0, 0])
  note(tracker, [7])
  expect(counts(tracker)).toEqual([2, 0, 1])
})

test('a number that comes again is not new, be it the highest, an earlier one or a late one', () => {
  const tracker = new SequenceWindow()
  expect(note(tracker, [5, 5, 8, 5, 6, 6])).toEqual([5, 5, 6])
  expect(counts(tracker)).toEqual([1, 3, 1])
})

test('numbers from before the first make it earlier', () => {
  const tracker = new SequenceWindow()
  expect(note(tracker, [10, 7, 8, 7])).toEqual([7])
  expect(counts(tracker)).toEqual([1, 1, 2])
})

test('the numbers turn past 2^32', () => {
  const tracker = new SequenceWindow()
  expect(note(tracker, [0xffff_fffd, 0xffff_ffff, 1, 0xffff_fffe, 0xffff_ffff, 0])).toEqual([0xffff_ffff])
  expect(counts(tracker)).toEqual([0, 1, 2])
})

test('late by less than the window is heard; by more, nobody knows whether it came before', () => {
  const tracker = new SequenceWindow()
  note(tracker, [0, 2, 1 + window])
  expect(counts(tracker)).toEqual([window - 1, 0, 0])
  expect(note(tracker, [2, 3])).toEqual([2])
  expect(counts(tracker)).toEqual([window - 2, 1, 1])
  expect(note(tracker, [0, 1, 0])).toEqual([0, 1, 0])
  expect(counts(tracker)).toEqual([window - 2, 1, 1])
  expect(tracker.late).toBe(3)
})

test('late duplicates, alone, in a row and with others between, are not heard again, and move nothing', () => {
  const tracker = new SequenceWindow()
  note(tracker, upTo(5_000))
  const late = [100, 101, 300, 302, 400, 401, 402]
  expect(note(tracker, late)).toEqual(late)
  expect(note(tracker, [5_000, 5_001, 5_002])).toEqual([])
  expect(counts(tracker)).toEqual([0, 0, 0])
  expect(tracker.late).toBe(late.length)
})

test('of two paths the slower one is late by more than the window, and only that is lost', () => {
  const tracker = new SequenceWindow()
  note(tracker, upTo(5_000))
  for (let number = 5_000; number < 10_000; number += 4) {
    const fast = [number, number + 1]
    const slow = number >= 7_000 ? [number - 1_998, number - 1_997] : []
    expect(note(tracker, [...fast, ...slow])).toEqual(slow)
  }
  // The last pair of the slow path is still to be expected.
  expect(counts(tracker)).toEqual([5_000 / 2 - 2, 0, 0])
  expect(tracker.late).toBe(1_500)
})

test('a number within the window ends a row of those outside', () => {
  const tracker = new SequenceWindow()
  note(tracker, [50_000])
  expect(note(tracker, [2_000_000, 50_001, 2_000_001, 50_002, 2_000_002])).toEqual([])
  expect(note(tracker, [50_000])).toEqual([50_000])
  expect(counts(tracker)).toEqual([0, 1, 0])
})

test('a peer that begins again a little behind is believed after sixteen numbers in a row', () => {
  const tracker = new SequenceWindow()
  note(tracker, upTo(5_000))
  const again = Array.from({ length: 20 }, (_, index) => 100 + index)
  expect(note(tracker, again)).toEqual(again.slice(0, 15))
  expect(counts(tracker)).toEqual([0, 0, 0])
  expect(tracker.late).toBe(15)
})

test('an outage is lost up to the farthest number, and the window is empty behind it', () => {
  const tracker = new SequenceWindow()
  note(tracker, [0, farthest])
  expect(counts(tracker)).toEqual([farthest - 1, 0, 0])
  expect(note(tracker, [farthest - 1, farthest - window + 1])).toEqual([])
  expect(counts(tracker)).toEqual([farthest - 3, 0, 2])
})

test('a peer that begins again is followed from its second number on, and loses nothing', () => {
  for (const begin of [200_000, 3_000_000_000, 4_294_900_000]) {
    const tracker = new SequenceWindow()
    note(tracker, [50_000, 50_001])
    expect(note(tracker, [begin, begin + 1, begin + 3, begin + 1, begin])).toEqual([begin + 1, begin])
    expect(counts(tracker)).toEqual([1, 2, 0])
  }
})

test('behind a new beginning nothing is remembered of what came before', () => {
  const tracker = new SequenceWindow()
  note(
    tracker,
    Array.from({ length: window }, (_, index) => index),
  )
  expect(note(tracker, [200_000, 200_001, 199_999, 199_999])).toEqual([199_999])
  expect(counts(tracker)).toEqual([0, 1, 1])
})

test('a stray number moves nothing, and is known when it comes twice', () => {
  const tracker = new SequenceWindow()
  expect(note(tracker, [5, 6, 2_000_000, 7, 2_000_000, 8])).toEqual([2_000_000])
  expect(counts(tracker)).toEqual([0, 1, 0])
})

test('two strays move the window, and two real ones move it back', () => {
  const tracker = new SequenceWindow()
  expect(note(tracker, [5, 6, 2_000_000, 2_000_001, 7, 8, 9, 9])).toEqual([9])
  expect(counts(tracker)).toEqual([0, 1, 0])
})

test('whatever is lost, doubled and late within the window, the counts are exact', () => {
  const fate = fc.record({
    copies: fc.integer({ min: 0, max: 3 }),
    delays: fc.tuple(fc.nat(60), fc.nat(60), fc.nat(9)),
  })
  fc.assert(
    fc.property(fc.array(fate, { maxLength: 400 }), fc.nat(0xffff_ffff), (fates, first) => {
      const arrivals = fates
        .flatMap(({ copies, delays }, index) =>
          delays.slice(0, copies).map((delay) => ({ index, at: index + delay })),
        )
        .toSorted((a, b) => a.at - b.at)
        .map(({ index }) => index)
      const tracker = new SequenceWindow()
      note(
        tracker,
        arrivals.map((index) => first + index),
      )
      expect(counts(tracker)).toEqual(countsOf(arrivals))
    }),
  )
})

test('the counts stay exact while the window turns many times', () => {
  let state = 1
  const roll = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below
  const arrivals = Array.from({ length: 20_000 }, (_, index) => ({ index, at: index + roll(1_000) }))
    .filter(() => roll(10) > 0)
    .flatMap((arrival) => (roll(20) > 0 ? [arrival] : [arrival, { ...arrival, at: arrival.at + roll(10) }]))
    .toSorted((a, b) => a.at - b.at)
    .map(({ index }) => index)
  const tracker = new SequenceWindow()
  note(
    tracker,
    arrivals.map((index) => index + 0xffff_f000),
  )
  expect(counts(tracker)).toEqual(countsOf(arrivals))
})
