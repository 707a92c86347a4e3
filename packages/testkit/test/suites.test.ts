import { expect, test } from 'vitest'

import { check } from '../src/check.ts'
import { connectionChecks } from '../src/connection/checks.ts'
import { memoryBytes, memoryMessages } from '../src/fixtures/memory.ts'
import { listenerChecks } from '../src/listener/checks.ts'
import { byteRecords, textMaker } from '../src/records.ts'
import { Stage } from '../src/stage.ts'

test('every check has a name of its own', () => {
  for (const checks of [connectionChecks, listenerChecks]) {
    const names = checks.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  }
})

test('texts are the same each time, differ from each other, and keep to their size and alphabet', () => {
  const text = textMaker('abc', 100)
  expect(text(7, 50)).toBe(text(7, 50))
  expect(new Set(Array.from({ length: 1_000 }, (_, index) => text(index, 50))).size).toBe(1_000)
  expect(text(12, 50)).toMatch(/^12:[abc]{47}$/)
})

test('a byte reader finds the same texts however the bytes are cut', () => {
  const bytes = Buffer.concat(
    ['', 'one', '', 'tw\u00ff\u0000o'].map((text) => Buffer.from(byteRecords.encode(text))),
  )
  for (let place = 0; place <= bytes.length; place++) {
    const reader = byteRecords.reader()
    const texts = [...reader.push(bytes.subarray(0, place)), ...reader.push(bytes.subarray(place))]
    expect(texts).toEqual(['', 'one', '', 'tw\u00ff\u0000o'])
  }
})

test('a stray rejection fails the check that made it, and what it left is destroyed', async () => {
  let left: Stage | undefined
  // The runner itself would fail for the rejection, so that it is not one: only its announcement.
  const stray = check('stray', async (stage) => {
    left = stage
    await stage.pair()
    process.emit('unhandledRejection', new Error('stray'), Promise.resolve())
  })
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  try {
    await expect(stray.run(memoryBytes)).rejects.toThrow('nobody handled')
  } finally {
    for (const listener of others) process.on('unhandledRejection', listener)
  }
  await expect(left?.connect()).rejects.toThrow('nobody listens')
})

test('a declared capability that is not there fails', async () => {
  const can = { ...memoryMessages.can, halfClose: true }
  const ending = connectionChecks.find(({ name }) => name.startsWith('end() ends the output'))
  await expect(ending?.run({ ...memoryMessages, can })).rejects.toThrow()
  await expect(ending?.run({ ...memoryBytes, can: { ...can, halfClose: false } })).rejects.toThrow()
})
