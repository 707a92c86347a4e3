import { expect, test } from 'vitest'

import { collectExamples, faultsOf } from './examples.ts'

const examples = collectExamples()
const faults = faultsOf(examples)

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(20)
})

test('a wrong example would be found', () => {
  const wrong = { where: 'here', code: "import { listen } from '@fairlead/tcp'\nawait listen({ prot: 1 })" }
  expect(faultsOf([wrong]).get('here')).toHaveLength(1)
})

test.each(examples)('$where is true', ({ where }) => {
  expect(faults.get(where)).toEqual([])
})
