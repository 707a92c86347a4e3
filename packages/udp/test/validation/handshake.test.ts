import { expect, test } from 'vitest'

import { type Frame, type FrameType, readFrame, writeFrame } from '../../src/validation/frames.ts'
import { Handshake } from '../../src/validation/handshake.ts'

const nonce = 'sixteen octets..'
const cookie = new Uint8Array(17).fill(7)

function frame(type: FrameType, from = nonce, proof = cookie): Frame {
  return readFrame(writeFrame(type, from, type === 'retry' ? proof : undefined)) as Frame
}

const typeOf = (handshake: Handshake): string | undefined => readFrame(handshake.datagram())?.type

test('HELLO until there is a cookie, then ANSWER with it until there is a WELCOME', () => {
  const handshake = new Handshake(nonce, () => 0)
  expect([typeOf(handshake), typeOf(handshake)]).toEqual(['hello', 'hello'])
  handshake.patience()
  expect(handshake.receive(frame('retry'))).toBe('send')
  expect(readFrame(handshake.datagram())).toMatchObject({
    type: 'answer',
    nonce,
    cookie: Buffer.from(cookie),
  })
  expect(handshake.receive(frame('welcome'))).toBe('welcomed')
})

test('a REFUSE ends it; other nonces, and what clients say, are nothing', () => {
  const handshake = new Handshake(nonce, () => 0)
  handshake.datagram()
  for (const type of ['retry', 'welcome', 'refuse'] as const) {
    expect(handshake.receive(frame(type, 'another nonce...'))).toBeUndefined()
  }
  for (const type of ['hello', 'answer'] as const) expect(handshake.receive(frame(type))).toBeUndefined()
  expect(handshake.receive(frame('refuse'))).toBe('refused')
})

test('a server that likes no cookie is answered once in each wait, with the newest', () => {
  const handshake = new Handshake(nonce, () => 0)
  handshake.datagram()
  handshake.patience()
  expect(handshake.receive(frame('retry'))).toBe('send')
  handshake.datagram()
  const newest = new Uint8Array(17).fill(9)
  expect(handshake.receive(frame('retry', nonce, newest))).toBeUndefined()
  expect(readFrame(handshake.datagram())?.cookie).toEqual(Buffer.from(newest))
  handshake.patience()
  expect(handshake.receive(frame('retry'))).toBe('send')
})

test('waits grow, are spread, and are never shorter than half a second nor longer than 4.5', () => {
  const waits = (random: () => number): number[] => {
    const handshake = new Handshake(nonce, random)
    return Array.from({ length: 100 }, () => handshake.patience())
  }
  expect(waits(() => 0).every((wait) => wait === 500)).toBe(true)
  expect(waits(() => 0.999_999).slice(0, 6)).toEqual([1_000, 1_500, 2_500, 4_500, 4_500, 4_500])
  expect(Math.max(...waits(Math.random))).toBeLessThanOrEqual(4_500)
})
