import fc from 'fast-check'
import { expect, test } from 'vitest'

import { ByteBuffer } from '../src/byte-buffer.ts'

test('behaves as one array that is appended to and skipped', () => {
  const append = fc.uint8Array({ maxLength: 80 }).map((chunk) => ({ chunk }))
  const skip = fc.nat(100).map((length) => ({ length }))
  fc.assert(
    fc.property(fc.array(fc.oneof(append, skip)), fc.nat(255), (steps, byte) => {
      const buffer = new ByteBuffer()
      let model: number[] = []
      for (const step of steps) {
        if ('chunk' in step) {
          buffer.append(step.chunk)
          model.push(...step.chunk)
        } else {
          const length = Math.min(step.length, model.length)
          buffer.skip(length)
          model = model.slice(length)
        }
        const from = Math.min(3, model.length)
        expect(buffer.length).toBe(model.length)
        expect(buffer.indexOf(byte, from)).toBe(model.indexOf(byte, from))
        if (model.length > 0) expect(buffer.at(model.length - 1)).toBe(model.at(-1))
        expect(buffer.text(model.length)).toBe(Buffer.from(model).toString())
      }
      expect([...buffer.take()]).toEqual(model)
      expect(buffer.length).toBe(0)
    }),
  )
})

test('what was taken out is not written over', () => {
  const buffer = new ByteBuffer()
  buffer.append(Buffer.from('one'))
  buffer.append(Buffer.from('two'))
  const taken = buffer.take()
  buffer.append(Buffer.from('three'))
  buffer.append(Buffer.from('four'))
  expect(Buffer.from(taken).toString()).toBe('onetwo')
})

test('leaves the chunks alone that it was given', () => {
  const chunk = Buffer.from('one-----').subarray(0, 3)
  const buffer = new ByteBuffer()
  buffer.append(chunk)
  buffer.append(Buffer.from('two'))
  expect(Buffer.from(chunk.buffer, chunk.byteOffset, 8).toString()).toBe('one-----')
})
