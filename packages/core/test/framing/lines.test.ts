import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { LimitError } from '../../src/errors.ts'
import { lineFraming, type LinesOptions } from '../../src/framing/lines.ts'
import { cut, decode, encodeAll, expectLinear, holds, places } from './transcripts.ts'

/** What `chunks` are decoded to. */
function lineEvents(chunks: readonly Uint8Array[], options?: LinesOptions): unknown[] {
  return decode(lineFraming(options), chunks, (line) => line)
}

const limited = { maxLength: 8 }

const transcripts: [string, string | Buffer, string[], LinesOptions?][] = [
  ['nothing', '', []],
  ['one line', 'ahoy\n', ['ahoy']],
  ['both ends', 'one\r\ntwo\nthree\r\n', ['one', 'two', 'three']],
  ['empty lines', '\n\r\n\n', ['', '', '']],
  ['a last line without end', 'one\ntwo', ['one', 'end: two']],
  ['a last line that ends with CR', 'one\r', ['end: one\r']],
  ['a CR that is no end', 'a\rb\r\r\n', ['a\rb\r']],
  ['text of several bytes', 'ä⚓𝄞\n', ['ä⚓𝄞']],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 10]), ['\ufffd\ufffd']],
  ['NUL and byte order marks', '\0\ufeff\n\ufeff\n', ['\0\ufeff', '\ufeff']],
  [
    'exactly the longest line',
    '12345678\n12345678\r\n12345678',
    ['12345678', '12345678', 'end: 12345678'],
    limited,
  ],
  ['one byte too long', 'ok\n123456789\n', ['ok', 'limit: maxLength'], limited],
  ['one byte too long, with CR', '123456789\r\n', ['limit: maxLength'], limited],
  ['one byte too long, which is a CR', '12345678\r\r\n', ['limit: maxLength'], limited],
  ['one byte too long at the end', '123456789', ['limit: maxLength'], limited],
  ['a CR too long at the end', '12345678\r', ['limit: maxLength'], limited],
  ['too long in bytes, not in letters', 'äöüäö\n', ['limit: maxLength'], limited],
  ['too long and never an end', 'x'.repeat(40), ['limit: maxLength'], limited],
]

for (const [title, input, events, options] of transcripts) {
  holds(lineFraming(options), [{ title, input, events }], (line) => line)
}

const line = fc
  .string({ unit: 'binary', maxLength: 30 })
  .map((text) => text.replaceAll('\n', ' ').replace(/\r+$/, ''))
  .map((text) => Buffer.from(text).toString())

test('any lines, cut anywhere, come out as they went in', () => {
  fc.assert(
    fc.property(fc.array(line), places, fc.constantFrom('\n', '\r\n'), (lines, cuts, ending) => {
      const bytes = encodeAll(lineFraming({ ending }), lines)
      expect(lineEvents(cut(bytes, cuts))).toEqual(lines)
    }),
  )
})

test('any bytes, cut anywhere, give the same events', () => {
  const byte = fc.oneof(fc.constantFrom(10, 13), fc.nat(255))
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), places, (input, cuts) => {
      const bytes = Buffer.from(input)
      expect(lineEvents(cut(bytes, cuts), limited)).toEqual(lineEvents([bytes], limited))
    }),
    { numRuns: 1_000 },
  )
})

test('rest gives what belongs to no line yet, after any number of lines', () => {
  const decoder = lineFraming().decoder()
  decoder.push(Buffer.from('one\ntwo\nthr'))
  expect(decoder.next()).toBe('one')
  expect(Buffer.from(decoder.rest()).toString()).toBe('two\nthr')
  expect(decoder.rest()).toHaveLength(0)
  decoder.push(Buffer.from('four\n'))
  expect(decoder.next()).toBe('four')
})

describe('limits', () => {
  test('a gibibyte without an end is refused at maxLength, whatever the size of its chunks', () => {
    for (const size of [1, 1_000, 1 << 20]) {
      const decoder = lineFraming({ maxLength: 65_536 }).decoder()
      let pushed = 0
      const flood = (): void => {
        for (; pushed < 2 ** 30; pushed += size) {
          decoder.push(Buffer.alloc(size, 'x'))
          decoder.next()
        }
      }
      expect(flood).toThrow(LimitError)
      expect(pushed).toBeLessThanOrEqual(65_536 + size)
    }
  })

  test('one-byte chunks take linear time, for one long line and for many short ones', () => {
    const framing = lineFraming({ maxLength: 2 ** 20 })
    expectLinear(framing, (size) => Buffer.alloc(size, 'x'))
    expectLinear(framing, (size) => Buffer.alloc(size, 'xxxxxxxxx\n'))
  })

  test('many lines in one chunk take linear time', () => {
    expectLinear(lineFraming(), (size) => Buffer.alloc(size * 16, 'x\n'), Infinity)
  })

  test.each([0, -1, 1.5, Number.NaN, Infinity, '9' as unknown as number])(
    'refuses maxLength %s',
    (maxLength) => {
      expect(() => lineFraming({ maxLength })).toThrow(RangeError)
    },
  )

  test.each(['\r', '', '\n\n', 'x'])('refuses ending %j', (ending) => {
    expect(() => lineFraming({ ending: ending as '\n' })).toThrow(TypeError)
  })
})

describe('encode', () => {
  const { encode } = lineFraming(limited)

  test.each(['a\nb', '\n', 'a\r\n', 'a\r', '\r'])('refuses %j, which has a line end in it', (text) => {
    expect(() => encode(text)).toThrow(TypeError)
  })

  test.each([5, null, undefined, Buffer.from('x'), {}])('refuses %s, which is no text', (value) => {
    expect(() => encode(value as never)).toThrow(TypeError)
  })

  test('refuses what the other side would refuse', () => {
    expect(encode('12345678')).toBe('12345678\n')
    expect(encode('äöüß')).toBe('äöüß\n')
    expect(() => encode('123456789')).toThrow(LimitError)
    expect(() => encode('äöüßä')).toThrow(expect.objectContaining({ limit: 'maxLength', value: 10 }))
    // A lone surrogate leaves as a replacement character of three bytes.
    expect(() => encode('\ud800'.repeat(3))).toThrow(LimitError)
  })
})
