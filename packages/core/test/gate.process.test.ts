import { expect, test } from 'vitest'

import { Gate, ready, rejected } from '../src/gate.ts'

test('all who wait get one promise, and the gate is shut again after it opened', async () => {
  const gate = new Gate()
  const first = gate.wait()
  expect(gate.wait()).toBe(first)
  gate.open()
  await first
  const second = gate.wait()
  expect(second).not.toBe(first)
  gate.open()
  await second
})

test('fail rejects those who wait, and only them', async () => {
  const gate = new Gate()
  const error = new Error('gone')
  const waiting = gate.wait()
  gate.fail(error)
  await expect(waiting).rejects.toBe(error)
  const next = gate.wait()
  gate.open()
  await next
})

test('opening and failing with nobody there does nothing', async () => {
  const gate = new Gate()
  gate.open()
  gate.fail(new Error('gone'))
  const waiting = gate.wait()
  gate.open()
  await waiting
})

test('a rejection that nobody awaits ends nothing', async () => {
  const strays: unknown[] = []
  const note = (error: unknown): void => void strays.push(error)
  process.on('unhandledRejection', note)
  const gate = new Gate()
  void gate.wait()
  gate.fail(new Error('gone'))
  void rejected(new Error('late'))
  await new Promise((resolve) => setTimeout(resolve, 1))
  process.off('unhandledRejection', note)
  expect(strays).toEqual([])
  await expect(rejected('awaited')).rejects.toBe('awaited')
  await ready
})
