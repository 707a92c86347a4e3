import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeAll, expect, test } from 'vitest'

import {
  cellsOf,
  complaints,
  keeping,
  type Reason,
  type Row,
  run,
  tableIn,
  tableOf,
} from './answers/suite.mjs'

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), 'utf8')
const reasons = JSON.parse(read('answers/differences.json')) as Reason[]
const committed = tableIn(read('../docs/FILES.md'))

let rows: readonly Row[]
let kept: readonly Row[]

beforeAll(async () => {
  ;[rows, kept] = await Promise.all([run(), run(keeping)])
  if (rows[0]?.answers.nginx) return
  const lack = 'nginx is not installed; to get it: apt-get install nginx-light'
  if (process.env['FAIRLEAD_REQUIRE_ALL'] === '1') throw new Error(`Cannot run test: ${lack}`)
  console.warn(`Left out: ${lack}`)
})

test('every difference has a reason, and every reason a difference', () => {
  expect(complaints(rows, reasons)).toEqual([])
})

test('every answer is that of docs/FILES.md', () => {
  const told = cellsOf(committed)
  const now = cellsOf(tableOf(rows, reasons))
  expect([...now.keys()]).toEqual([...told.keys()])
  expect(now.size).toBeGreaterThan(45)
  for (const [request, columns] of now) {
    // Where nginx is missing, so are its column and the reasons that hold for it alone.
    const compared = Object.entries(columns).filter(([name]) => name !== 'Why' || rows[0]?.answers.nginx)
    expect(told.get(request), request).toMatchObject(Object.fromEntries(compared))
  }
})

test('files that are kept in memory are answered with the same', () => {
  expect(kept.map(({ id, answers }) => [id, answers.Fairlead])).toEqual(
    rows.map(({ id, answers }) => [id, answers.Fairlead]),
  )
})

test('a difference without a reason is told', () => {
  const [first] = rows
  const row = { ...first, answers: { ...first?.answers, sirv: { Status: '299' } } } as Row
  expect(complaints([row], [])).toContain(`not explained: ${row.id}: Status is 200, with sirv 299`)
})

test('a reason without a difference is told', () => {
  const idle = { server: 'sirv', field: 'Nothing', why: 'No reason.' }
  expect(complaints(rows, [...reasons, idle])).toEqual([`explains nothing: ${JSON.stringify(idle)}`])
})
