import { expect, test } from 'vitest'

import { AcceptQueue } from '../src/accept-queue.ts'
import { BusyError } from '../src/errors.ts'

const end = { value: undefined, done: true }

test('hands out in order what came before and after it was asked', async () => {
  const queue = new AcceptQueue<string>(10)
  expect([queue.offer('a'), queue.offer('b')]).toEqual([true, true])
  const iterator = queue.iterate()
  expect((await iterator.next()).value).toBe('a')
  expect((await iterator.next()).value).toBe('b')
  const waiting = iterator.next()
  expect(queue.offer('c')).toBe(true)
  expect(await waiting).toEqual({ value: 'c', done: false })
})

test('refuses what comes beyond its limit, and takes again below', async () => {
  const queue = new AcceptQueue<number>(2)
  expect([1, 2, 3].map((item) => queue.offer(item))).toEqual([true, true, false])
  const iterator = queue.iterate()
  expect((await iterator.next()).value).toBe(1)
  expect(queue.offer(4)).toBe(true)
  expect([(await iterator.next()).value, (await iterator.next()).value]).toEqual([2, 4])
})

test('with a limit of nothing still gives to a reader that waits', async () => {
  const queue = new AcceptQueue<number>(0)
  expect(queue.offer(1)).toBe(false)
  const waiting = queue.iterate().next()
  expect(queue.offer(2)).toBe(true)
  expect((await waiting).value).toBe(2)
})

test('has one reader at a time, with one read at a time', async () => {
  const queue = new AcceptQueue<number>(2)
  const iterator = queue.iterate()
  expect(() => queue.iterate()).toThrow(BusyError)
  const waiting = iterator.next()
  await expect(iterator.next()).rejects.toThrow(BusyError)
  await iterator.return?.()
  expect(await waiting).toEqual(end)
  queue.offer(1)
  expect((await queue.iterate().next()).value).toBe(1)
})

test('closed, it hands out what waits, and takes nothing more', async () => {
  const queue = new AcceptQueue<number>(2)
  queue.offer(1)
  queue.close()
  expect(queue.offer(2)).toBe(false)
  const iterator = queue.iterate()
  expect((await iterator.next()).value).toBe(1)
  expect(await iterator.next()).toEqual(end)
})

test('closing ends a read that waits', async () => {
  const queue = new AcceptQueue<number>(2)
  const waiting = queue.iterate().next()
  queue.close()
  expect(await waiting).toEqual(end)
})

test('a reader that left takes nothing from the next one', async () => {
  const queue = new AcceptQueue<number>(2)
  const first = queue.iterate()
  await first.return?.()
  const waiting = queue.iterate().next()
  expect(await first.next()).toEqual(end)
  await first.return?.()
  expect(() => queue.iterate()).toThrow(BusyError)
  queue.offer(1)
  expect((await waiting).value).toBe(1)
})

test('what gives up its place is not handed out, and leaves room for another', async () => {
  const queue = new AcceptQueue<string>(2)
  queue.offer('a')
  queue.offer('b')
  expect(queue.full).toBe(true)
  queue.withdraw('a')
  queue.withdraw('never came')
  expect(queue.full).toBe(false)
  expect(queue.offer('c')).toBe(true)
  const iterator = queue.iterate()
  expect([(await iterator.next()).value, (await iterator.next()).value]).toEqual(['b', 'c'])
  const waiting = iterator.next()
  expect(queue.full).toBe(false)
  queue.close()
  expect(queue.full).toBe(true)
  expect(await waiting).toEqual(end)
})
