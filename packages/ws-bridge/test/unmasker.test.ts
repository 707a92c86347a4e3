import fc from 'fast-check'
import { expect, test } from 'vitest'

import { Unmasker } from '../src/unmasker.ts'

/** A masked binary frame, and the payload that it carries. */
function frameOf(size: number, mask: readonly number[]): { frame: Buffer; payload: Buffer } {
  const payload = Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + size) & 255))
  const header =
    size < 126
      ? Buffer.from([0x82, 0x80 | size])
      : size < 65_536
        ? Buffer.from([0x82, 0xfe, size >> 8, size & 255])
        : Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 255, size & 255])
  const masked = Buffer.from(payload.map((byte, at) => byte ^ (mask[at & 3] as number)))
  return { frame: Buffer.concat([header, Buffer.from(mask), masked]), payload }
}

/** What somebody reads who takes each frame's own mask off. */
function payloadsOf(stream: Buffer): Buffer[] {
  const payloads: Buffer[] = []
  for (let at = 0; at < stream.length;) {
    const length = (stream[at + 1] as number) & 127
    const head = length === 126 ? 4 : length === 127 ? 10 : 2
    const size =
      length === 126 ? stream.readUInt16BE(at + 2) : length === 127 ? stream.readUIntBE(at + 4, 6) : length
    const mask = stream.subarray(at + head, at + head + 4)
    const masked = stream.subarray(at + head + 4, at + head + 4 + size)
    payloads.push(Buffer.from(masked.map((byte, index) => byte ^ (mask[index & 3] as number))))
    at += head + 4 + size
  }
  return payloads
}

const mask = fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 255 })))
const size = fc.oneof(
  fc.integer({ min: 0, max: 140 }),
  fc.integer({ min: 500, max: 1_500 }),
  fc.constant(70_000),
)

test('however input is split and lies in memory, what is read is what was sent', () => {
  const property = fc.property(
    fc.array(fc.tuple(size, mask), { minLength: 1, maxLength: 4 }),
    fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 100, max: 9_000 })), {
      minLength: 2,
      maxLength: 8,
    }),
    fc.integer({ min: 0, max: 7 }),
    (frames, cuts, offset) => {
      const made = frames.map(([bytes, key]) => frameOf(bytes, key))
      const whole = Buffer.concat(made.map((it) => it.frame))
      const unmasker = new Unmasker()
      const heard: Buffer[] = []
      for (let at = 0, turn = 0; at < whole.length; turn++) {
        const length = cuts[turn % cuts.length] as number
        const memory = Buffer.alloc(offset + length + 8)
        whole.copy(memory, offset, at, at + length)
        const chunk = memory.subarray(offset, offset + Math.min(length, whole.length - at))
        unmasker.read(chunk)
        heard.push(chunk)
        at += length
      }
      const read = payloadsOf(Buffer.concat(heard))
      return (
        read.length === made.length && made.every(({ payload }, at) => payload.equals(read[at] as Buffer))
      )
    },
  )
  fc.assert(property, { numRuns: 60 })
})

test('the mask of a large payload is taken off, whose own comes in one piece', () => {
  const { frame, payload } = frameOf(1_000, [1, 2, 3, 4])
  const whole = Buffer.from(frame)
  new Unmasker().read(whole)
  expect([...whole.subarray(4, 8)]).toEqual([0, 0, 0, 0])
  expect(whole.subarray(8).equals(payload)).toBe(true)

  const halves = [Buffer.from(frame.subarray(0, 6)), Buffer.from(frame.subarray(6))]
  const unmasker = new Unmasker()
  for (const half of halves) unmasker.read(half)
  expect(Buffer.concat(halves).equals(frame)).toBe(true)
})

test('small payloads, those without a mask and those beyond all measure are left alone', () => {
  for (const frame of [
    frameOf(100, [1, 2, 3, 4]).frame,
    Buffer.concat([Buffer.from([0x82, 126, 4, 0]), Buffer.alloc(1_024, 7)]),
    Buffer.concat([
      Buffer.from([0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]),
      Buffer.alloc(2_000, 7),
    ]),
  ]) {
    const chunk = Buffer.from(frame)
    new Unmasker().read(chunk)
    expect(chunk.equals(frame)).toBe(true)
  }
})
