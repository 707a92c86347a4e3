import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import { Fields } from '../../src/codec/index.ts'

const given = ['Host', 'a', 'X-One', '1', 'x-two', '2', 'X-ONE', '3', '__proto__', '4']

describe('fields with another value', () => {
  test.each<[what: string, name: string, value: string, raw: readonly string[]]>([
    ['replace a line in its place', 'Host', 'b', ['Host', 'b', ...given.slice(2)]],
    [
      'take the letter case that is given',
      'X-Two',
      'b',
      [...given.slice(0, 4), 'X-Two', 'b', ...given.slice(6)],
    ],
    [
      'have one line of several, where the first was',
      'x-one',
      'b',
      ['Host', 'a', 'x-one', 'b', 'x-two', '2', '__proto__', '4'],
    ],
    ['have a new one at the end', 'X-Three', '', [...given, 'X-Three', '']],
    ['know names that objects have', '__PROTO__', 'b', [...given.slice(0, 8), '__PROTO__', 'b']],
    ['do not find a name by its beginning', 'X-On', 'b', [...given, 'X-On', 'b']],
  ])('%s', (_, name, value, raw) => {
    const fields = new Fields(given)
    expect(fields.with(name, value).raw).toEqual(raw)
    expect(fields.raw).toEqual(given)
  })

  test('come of none at all', () => {
    expect(new Fields([]).with('A', 'b').raw).toEqual(['A', 'b'])
  })
})

describe('fields without some', () => {
  test.each<[what: string, names: readonly string[], raw: readonly string[]]>([
    ['leave out each line of a name', ['X-one'], ['Host', 'a', 'x-two', '2', '__proto__', '4']],
    ['leave out several names', ['HOST', 'X-TWO', 'x-one', 'x-three'], ['__proto__', '4']],
    ['leave out names that objects have', ['__proto__'], given.slice(0, 8)],
    ['may be none', ['host', 'x-one', 'x-two', '__proto__'], []],
  ])('%s', (_, names, raw) => {
    const fields = new Fields(given)
    expect(fields.without(...names).raw).toEqual(raw)
    expect(fields.raw).toEqual(given)
  })

  test.each([[[]], [['X-Three']], [['constructor', 'X']]])(
    'are themselves when %j are not there',
    (names) => {
      const fields = new Fields(given)
      expect(fields.without(...names)).toBe(fields)
    },
  )
})

test('fields are shown as they came, those of a repeated name together', () => {
  expect(inspect(new Fields(['Host', 'a', 'Set-Cookie', 'b', 'Set-Cookie', 'c', '__proto__', 'd']))).toBe(
    "Fields { Host: 'a', 'Set-Cookie': [ 'b', 'c' ], ['__proto__']: 'd' }",
  )
  expect(inspect({ deep: { down: [new Fields(['A', 'b'])] } })).toContain('Fields')
})
