import fc from 'fast-check'
import { expect, test } from 'vitest'

import { Pieces } from '../../src/message/pieces.ts'

test('pieces of any sizes make the whole of them', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.integer({ min: 1000, max: 3000 }).map((size) => new Uint8Array(size).fill(size % 251)),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (all) => {
      const pieces = new Pieces()
      for (const one of all) pieces.push(one)
      const wanted = Buffer.concat(all)
      expect(pieces.size).toBe(wanted.length)
      expect(Buffer.compare(pieces.whole(), wanted)).toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('a body of one piece is that piece, without a copy', () => {
  const pieces = new Pieces()
  const only = Buffer.from('all of it')
  pieces.push(only)
  expect(pieces.whole()).toBe(only)
})
