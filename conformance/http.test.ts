import { afterAll, beforeAll, expect, test } from 'vitest'

import { cases, examineAll, programs, type Running, sections, start } from './http/suite.mjs'

let server: Running

beforeAll(async () => {
  server = await start(programs.fairlead)
})

afterAll(() => server.stop())

test('every case has a name of its own and cites a rule', () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
  expect(cases.filter(({ rule }) => !/^(?:\d{4} [\dA-Z.]+|security: .+)$/.test(rule))).toEqual([])
  expect(cases.length).toBeGreaterThanOrEqual(200)
})

test.each([
  { way: 'whole', whole: true },
  { way: 'byte by byte', whole: false },
])('all of them pass, sent $way', async ({ whole }) => {
  const failures = await examineAll(server.port, cases, { whole })
  expect(Object.fromEntries(failures)).toEqual({})
  expect(server.running()).toBe(true)
})

test('a list of cases with a wrong expectation fails, so that a pass means something', async () => {
  const [first] = sections
  const wrong = first?.cases.map((one) => ({ ...one, expect: { answers: [299], after: 'kept' } })) ?? []
  const failures = await examineAll(server.port, wrong, { whole: true })
  expect(failures.size).toBe(wrong.length)
})
