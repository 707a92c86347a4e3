import { beforeEach, describe, expect, test } from 'vitest'

import { ChunkIterator } from '../src/chunk-iterator.ts'
import { BrokenError, BusyError, TimeoutError } from '../src/errors.ts'
import { HandlerSlot } from '../src/handler-slot.ts'

let wanted: boolean
let slot: HandlerSlot<string>

beforeEach(() => {
  wanted = false
  slot = new HandlerSlot<string>({
    flow: (now) => (wanted = now),
    answerEnd() {},
    closeForShutdown() {},
    fail: (error) => expect.unreachable(String(error)),
  })
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const iterate = (limit = 10): ChunkIterator<string> => new ChunkIterator(slot, limit, (data) => data.length)
const end = { value: undefined, done: true }
const item = (value: string): object => ({ value, done: false })

test('hands out what comes, before it is asked and after', async () => {
  const iterator = iterate()
  await turn()
  slot.push('a')
  slot.push('b')
  expect(await iterator.next()).toEqual(item('a'))
  expect(await iterator.next()).toEqual(item('b'))
  const waiting = iterator.next()
  slot.push('c')
  expect(await waiting).toEqual(item('c'))
})

test('stops input at its limit, and lets it flow again below', async () => {
  const iterator = iterate(10)
  await turn()
  slot.push('12345')
  expect(wanted).toBe(true)
  slot.push('67890')
  expect(wanted).toBe(false)
  slot.push('kept by the slot')
  expect(await iterator.next()).toEqual(item('12345'))
  await turn()
  expect(wanted).toBe(false)
  expect(await iterator.next()).toEqual(item('67890'))
  expect(await iterator.next()).toEqual(item('kept by the slot'))
  await turn()
  expect(wanted).toBe(true)
})

test('with a limit of zero takes a piece only when asked', async () => {
  const iterator = iterate(0)
  slot.push('a')
  slot.push('b')
  await turn()
  expect(wanted).toBe(false)
  expect(await iterator.next()).toEqual(item('a'))
  await turn()
  await iterator.return()
  expect(slot.vacate()).toEqual(['b'])
})

test('a second read meets a BusyError, and a second iterator, too', async () => {
  const iterator = iterate()
  const waiting = iterator.next()
  await expect(iterator.next()).rejects.toThrow(BusyError)
  expect(() => iterate()).toThrow(BusyError)
  slot.push('a')
  expect(await waiting).toEqual(item('a'))
})

describe('break', () => {
  test('gives back what was not read, and the place', async () => {
    const iterator = iterate()
    await turn()
    for (const data of ['a', 'b', 'c']) slot.push(data)
    expect(await iterator.next()).toEqual(item('a'))
    expect(await iterator.return()).toEqual(end)
    expect(await iterator.next()).toEqual(end)
    const again = iterate()
    expect(await again.next()).toEqual(item('b'))
    expect(await again.next()).toEqual(item('c'))
  })

  test('ends a read that waits', async () => {
    const iterator = iterate()
    const waiting = iterator.next()
    await iterator.return()
    expect(await waiting).toEqual(end)
  })

  test('may be repeated, and after the end does nothing', async () => {
    const iterator = iterate()
    slot.pushEnd()
    expect(await iterator.next()).toEqual(end)
    await iterator.return()
    await iterator.return()
    expect(slot.occupied).toBe(false)
  })
})

describe('the end', () => {
  test('comes after what was read, and frees the place', async () => {
    const iterator = iterate()
    await turn()
    slot.push('a')
    slot.pushEnd()
    slot.close({ kind: 'remote' })
    await turn()
    expect(await iterator.next()).toEqual(item('a'))
    expect(await iterator.next()).toEqual(end)
    expect(await iterator.next()).toEqual(end)
    expect(slot.occupied).toBe(false)
  })

  const error = new BrokenError('Connection reset by peer')
  test.each([
    ['an error', { kind: 'error', error } as const, BrokenError],
    ['a timeout', { kind: 'timeout', phase: 'read' } as const, TimeoutError],
  ])('by %s is thrown, once, under a read and before one', async (_, reason, kind) => {
    const first = iterate()
    const waiting = first.next()
    slot.close(reason)
    await expect(waiting).rejects.toThrow(kind)
    expect(await first.next()).toEqual(end)
    const second = iterate()
    await turn()
    await expect(second.next()).rejects.toThrow(kind)
    expect(await second.next()).toEqual(end)
  })

  test.each(['local', 'remote', 'shutdown', 'handover'] as const)('by reason %s is quiet', async (kind) => {
    const iterator = iterate()
    const waiting = iterator.next()
    slot.close({ kind })
    expect(await waiting).toEqual(end)
  })

  test('by being idle is quiet', async () => {
    const iterator = iterate()
    slot.close({ kind: 'timeout', phase: 'idle' })
    await turn()
    expect(await iterator.next()).toEqual(end)
  })

  test('by our own close is quiet at once, and drops what was not read', async () => {
    const iterator = iterate()
    await turn()
    slot.push('a')
    slot.deafen()
    expect(await iterator.next()).toEqual(end)
  })

  test('by being cut off with an error is thrown', async () => {
    const iterator = iterate()
    const waiting = iterator.next()
    slot.deafen({ kind: 'error', error })
    await expect(waiting).rejects.toBe(error)
  })
})

test('a handler in its place gets what was not read, and its loop ends', async () => {
  const iterator = iterate()
  await turn()
  for (const data of ['a', 'b']) slot.push(data)
  const heard: string[] = []
  slot.install({ onData: (data) => void heard.push(data) }, 'head')
  await turn()
  expect(heard).toEqual(['head', 'a', 'b'])
  expect(await iterator.next()).toEqual(end)
  slot.push('c')
  expect(heard).toEqual(['head', 'a', 'b', 'c'])
})

test('empty messages take room, too', async () => {
  const iterator = iterate(3)
  await turn()
  for (let count = 0; count < 3; count++) slot.push('')
  expect(wanted).toBe(false)
  expect(await iterator.next()).toEqual(item(''))
  expect(wanted).toBe(true)
})
