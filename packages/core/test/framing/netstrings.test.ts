import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { LimitError } from '../../src/errors.ts'
import { netstringFraming } from '../../src/framing/netstrings.ts'
import { cut, decode, encodeAll, expectLinear, holds, joined, latin1, places } from './transcripts.ts'

const cutOff = 'Cannot read message: stream ended inside it'
const noDigits = 'Cannot read message: length has no digits'
const notDigits = 'Cannot read message: length is not decimal digits and a colon'
const leadingZero = 'Cannot read message: length has a leading zero'
const noComma = 'Cannot read message: no comma behind it'
const limit = 'limit: maxLength'

const limited = netstringFraming({ maxLength: 12 })

const rows: [string, string, string[]][] = [
  ['nothing', '', []],
  ['one', '5:hello,', ['hello']],
  ['an empty one', '0:,', ['']],
  ['several', '1:a,0:,2:bc,', ['a', '', 'bc']],
  ['the longest', '12:hello world!,', ['hello world!']],
  ['commas and colons inside', '5:,1:a,,', [',1:a,']],
  ['one byte too long', '1:a,13:', ['a', limit]],
  ['2^53', '9007199254740992:', [limit]],
  ['digits without end', '1'.repeat(40), [limit]],
  ['no digits', ':a,', [noDigits]],
  ['a leading zero', '05:hello,', [leadingZero]],
  ['two zeros', '00:,', [leadingZero]],
  ['a sign', '+5:hello,', [notDigits]],
  ['a negative length', '-1:a,', [notDigits]],
  ['a space', ' 5:hello,', [notDigits]],
  ['hexadecimal', '1a:x,', [notDigits]],
  ['a letter', '1:a,x', ['a', notDigits]],
  ['no comma', '5:hello.', [noComma]],
  ['longer than it says', '4:hello,', [noComma]],
  ['an end inside the length', '1:a,5', ['a', cutOff]],
  ['an end behind the length', '5:', [cutOff]],
  ['an end inside the message', '5:hell', [cutOff]],
  ['an end before the comma', '5:hello', [cutOff]],
]

holds(
  limited,
  rows.map(([title, input, events]) => ({ title, input, events })),
  latin1,
)

test('any messages, cut anywhere, come out as they went in', () => {
  const framing = netstringFraming()
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 120 })), places, (sent, cuts) => {
      expect(decode(framing, cut(encodeAll(framing, sent), cuts), latin1)).toEqual(sent.map(latin1))
    }),
  )
})

test('any bytes, cut anywhere, give the same events', () => {
  const letters = fc.string({ unit: fc.constantFrom('0', '1', '2', ':', ',', 'x'), maxLength: 40 })
  fc.assert(
    fc.property(letters, places, (input, cuts) => {
      const bytes = Buffer.from(input)
      expect(decode(limited, cut(bytes, cuts), latin1)).toEqual(decode(limited, [bytes], latin1))
    }),
    { numRuns: 2_000 },
  )
})

describe('encode', () => {
  test('is one piece or, when large, has no copy', () => {
    const { encode } = netstringFraming()
    expect(latin1(joined(encode(Buffer.from('hello'))))).toBe('5:hello,')
    expect(latin1(joined(encode(new Uint8Array(0))))).toBe('0:,')
    const large = Buffer.alloc(100_000, 'x')
    expect(encode(large)).toContain(large)
    expect(latin1(joined(encode(large)))).toBe(`100000:${'x'.repeat(100_000)},`)
  })

  test('refuses what the other side would refuse, and what is not bytes', () => {
    expect(() => limited.encode(Buffer.alloc(13))).toThrow(LimitError)
    for (const value of ['text', 5, null, undefined]) {
      expect(() => limited.encode(value as never)).toThrow(TypeError)
    }
  })
})

test('one-byte chunks take linear time, for one long message and for many short ones', () => {
  const framing = netstringFraming()
  expectLinear(framing, (size) => encodeAll(framing, [Buffer.alloc(size)]))
  expectLinear(framing, (size) => encodeAll(framing, Array(size / 10).fill(Buffer.alloc(7))))
})

test.each([0, -1, 1.5, Number.NaN, Infinity, '9' as unknown as number])(
  'refuses maxLength %s',
  (maxLength) => {
    expect(() => netstringFraming({ maxLength })).toThrow(RangeError)
  },
)

test('rest gives what belongs to no message yet', () => {
  for (const left of ['', '5', '5:', '5:hel', '5:hello']) {
    const decoder = netstringFraming().decoder()
    decoder.push(Buffer.from(`1:a,${left}`))
    expect(latin1(decoder.next() as Uint8Array)).toBe('a')
    expect(decoder.next()).toBeUndefined()
    expect(latin1(decoder.rest())).toBe(left)
  }
})
