import { afterAll, beforeAll, expect, test } from 'vitest'

import {
  cases,
  examineAll,
  examineEach,
  programs,
  type Running,
  sections,
  start,
  ways,
} from './websocket/suite.mjs'

let server: Running

beforeAll(async () => {
  server = await start(programs.fairlead)
})

afterAll(() => server.stop())

test('every case has a name of its own and cites a rule', () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
  expect(cases.filter(({ rule }) => !/^(?:\d{4} [\dA-Z.]+|security: .+)$/.test(rule))).toEqual([])
  expect(cases.length).toBeGreaterThanOrEqual(150)
})

test.each(ways)('all of them pass, sent %s', async (way) => {
  const common = cases.filter(({ own, heavy }) => !own && (way === 'whole' || !heavy))
  const failures = await examineAll(server, common, { way })
  expect(Object.fromEntries(failures)).toEqual({})
  expect(server.running()).toBe(true)
})

test.each(ways)('none of them ends the server, sent %s', async (way) => {
  const own = cases.filter((one) => one.own)
  const failures = await examineEach(() => start(programs.fairlead), own, { way })
  expect(own.length).toBeGreaterThan(0)
  expect(Object.fromEntries(failures)).toEqual({})
})

test('over TLS a peer that is lost in any phase is forgotten, too', async () => {
  const resets = sections.find(({ section }) => section === 'Resets')
  const secure = await start(programs.fairlead, { tls: true })
  try {
    const failures = await examineAll(secure, resets?.cases ?? [], { way: 'whole' })
    expect(Object.fromEntries(failures)).toEqual({})
    expect(secure.running()).toBe(true)
  } finally {
    await secure.stop()
  }
})

test('a list of cases with a wrong expectation fails, so that a pass means something', async () => {
  const [, , framing] = sections
  const wrong = framing?.cases.map(({ each: _variants, ...one }) => ({
    send: [],
    ...one,
    expect: { events: [], after: [4999] },
  }))
  const failures = await examineAll(server, wrong ?? [], { way: 'whole' })
  expect(failures.size).toBe(framing?.cases.length)
})
