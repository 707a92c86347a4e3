import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { LimitError } from '../../src/errors.ts'
import { delimitedFraming } from '../../src/framing/delimited.ts'
import { cut, decode, encodeAll, expectLinear, holds, joined, latin1, places } from './transcripts.ts'

const cutOff = 'Cannot read message: stream ended inside it'
const limit = 'limit: maxLength'

const delimiters: [string, [string, string, string[]][]][] = [
  [
    '\0',
    [
      ['nothing', '', []],
      ['two messages', 'one\0two\0', ['one', 'two']],
      ['empty messages', '\0\0', ['', '']],
      ['the longest', '12345678\0', ['12345678']],
      ['one byte too long', 'ok\x00123456789\0', ['ok', limit]],
      ['never a delimiter', 'x'.repeat(30), [limit]],
      ['an end inside a message', 'one\0tw', ['one', cutOff]],
    ],
  ],
  [
    '\r\n',
    [
      ['two messages', 'one\r\ntwo\r\n', ['one', 'two']],
      ['halves of it', 'a\rb\n\r\n', ['a\rb\n']],
      ['a CR before it', 'a\r\r\n', ['a\r']],
      ['the longest', '12345678\r\n', ['12345678']],
      ['one byte too long, which may begin it', '12345678\r\r\n', [limit]],
      ['an end inside it', 'one\r', [cutOff]],
    ],
  ],
  [
    'aab',
    [
      ['overlaps itself', 'aaaab', ['aa']],
      ['again and again', 'aabaaab', ['', 'a']],
      ['never whole', 'aaaaaaaaaaaaaaaaa', [limit]],
    ],
  ],
  ['aa', [['the first that fits', 'xaaa', ['x', cutOff]]]],
  ['--boundary--', [['longer than the message', 'a--boundary--b--bound--boundary--', ['a', 'b--bound']]]],
]

describe.each(delimiters)('delimiter %j', (delimiter, rows) => {
  const transcripts = rows.map(([title, input, events]) => ({
    title,
    input: Buffer.from(input, 'latin1'),
    events,
  }))
  holds(delimitedFraming({ delimiter, maxLength: 8 }), transcripts, latin1)
})

const someDelimiter = fc.constantFrom('\0', '\r\n', 'aa', 'aab', 'abab', 'abcabd')
const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', '\r', '\n', '\0'), maxLength: 40 })

test('any messages, cut anywhere, come out as they went in, or are refused', () => {
  fc.assert(
    fc.property(someDelimiter, fc.array(letters), places, (delimiter, texts, cuts) => {
      const framing = delimitedFraming({ delimiter })
      const sent = texts.filter((text) => `${text}${delimiter}`.indexOf(delimiter) === text.length)
      for (const text of texts) {
        if (!sent.includes(text)) expect(() => framing.encode(Buffer.from(text))).toThrow(TypeError)
      }
      const bytes = encodeAll(
        framing,
        sent.map((text) => Buffer.from(text)),
      )
      expect(decode(framing, cut(bytes, cuts), latin1)).toEqual(sent)
    }),
    { numRuns: 1_000 },
  )
})

test('any bytes, cut anywhere, give the same events', () => {
  fc.assert(
    fc.property(someDelimiter, letters, places, (delimiter, input, cuts) => {
      const framing = delimitedFraming({ delimiter, maxLength: 6 })
      const bytes = Buffer.from(input)
      expect(decode(framing, cut(bytes, cuts), latin1)).toEqual(decode(framing, [bytes], latin1))
    }),
    { numRuns: 2_000 },
  )
})

describe('encode', () => {
  test('puts the delimiter behind, as one piece or, when large, with no copy', () => {
    const { encode } = delimitedFraming({ delimiter: Buffer.of(0, 1) })
    expect(latin1(joined(encode(Buffer.from('abc'))))).toBe('abc\0\x01')
    const large = new Uint8Array(100_000)
    expect(encode(large)).toContain(large)
    expect(joined(encode(large))).toHaveLength(100_002)
  })

  test('keeps the delimiter it was given', () => {
    const delimiter = Buffer.from('|')
    const { encode } = delimitedFraming({ delimiter })
    delimiter.fill('!')
    expect(latin1(joined(encode(Buffer.from('abc'))))).toBe('abc|')
  })

  test.each([
    ['\0', 'a\0b'],
    ['\r\n', 'a\r\n'],
    ['aa', 'xa'],
    ['abab', 'xab'],
  ])('delimiter %j: refuses %j, which would be cut in two', (delimiter, text) => {
    const { encode } = delimitedFraming({ delimiter })
    expect(() => encode(Buffer.from(text))).toThrow('Cannot send message: it contains the delimiter')
  })

  test('refuses what the other side would refuse, and what is not bytes', () => {
    const { encode } = delimitedFraming({ delimiter: '\0', maxLength: 3 })
    expect(() => encode(Buffer.from('abcd'))).toThrow(LimitError)
    for (const value of ['text', 5, null, undefined]) expect(() => encode(value as never)).toThrow(TypeError)
  })
})

test('one-byte chunks take linear time, also when the delimiter is nearly there all the time', () => {
  expectLinear(delimitedFraming({ delimiter: '\0' }), (size) => Buffer.alloc(size, 'x'))
  expectLinear(delimitedFraming({ delimiter: '\0' }), (size) => Buffer.alloc(size, 'xxxxxxxxx\0'))
  expectLinear(delimitedFraming({ delimiter: 'aaaaaaab' }), (size) => Buffer.alloc(size, 'a'))
})

test.each<[object, string]>([
  [{ delimiter: '' }, 'delimiter'],
  [{ delimiter: new Uint8Array(0) }, 'delimiter'],
  [{ delimiter: 10 }, 'delimiter'],
  [{}, 'delimiter'],
  [{ delimiter: '\n', maxLength: 0 }, 'maxLength'],
])('refuses %j', (options, name) => {
  expect(() => delimitedFraming(options as never)).toThrow(`Invalid option ${name}: `)
})

test('rest gives what belongs to no message yet, a part of the delimiter included', () => {
  const decoder = delimitedFraming({ delimiter: '\r\n' }).decoder()
  decoder.push(Buffer.from('one\r\ntwo\r'))
  expect(latin1(decoder.next() as Uint8Array)).toBe('one')
  expect(decoder.next()).toBeUndefined()
  expect(latin1(decoder.rest())).toBe('two\r')
  decoder.push(Buffer.from('\nfour\r\n'))
  expect(latin1(decoder.next() as Uint8Array)).toBe('\nfour')
})
