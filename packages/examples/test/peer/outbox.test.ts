import { expect, test } from 'vitest'

import { Outbox } from '../../src/peer/outbox.ts'
import { deferred } from '../deferred.ts'

test('delivers one after the other, whatever becomes of the one before', async () => {
  const outbox = new Outbox()
  const first = deferred()
  const delivered: number[] = []
  const one = outbox.post(async () => {
    await first.promise
    delivered.push(1)
    throw new Error('lost')
  })
  const two = outbox.post(async () => void delivered.push(2))
  await Promise.resolve()
  expect(delivered).toEqual([])
  first.resolve()
  await expect(one).rejects.toThrow('lost')
  await two
  await outbox.empty
  expect(delivered).toEqual([1, 2])
})

test('a hundred may wait', async () => {
  const outbox = new Outbox()
  const gate = deferred()
  const posted = Array.from({ length: 100 }, () => outbox.post(() => gate.promise))
  await expect(outbox.post(() => gate.promise)).rejects.toThrow('100 others wait already')
  gate.resolve()
  await Promise.all(posted)
  await outbox.post(async () => {})
})
