import { expect, test } from 'vitest'

import { applies, cases, examineAll, ours, sections } from './client/suite.mjs'

const rules = /^(?:\d{4} [\dA-Z.]+|(?:Fetch|URL) [\d.]+|security)(?:[:;] .+)?$/

test('every case has a name of its own and cites a rule', () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
  expect(cases.filter(({ rule }) => !rules.test(rule))).toEqual([])
  expect(cases.length).toBeGreaterThanOrEqual(120)
})

test('there is no case that the client cannot be asked', () => {
  expect(cases.filter((one) => !applies(ours, one))).toEqual([])
})

test.each([
  { way: 'whole', whole: true },
  { way: 'byte by byte', whole: false },
])('all of them pass, played $way', async ({ whole }) => {
  const failures = await examineAll(ours, cases, { whole })
  expect(Object.fromEntries(failures)).toEqual({})
})

test('a list of cases with a wrong expectation fails, so that a pass means something', async () => {
  const [first] = sections
  const wrong = (first?.cases ?? []).map((one) => ({
    ...one,
    ours: undefined,
    expect: { reports: [{ status: 299, body: 'another' }], after: 'kept' },
  }))
  const failures = await examineAll(ours, wrong, { whole: true })
  expect(failures.size).toBe(wrong.length)
})
