import { describe, expect, test } from 'vitest'

import { ZstdFrames } from '../../src/coding/zstd-frames.ts'
import { HttpProtocolError } from '../../src/errors.ts'

const magic = [0x28, 0xb5, 0x2f, 0xfd]

/** The header of a block (RFC 8878 section 3.1.1.2). */
const block = (type: number, size: number, last: boolean): number[] => {
  const value = (size << 3) | (type << 1) | Number(last)
  return [value & 255, (value >> 8) & 255, value >> 16]
}

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)

/** Frames by what is special about them; zeros in them would be no magic number. */
const frames: Record<string, number[]> = {
  'a raw block': [...magic, 0, 0x58, ...block(0, 3, true), 1, 2, 3],
  'a block without content': [...magic, 0, 0x58, ...block(0, 0, true)],
  'a block of one byte repeated': [...magic, 0, 0x58, ...block(1, 100_000, true), 7],
  'a compressed block behind a raw one': [
    [...magic, 0, 0x58, ...block(0, 2, false), 1, 2],
    [...block(2, 300, true), ...zeros(300)],
  ].flat(),
  'a checksum': [...magic, 4, 0x58, ...block(0, 1, true), 9, 1, 2, 3, 4],
  'a single segment, size in one byte': [...magic, 0x20, 1, ...block(0, 1, true), 9],
  'a size in two bytes': [...magic, 0x40, 0x58, ...zeros(2), ...block(0, 1, true), 9],
  'a size in four bytes': [...magic, 0x80, 0x58, ...zeros(4), ...block(0, 1, true), 9],
  'a size in eight bytes, a dictionary in four': [...magic, 0xe3, ...zeros(12), ...block(0, 1, true), 9],
  'a dictionary in one byte': [...magic, 1, 0x58, 5, ...block(0, 1, true), 9],
  'a frame to be skipped': [0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3],
  'an empty frame to be skipped': [0x50, 0x2a, 0x4d, 0x18, ...zeros(4)],
}

describe.each(Object.entries(frames))('the end of %s is found', (_, bytes) => {
  const all = Uint8Array.from([...bytes, ...magic, 0])

  test('when more comes with it', () => {
    const walk = new ZstdFrames()
    expect(walk.complete).toBe(true)
    expect(walk.take(all)).toBe(bytes.length)
    expect(walk.complete).toBe(true)
  })

  test('when it comes byte by byte, and not before', () => {
    const walk = new ZstdFrames()
    for (const [at, byte] of bytes.entries()) {
      expect(walk.take(Uint8Array.of(byte))).toBe(1)
      expect(walk.complete).toBe(at === bytes.length - 1)
    }
  })

  test('when it is cut in two anywhere', () => {
    for (let cut = 1; cut < bytes.length; cut++) {
      const walk = new ZstdFrames()
      expect(walk.take(all.subarray(0, cut))).toBe(cut)
      expect(walk.complete).toBe(false)
      expect(walk.take(all.subarray(cut))).toBe(bytes.length - cut)
      expect(walk.complete).toBe(true)
    }
  })
})

test('what is no frame is refused as soon as that is certain', () => {
  const walk = new ZstdFrames()
  expect(walk.take(Uint8Array.of(0x28, 0xb5, 0x2f))).toBe(3)
  expect(() => walk.take(Uint8Array.of(0xfc))).toThrow(HttpProtocolError)
  expect(() => new ZstdFrames().take(Buffer.from('GIF89a'))).toThrow(HttpProtocolError)
})

test('a size of 4 GiB is waited for, not allocated', () => {
  const walk = new ZstdFrames()
  const bytes = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 255, 255, 255, 255, 1, 2, 3)
  expect(walk.take(bytes)).toBe(bytes.length)
  expect(walk.complete).toBe(false)
})
