import fc from 'fast-check'
import { expect, test } from 'vitest'

import { ByteBuffer } from '../src/byte-buffer.ts'

const letter = fc.constantFrom(97, 98)
const chunk = fc.oneof(
  fc.array(letter, { maxLength: 80 }).map((bytes) => Uint8Array.from(bytes)),
  fc.uint8Array({ maxLength: 3 }),
)

test('behaves as one array that is appended to and consumed', () => {
  const append = chunk.map((appended) => ({ appended }))
  const skip = fc.nat(100).map((skipped) => ({ skipped }))
  const cut = fc.tuple(fc.nat(30), fc.nat(30), fc.nat(3)).map((cuts) => ({ cuts }))
  const wanted = fc.array(letter, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(
      fc.array(fc.oneof(append, append, skip, cut)),
      wanted,
      fc.nat(90),
      fc.boolean(),
      (steps, needle, place, little) => {
        const buffer = new ByteBuffer()
        let model: number[] = []
        for (const step of steps) {
          if ('appended' in step) {
            buffer.append(step.appended)
            model.push(...step.appended)
          } else if ('skipped' in step) {
            const length = Math.min(step.skipped, model.length)
            buffer.skip(length)
            model = model.slice(length)
          } else {
            const [begin, length, behind] = step.cuts
            if (begin + length + behind <= model.length) {
              const bytes = buffer.cut(begin, begin + length, begin + length + behind)
              expect([...bytes]).toEqual(model.slice(begin, begin + length))
              model = model.slice(begin + length + behind)
            }
          }
          const from = Math.min(place, model.length)
          const bytes = Buffer.from(model)
          expect(buffer.length).toBe(model.length)
          expect(buffer.indexOf(needle[0] as number, from)).toBe(bytes.indexOf(needle[0] as number, from))
          expect(buffer.indexOf(Buffer.from(needle), from)).toBe(bytes.indexOf(Buffer.from(needle), from))
          if (from < model.length) expect(buffer.at(from)).toBe(model[from])
          for (const size of [1, 2, 4]) {
            if (size > model.length) continue
            const value = little ? bytes.readUIntLE(0, size) : bytes.readUIntBE(0, size)
            expect(buffer.uint(size, little)).toBe(value)
          }
        }
        const half = model.length >> 1
        expect(buffer.text(half)).toBe(Buffer.from(model.slice(0, half)).toString())
        expect([...buffer.take()]).toEqual(model)
        expect(buffer.length).toBe(0)
      },
    ),
    { numRuns: 500 },
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

test('a piece that was cut out is not written over by what comes behind it', () => {
  const buffer = new ByteBuffer()
  for (const byte of Buffer.from('one,two')) buffer.append(Buffer.of(byte))
  const one = buffer.cut(0, 3, 4)
  for (const byte of Buffer.from(',three')) buffer.append(Buffer.of(byte))
  const two = buffer.cut(0, 3, 4)
  one.fill(0)
  expect(Buffer.from(two).toString()).toBe('two')
  expect(buffer.text(5)).toBe('three')
})

test('leaves the chunks alone that it was given', () => {
  const chunk = Buffer.from('one-----').subarray(0, 3)
  const buffer = new ByteBuffer()
  buffer.append(chunk)
  buffer.append(Buffer.from('two'))
  buffer.append(Buffer.from('a longer one'))
  expect(buffer.text(buffer.length)).toBe('onetwoa longer one')
  expect(Buffer.from(chunk.buffer, chunk.byteOffset, 8).toString()).toBe('one-----')
})

test('copies only what straddles two chunks', () => {
  const buffer = new ByteBuffer()
  const second = Buffer.from('rest of it, and then some more')
  buffer.append(Buffer.from('the '))
  buffer.append(second)
  expect(Buffer.from(buffer.cut(0, 14, 14)).toString()).toBe('the rest of it')
  const more = buffer.cut(2, 5, 5)
  expect(Buffer.from(more).toString()).toBe('and')
  expect(more.buffer).toBe(second.buffer)
})
