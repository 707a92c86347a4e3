import fc from 'fast-check'
import { expect, test } from 'vitest'

import { Fifo } from '../src/fifo.ts'

test('gives back what went in, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('push', 'push', 'shift', 'pop', 'drain')), (steps) => {
      const fifo = new Fifo<number>()
      let model: number[] = []
      for (const [index, step] of steps.entries()) {
        if (step === 'push') {
          fifo.push(index)
          model.push(index)
        } else if (step === 'drain') {
          expect(fifo.drain()).toEqual(model)
          model = []
        } else if (model.length > 0) {
          if (step === 'pop') expect(fifo.pop()).toBe(model.pop())
          else expect(fifo.shift()).toBe(model.shift())
        }
        expect([fifo.length, fifo.head]).toEqual([model.length, model[0]])
      }
    }),
  )
})
