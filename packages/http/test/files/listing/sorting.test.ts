import { expect, test } from 'vitest'

import type { Entry } from '../../../src/files/listing/listing.ts'
import { sortEntries, sortingOf } from '../../../src/files/listing/sorting.ts'
import { file, folder } from './folders.ts'

function sorted(query: string, ...entries: Entry[]): string[] {
  return sortEntries(entries, sortingOf(new URLSearchParams(query))).map(({ name }) => name)
}

test('names are sorted as people read them', () => {
  const names = ['b', 'file10', 'file9', 'B', 'ä', 'a', '_', 'Z'].map((name) => file(name))
  expect(sorted('', ...names)).toEqual(['_', 'a', 'ä', 'B', 'b', 'file9', 'file10', 'Z'])
  expect(sorted('sort=name&order=desc', ...names)).toEqual(
    ['_', 'a', 'ä', 'B', 'b', 'file9', 'file10', 'Z'].toReversed(),
  )
})

test('names that differ in leading zeros only have one order', () => {
  expect(sorted('', file('a01'), file('a1'), file('a001'))).toEqual(['a001', 'a01', 'a1'])
  expect(sorted('', file('a001'), file('a1'), file('a01'))).toEqual(['a001', 'a01', 'a1'])
})

test('folders come first, whatever the order is', () => {
  const entries = [file('a', 5), folder('z'), file('b', 9), folder('y')]
  expect(sorted('', ...entries)).toEqual(['y', 'z', 'a', 'b'])
  expect(sorted('order=desc', ...entries)).toEqual(['z', 'y', 'b', 'a'])
  expect(sorted('sort=size&order=desc', ...entries)).toEqual(['y', 'z', 'b', 'a'])
  expect(sorted('sort=modified&order=desc', ...entries)).toEqual(['y', 'z', 'a', 'b'])
})

test('sizes and dates are sorted by their value, and by name where that is the same', () => {
  const entries = [
    file('c', 10, new Date(2)),
    file('b', 9, new Date(3)),
    file('a', 10, new Date(1)),
    file('d', 100, new Date(3)),
  ]
  expect(sorted('sort=size', ...entries)).toEqual(['b', 'a', 'c', 'd'])
  expect(sorted('sort=size&order=desc', ...entries)).toEqual(['d', 'a', 'c', 'b'])
  expect(sorted('sort=modified', ...entries)).toEqual(['a', 'c', 'b', 'd'])
  expect(sorted('sort=modified&order=desc', ...entries)).toEqual(['b', 'd', 'c', 'a'])
})

test('what a query does not know is as if it were not there', () => {
  const byName = { by: 'name', descending: false }
  for (const query of ['', 'sort=', 'sort=SIZE', 'sort=__proto__&order=down', 'order=DESC', 'sort=length']) {
    expect(sortingOf(new URLSearchParams(query))).toEqual(byName)
  }
})

test('the entries that are sorted stay as they were', () => {
  const entries = Object.freeze([file('b'), file('a')])
  expect(sortEntries(entries, { by: 'name', descending: false })).toHaveLength(2)
  expect(entries.map(({ name }) => name)).toEqual(['b', 'a'])
})
