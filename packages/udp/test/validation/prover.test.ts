import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { type FrameType, readFrame, writeFrame } from '../../src/validation/frames.ts'
import { Prover } from '../../src/validation/prover.ts'

const nonce = 'sixteen octets..'
const cookie = new Uint8Array(17).fill(7)

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** A prover that waits half a second each time, and what it said. */
function stage(allowance = 3_000) {
  const said: (string | undefined)[] = []
  const owner = {
    pass: (data: Uint8Array) => void said.push(readFrame(data)?.type),
    proved: () => void said.push('proved'),
    failed: (why: string) => void said.push(why),
  }
  const source = { now: () => performance.now(), random: () => 0, nonce: () => nonce }
  vi.advanceTimersByTime(5)
  const prover = new Prover(owner, allowance, source)
  const hears = (type: FrameType, from = nonce): boolean =>
    prover.takes(writeFrame(type, from, type === 'retry' ? cookie : undefined))
  const flush = (): (string | undefined)[] => said.splice(0)
  return { prover, hears, flush }
}

test('proves itself in one round', () => {
  const { prover, hears, flush } = stage()
  prover.begin()
  hears('retry')
  hears('welcome')
  expect(flush()).toEqual(['hello', 'answer', 'proved'])
  vi.advanceTimersByTime(10_000)
  expect(flush()).toEqual([])
})

test('repeats what is not answered until its time is up', () => {
  const { prover, hears, flush } = stage(1_800)
  prover.begin()
  vi.advanceTimersByTime(1_000)
  expect(flush()).toEqual(['hello', 'hello', 'hello'])
  hears('retry')
  vi.advanceTimersByTime(500)
  expect(flush()).toEqual(['answer', 'answer'])
  vi.advanceTimersByTime(1_000)
  expect(flush()).toEqual(['silent'])
})

test('takes its own control datagrams only', () => {
  const { prover, hears, flush } = stage()
  prover.begin()
  expect(hears('retry', 'another nonce...')).toBe(false)
  expect(hears('welcome', 'another nonce...')).toBe(false)
  expect(prover.takes(Buffer.from('\xfflead, and then some', 'latin1'))).toBe(false)
  expect(hears('welcome')).toBe(true)
  expect(hears('welcome')).toBe(true)
  expect(flush()).toEqual(['hello', 'proved'])
})

test('a STALE begins it again: one at a time, and not twice in a second', () => {
  const { prover, hears, flush } = stage()
  prover.begin()
  hears('welcome')
  flush()
  // The first is not put off by the handshake before it: a server may be restarted at once.
  for (let index = 0; index < 10; index++) expect(hears('stale')).toBe(true)
  expect(flush()).toEqual(['hello'])
  hears('welcome')
  for (let index = 0; index < 10; index++) hears('stale')
  expect(flush()).toEqual(['proved'])
  vi.advanceTimersByTime(1_000)
  for (let index = 0; index < 10; index++) hears('stale')
  expect(flush()).toEqual(['hello'])
  hears('refuse')
  expect(flush()).toEqual(['refused'])
  hears('stale')
  expect(flush()).toEqual([])
  vi.advanceTimersByTime(1_000)
  hears('stale')
  expect(flush()).toEqual(['hello'])
})

test('who sends short datagrams and hears nothing asks whether he is known', () => {
  const { prover, hears, flush } = stage()
  prover.begin()
  hears('welcome')
  flush()
  const speak = (milliseconds: number, bytes: number): void => {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      prover.sending(bytes)
      vi.advanceTimersByTime(100)
    }
  }
  speak(20_000, 8)
  expect(flush()).toEqual([])
  speak(4_000, 7)
  prover.takes(Buffer.from('x'))
  speak(4_900, 7)
  expect(flush()).toEqual([])
  speak(200, 7)
  expect(flush()).toEqual(['hello'])
  hears('welcome')
  speak(4_900, 7)
  expect(flush()).toEqual(['proved'])
})

test('stopped, it says nothing more', () => {
  const { prover, flush } = stage()
  prover.begin()
  prover.stop()
  vi.advanceTimersByTime(10_000)
  expect(flush()).toEqual(['hello'])
})
