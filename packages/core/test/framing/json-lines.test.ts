import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { LimitError, ProtocolError } from '../../src/errors.ts'
import { jsonLineFraming } from '../../src/framing/json-lines.ts'
import { cut, decode, encodeAll, expectLinear, holds, places } from './transcripts.ts'

const framing = jsonLineFraming({ maxLength: 16 })
const show = (value: unknown): string => JSON.stringify(value)
const notJson = 'Cannot read message: line is not JSON'

const rows: [string, string, string[]][] = [
  ['nothing', '', []],
  ['values', '{"a":1}\n[2]\n"three"\n4\r\n', ['{"a":1}', '[2]', '"three"', '4']],
  ['false values', 'null\nfalse\n0\n""\n', ['null', 'false', '0', '""']],
  ['empty lines', '\n\r\n1\n\n\n2\n\n', ['1', '2']],
  ['a last line without end', '1\n{"a":2}', ['1', 'end: {"a":2}']],
  ['null without end', 'null', ['end: null']],
  ['a last line that is cut off', '1\n{"a":', ['1', notJson]],
  ['space around', ' [ 1 ] \n', ['[1]']],
  ['text of several bytes', '"ä⚓𝄞"\n', ['"ä⚓𝄞"']],
  ['not JSON', '1\nnope\n2\n', ['1', notJson]],
  ['only space', ' \n', [notJson]],
  ['two values', '1 2\n', [notJson]],
  ['NaN', 'NaN\n', [notJson]],
  ['the longest', '"12345678901234"\n', ['"12345678901234"']],
  ['one byte too long', '1\n"123456789012345"\n', ['1', 'limit: maxLength']],
  ['never an end', '['.repeat(40), ['limit: maxLength']],
]

holds(
  framing,
  rows.map(([title, input, events]) => ({ title, input, events })),
  show,
)

test('any values, cut anywhere, come out as they went in', () => {
  const wide = jsonLineFraming()
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), places, (values, cuts) => {
      const sent = values.map(show)
      expect(decode(wide, cut(encodeAll(wide, values), cuts), show)).toEqual(sent)
    }),
  )
})

test('the error tells nothing of the line', () => {
  const decoder = jsonLineFraming().decoder()
  decoder.push(Buffer.from('password=hunter2\n'))
  const error = (() => {
    try {
      return decoder.next()
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toBeInstanceOf(ProtocolError)
  expect(error).toMatchObject({ side: 'remote', code: 'ERR_FAIRLEAD_PROTOCOL' })
  expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/hunter|password/)
  expect((error as Error).cause).toBeUndefined()
})

test('a __proto__ key is a property like any other', () => {
  const decoder = jsonLineFraming().decoder()
  decoder.push(Buffer.from('{"__proto__":{"admin":true}}\n'))
  const value = decoder.next() as { admin?: boolean }
  expect(value.admin).toBeUndefined()
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
})

test('nesting as deep as a line allows costs one line', () => {
  const deep = jsonLineFraming().decoder()
  const line = `${'['.repeat(500_000)}${']'.repeat(500_000)}\n`
  deep.push(Buffer.from(line))
  expect(Array.isArray(deep.next())).toBe(true)
  deep.push(Buffer.from(`${'['.repeat(1_000_000)}\n`))
  expect(() => deep.next()).toThrow(ProtocolError)
})

describe('encode', () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle

  test.each([undefined, () => {}, Symbol('x'), 5n, { a: 5n }, cycle])(
    'refuses what JSON cannot express',
    (value) => {
      expect(() => jsonLineFraming().encode(value)).toThrow(TypeError)
    },
  )

  test('is one line, whatever is in it', () => {
    expect(framing.encode('a\nb\r\u2028')).toBe('"a\\nb\\r\u2028"\n')
    expect(framing.encode(null)).toBe('null\n')
  })

  test('refuses what the other side would refuse', () => {
    expect(framing.encode('x'.repeat(14))).toHaveLength(17)
    expect(() => framing.encode('x'.repeat(15))).toThrow(LimitError)
    expect(() => framing.encode('ä'.repeat(8))).toThrow(expect.objectContaining({ value: 18 }))
  })
})

test('one-byte chunks take linear time, for one long line and for many short ones', () => {
  expectLinear(jsonLineFraming(), (size) => Buffer.from(`"${'x'.repeat(size)}"\n`))
  expectLinear(jsonLineFraming(), (size) => Buffer.alloc(size, '"abcdefg"\n'))
  expectLinear(jsonLineFraming(), (size) => Buffer.alloc(size, '\n'))
})

test.each([0, -1, 1.5, Number.NaN, Infinity])('refuses maxLength %s', (maxLength) => {
  expect(() => jsonLineFraming({ maxLength })).toThrow(RangeError)
})
