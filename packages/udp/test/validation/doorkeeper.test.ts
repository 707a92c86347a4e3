import fc from 'fast-check'
import { expect, test } from 'vitest'

import { CookieJar, epochLength } from '../../src/validation/cookie.ts'
import { type Caller, Doorkeeper, type Verdict } from '../../src/validation/doorkeeper.ts'
import { readFrame, writeFrame } from '../../src/validation/frames.ts'

const nonce = 'the nonce of one'
const other = 'the nonce of two'
const stranger: Caller = { host: '192.0.2.1', port: 4_000, nonce: undefined }
const known: Caller = { ...stranger, nonce }

const keeper = (): Doorkeeper => new Doorkeeper(new CookieJar())

function answerOf(verdict: Verdict) {
  if (verdict.act !== 'answer') throw new Error(`${verdict.act} is no answer`)
  return readFrame(verdict.data)
}

function cookieFrom(door: Doorkeeper, caller: Caller, nonce: string, now = 0): Uint8Array {
  const frame = answerOf(door.judge(writeFrame('hello', nonce), caller, true, now))
  expect(frame).toMatchObject({ type: 'retry', nonce })
  return frame?.cookie as Uint8Array
}

test('HELLO gets a cookie, and the cookie a session', () => {
  const door = keeper()
  const answer = writeFrame('answer', nonce, cookieFrom(door, stranger, nonce))
  expect(door.judge(answer, stranger, true, 1)).toEqual({ act: 'admit', nonce })
})

test('a cookie that is forged, expired, or of another address or nonce gets a new one, and no session', () => {
  const door = keeper()
  const cookie = cookieFrom(door, stranger, nonce)
  const forged = Uint8Array.from(cookie, (octet, index) => (index === 9 ? octet ^ 1 : octet))
  const cases: [Uint8Array, Caller, number][] = [
    [writeFrame('answer', nonce, forged), stranger, 0],
    [writeFrame('answer', nonce), stranger, 0],
    [writeFrame('answer', other, cookie), stranger, 0],
    [writeFrame('answer', nonce, cookie), { ...stranger, host: '192.0.2.2' }, 0],
    [writeFrame('answer', nonce, cookie), { ...stranger, port: 4_001 }, 0],
    [writeFrame('answer', nonce, cookie), stranger, 2 * epochLength],
  ]
  for (const [data, caller, now] of cases) {
    const verdict = door.judge(data, caller, true, now)
    expect(verdict).toMatchObject({ act: 'answer', cookie: true, cause: 'cookie' })
    const frame = answerOf(verdict)
    expect(frame?.type).toBe('retry')
    // With which it goes on.
    const again = writeFrame('answer', frame?.nonce, frame?.cookie)
    expect(door.judge(again, caller, true, now)).toMatchObject({ act: 'admit' })
  }
})

test('in a session its own nonce is welcomed again, and what servers say is nothing to it', () => {
  const door = keeper()
  for (const type of ['hello', 'answer'] as const) {
    const verdict = door.judge(writeFrame(type, nonce), known, true, 0)
    expect(answerOf(verdict)).toMatchObject({ type: 'welcome', nonce })
  }
  for (const type of ['retry', 'welcome', 'refuse'] as const) {
    expect(door.judge(writeFrame(type, nonce), known, true, 0)).toEqual({ act: 'drop' })
  }
})

test('in a session, another nonce needs a cookie; all else is for the application', () => {
  const door = keeper()
  const cookie = cookieFrom(door, known, other)
  expect(door.judge(writeFrame('answer', other, cookie), known, true, 0)).toEqual({
    act: 'admit',
    nonce: other,
  })
  expect(answerOf(door.judge(writeFrame('answer', other), known, true, 0))?.type).toBe('retry')
  for (const type of ['retry', 'welcome', 'refuse', 'stale'] as const) {
    expect(door.judge(writeFrame(type, type === 'stale' ? '' : other), known, true, 0)).toEqual({
      act: 'deliver',
    })
  }
  const broken = writeFrame('hello', nonce).subarray(1)
  expect(door.judge(broken, known, true, 0)).toEqual({ act: 'deliver' })
})

test('a stranger is told that he is one when that is no more than he said', () => {
  const door = keeper()
  expect(answerOf(door.judge(new Uint8Array(8), stranger, true, 0))).toMatchObject({ type: 'stale' })
  expect(door.judge(new Uint8Array(7), stranger, true, 0)).toEqual({ act: 'drop', lost: true })
  expect(door.judge(new Uint8Array(8), stranger, false, 0)).toEqual({ act: 'drop', lost: true })
})

test('suspended, it refuses newcomers and not those it knows', () => {
  const door = keeper()
  const answer = writeFrame('answer', nonce, cookieFrom(door, stranger, nonce))
  for (const data of [writeFrame('hello', nonce), answer]) {
    const verdict = door.judge(data, stranger, false, 0)
    expect(verdict).toMatchObject({ cause: 'suspended' })
    expect(answerOf(verdict)).toMatchObject({ type: 'refuse', nonce })
    expect(answerOf(door.judge(data, known, false, 0))?.type).toBe('welcome')
  }
})

const octets = (count: number) => fc.uint8Array({ minLength: count, maxLength: count })
const datagram = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .tuple(fc.constantFrom('hello', 'welcome', 'refuse', 'stale'), octets(16))
    .map(([type, nonce]) => writeFrame(type, Buffer.from(nonce).toString('latin1'))),
  fc
    .tuple(fc.constantFrom('retry', 'answer'), octets(16), octets(17))
    .map(([type, nonce, cookie]) => writeFrame(type, Buffer.from(nonce).toString('latin1'), cookie)),
)

test('no answer has more octets than what it answers, and no guess gets in', () => {
  const door = keeper()
  fc.assert(
    fc.property(datagram, fc.boolean(), fc.boolean(), (data, open, isKnown) => {
      const verdict = door.judge(data, isKnown ? known : stranger, open, 0)
      expect(verdict.act).not.toBe('admit')
      if (verdict.act === 'answer') expect(verdict.data.byteLength).toBeLessThanOrEqual(data.byteLength)
    }),
  )
})

test('two of them never talk to each other: to what one answers the other says nothing', () => {
  const [one, two] = [keeper(), keeper()]
  fc.assert(
    fc.property(datagram, fc.boolean(), (data, open) => {
      const verdict = one.judge(data, stranger, open, 0)
      if (verdict.act === 'answer') {
        expect(two.judge(verdict.data, stranger, true, 0)).toEqual({ act: 'drop' })
      }
    }),
  )
})
