import fc from 'fast-check'
import { expect, test } from 'vitest'

import { AnswerMemory, overhead } from '../../src/request/answer-memory.ts'

const bytes = (length: number): Uint8Array => new Uint8Array(length)
/** So many answers of so many bytes together. */
const sized = (answers: number, length: number): number => answers * overhead + length

test('remembers for a lifetime from the last use', () => {
  const memory = new AnswerMemory(10, 10_000, 1_000)
  const answer = Uint8Array.of(0, 127, 128, 255)
  memory.add('a', answer, 0)
  expect(memory.find('b', 0)).toBeUndefined()
  expect(memory.find('a', 999)).toEqual(Buffer.from(answer))
  expect(memory.find('a', 1_998)).toEqual(Buffer.from(answer))
  expect(memory.find('a', 2_998)).toBeUndefined()
  expect([memory.size, memory.bytes]).toEqual([0, 0])
})

test('forgets in time what nobody asks for', () => {
  const memory = new AnswerMemory(10, 10_000, 1_000)
  memory.add('a', bytes(4), 0)
  memory.add('b', bytes(4), 500)
  memory.find('a', 600)
  memory.expire(1_500)
  expect([memory.size, memory.bytes]).toEqual([1, sized(1, 4)])
  expect(memory.find('a', 1_500)).toBeDefined()
})

test('has room for so many, and forgets the least recently used', () => {
  const memory = new AnswerMemory(2, 10_000, 1_000)
  expect(memory.add('a', bytes(1), 0)).toBe(0)
  expect(memory.add('b', bytes(1), 0)).toBe(0)
  memory.find('a', 1)
  expect(memory.add('c', bytes(1), 2)).toBe(1)
  expect(['a', 'b', 'c'].map((key) => memory.find(key, 3) !== undefined)).toEqual([true, false, true])
})

test('has room for so many bytes; what alone is larger is not kept', () => {
  const memory = new AnswerMemory(100, sized(5, 10), 1_000)
  for (const key of 'abcde') memory.add(key, bytes(2), 0)
  expect(memory.add('f', bytes(3), 0)).toBe(2)
  expect([memory.size, memory.bytes]).toEqual([4, sized(4, 9)])
  expect(memory.add('g', bytes(sized(5, 10)), 0)).toBe(5)
  expect([memory.size, memory.bytes]).toEqual([0, 0])
})

test('what had its time does not count as forgotten, and clearing leaves nothing', () => {
  const memory = new AnswerMemory(1, 10_000, 1_000)
  memory.add('a', bytes(2), 0)
  expect(memory.add('b', bytes(2), 1_000)).toBe(0)
  memory.clear()
  expect([memory.size, memory.bytes]).toEqual([0, 0])
})

const keys = ['a', 'b', 'c', 'd', 'e', 'f']

test('keeps its bounds and its books whatever happens', () => {
  const step = fc.record({ key: fc.constantFrom(...keys), size: fc.nat(12), later: fc.nat(300) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = new AnswerMemory(4, sized(3, 20), 1_000)
      let now = 0
      for (const { key, size, later } of steps) {
        now += later
        if (!memory.find(key, now)) memory.add(key, bytes(size), now)
        expect(memory.size).toBeLessThanOrEqual(4)
        expect(memory.bytes).toBeLessThanOrEqual(sized(3, 20))
        let sum = 0
        for (const each of keys) sum += memory.find(each, now)?.byteLength ?? 0
        expect(memory.bytes).toBe(sized(memory.size, sum))
      }
    }),
  )
})
