import { expect, test } from 'vitest'

import { BusyError } from '../../src/errors.ts'
import { Succession } from '../../src/reconnect/succession.ts'

interface Thing {
  readonly name: string
}

const done = { value: undefined, done: true }
const thing = (name: string): Thing => ({ name })

test('hands out one after the other, and says which one was left', async () => {
  const left: string[] = []
  const succession = new Succession<Thing>(({ name }) => left.push(name))
  succession.offer(thing('a'))
  const reader = succession.iterate()
  expect(await reader.next()).toEqual({ value: thing('a'), done: false })
  expect(left).toEqual([])
  const next = reader.next()
  await Promise.resolve()
  expect(left).toEqual(['a'])
  succession.offer(thing('b'))
  expect(await next).toEqual({ value: thing('b'), done: false })
  succession.end()
  expect([await reader.next(), await reader.next()]).toEqual([done, done])
})

test('what was withdrawn is not handed out', async () => {
  const succession = new Succession<Thing>(() => {})
  succession.offer(thing('lost'))
  succession.withdraw()
  succession.offer(thing('found'))
  expect(await succession.iterate().next()).toEqual({ value: thing('found'), done: false })
})

test.each(['while the reader waits', 'before the reader comes'])(
  'an error is thrown once: %s',
  async (when) => {
    const succession = new Succession<Thing>(() => {})
    const reader = succession.iterate()
    const early = when.startsWith('while') ? reader.next() : undefined
    await Promise.resolve()
    succession.end(new Error('gave up'))
    await expect(early ?? reader.next()).rejects.toThrow('gave up')
    expect(await reader.next()).toEqual(done)
  },
)

test('takes one reader at a time, and one read', async () => {
  const succession = new Succession<Thing>(() => {})
  const reader = succession.iterate()
  expect(() => succession.iterate()).toThrow(BusyError)
  const waiting = reader.next()
  await Promise.resolve()
  await expect(reader.next()).rejects.toThrow(BusyError)
  await reader.return?.()
  expect(await waiting).toEqual(done)
  expect(await reader.next()).toEqual(done)
  const other = succession.iterate()
  await reader.return?.()
  expect(() => succession.iterate()).toThrow(BusyError)
  succession.offer(thing('a'))
  expect(await other.next()).toEqual({ value: thing('a'), done: false })
})
