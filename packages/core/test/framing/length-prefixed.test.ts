import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { LimitError } from '../../src/errors.ts'
import { lengthPrefixedFraming, type LengthPrefixedOptions } from '../../src/framing/length-prefixed.ts'
import { cut, decode, encodeAll, expectLinear, holds, joined, latin1, places } from './transcripts.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const cutOff = 'Cannot read message: stream ended inside it'
const limit = 'limit: maxLength'

const formats: [string, LengthPrefixedOptions, [string, string, string[]][]][] = [
  [
    'four bytes, big endian',
    { maxLength: 8 },
    [
      ['nothing', '', []],
      ['one message', '00000003 616263', ['abc']],
      ['an empty message', '00000000', ['']],
      ['several', '00000001 61 00000000 00000002 6263', ['a', '', 'bc']],
      ['the longest', '00000008 6162636465666768', ['abcdefgh']],
      ['one byte too long', '00000001 61 00000009', ['a', limit]],
      ['2^31', '80000000', [limit]],
      ['2^32 - 1', 'ffffffff', [limit]],
      ['the other endianness', '03000000 616263', [limit]],
      ['an end inside the header', '00000001 61 0000', ['a', cutOff]],
      ['an end behind the header', '00000002', [cutOff]],
      ['an end inside the message', '00000003 6162', [cutOff]],
    ],
  ],
  [
    'one byte',
    { header: 1 },
    [
      ['two messages', '01 61 02 6263', ['a', 'bc']],
      ['more than 127', `80 ${'7a'.repeat(128)}`, ['z'.repeat(128)]],
      ['an end inside the message', 'ff 61', [cutOff]],
    ],
  ],
  [
    'two bytes, little endian',
    { header: 2, endianness: 'little', maxLength: 256 },
    [
      ['one message', '0200 6162', ['ab']],
      ['256 bytes', `0001 ${'7a'.repeat(256)}`, ['z'.repeat(256)]],
      ['one byte too long', '0101', [limit]],
    ],
  ],
  [
    'two bytes that count themselves',
    { header: 2, includesHeader: true, maxLength: 8 },
    [
      ['one message', '0005 616263', ['abc']],
      ['an empty message', '0002', ['']],
      ['the longest', '000a 6162636465666768', ['abcdefgh']],
      ['one byte too long', '000b', [limit]],
      [
        'less than its header',
        '0003 61 0001',
        ['a', 'Cannot read message: length 1 is less than its header'],
      ],
      ['zero', '0000', ['Cannot read message: length 0 is less than its header']],
    ],
  ],
  [
    'four bytes, little endian, that count themselves',
    { header: 4, endianness: 'little', includesHeader: true, maxLength: 8 },
    [
      ['one message', '07000000 616263', ['abc']],
      ['less than its header', '03000000', ['Cannot read message: length 3 is less than its header']],
    ],
  ],
  [
    'eight bytes, big endian',
    { header: 8, maxLength: 8 },
    [
      ['one message', '0000000000000003 616263', ['abc']],
      ['2^32', '0000000100000000', [limit]],
      ['2^53', '0020000000000000', [limit]],
      ['2^63', '8000000000000000', [limit]],
      ['2^64 - 1', 'ffffffffffffffff', [limit]],
      ['an end inside the header', '00000000000000', [cutOff]],
    ],
  ],
  [
    'eight bytes, little endian',
    { header: 8, endianness: 'little', maxLength: 8 },
    [
      ['one message', '0300000000000000 616263', ['abc']],
      ['2^63', '0000000000000080', [limit]],
    ],
  ],
  [
    'varint',
    { header: 'varint', maxLength: 130 },
    [
      ['one message', '03 616263', ['abc']],
      ['an empty message', '00', ['']],
      ['two bytes', `8201 ${'7a'.repeat(130)}`, ['z'.repeat(130)]],
      ['one byte too long', '8301', [limit]],
      ['longer than it need be', '8300 616263', ['abc']],
      ['ten bytes, the most', '83808080808080808000 616263', ['abc']],
      ['2^31', '8080808008', [limit]],
      ['2^53', '8080808080808010', [limit]],
      ['2^63', '80808080808080808001', [limit]],
      [
        'eleven bytes',
        '01 61 8380808080808080808000',
        ['a', 'Cannot read message: length is a varint of more than 10 bytes'],
      ],
      ['an end inside the header', '83', [cutOff]],
      ['an end inside the message', '03 6162', [cutOff]],
    ],
  ],
]

describe.each(formats)('%s', (_, options, rows) => {
  const transcripts = rows.map(([title, input, events]) => ({ title, input: hex(input), events }))
  holds(lengthPrefixedFraming(options), transcripts, latin1)
})

const options: fc.Arbitrary<LengthPrefixedOptions> = fc.oneof(
  fc.record({
    header: fc.constantFrom(1, 2, 4, 8),
    endianness: fc.constantFrom('big', 'little'),
    includesHeader: fc.boolean(),
  }),
  fc.constant<LengthPrefixedOptions>({ header: 'varint' }),
)
const messages = fc.array(fc.uint8Array({ maxLength: 200 }))

test('any messages, cut anywhere, come out as they went in', () => {
  fc.assert(
    fc.property(options, messages, places, (chosen, sent, cuts) => {
      const framing = lengthPrefixedFraming(chosen)
      expect(decode(framing, cut(encodeAll(framing, sent), cuts), latin1)).toEqual(sent.map(latin1))
    }),
    { numRuns: 300 },
  )
})

test('any bytes, cut anywhere, give the same events', () => {
  const byte = fc.oneof(fc.constantFrom(0, 1, 2, 128), fc.nat(255))
  fc.assert(
    fc.property(options, fc.array(byte, { maxLength: 60 }), places, (chosen, input, cuts) => {
      const framing = lengthPrefixedFraming({ ...chosen, maxLength: 20 })
      const bytes = Buffer.from(input)
      expect(decode(framing, cut(bytes, cuts), latin1)).toEqual(decode(framing, [bytes], latin1))
    }),
    { numRuns: 1_000 },
  )
})

describe('encode', () => {
  test.each<[LengthPrefixedOptions, string]>([
    [{}, '00000003616263'],
    [{ header: 1 }, '03616263'],
    [{ header: 2, endianness: 'little' }, '0300616263'],
    [{ header: 8 }, '0000000000000003616263'],
    [{ header: 2, includesHeader: true }, '0005616263'],
    [{ header: 'varint' }, '03616263'],
  ])('with %j', (chosen, wire) => {
    expect(joined(lengthPrefixedFraming(chosen).encode(bytesOf('abc'))).toString('hex')).toBe(wire)
  })

  test('a varint of 300', () => {
    const bytes = joined(lengthPrefixedFraming({ header: 'varint' }).encode(new Uint8Array(300)))
    expect(bytes.subarray(0, 2).toString('hex')).toBe('ac02')
    expect(bytes).toHaveLength(302)
  })

  test('a small message is one piece, a large one is not copied', () => {
    const { encode } = lengthPrefixedFraming()
    expect(encode(new Uint8Array(1_000))).toHaveLength(1_004)
    const large = new Uint8Array(100_000)
    const pieces = encode(large) as readonly Uint8Array[]
    expect(pieces).toHaveLength(2)
    expect(pieces[1]).toBe(large)
  })

  test('refuses what the other side would refuse, and what the header cannot say', () => {
    expect(() => lengthPrefixedFraming({ maxLength: 3 }).encode(bytesOf('abcd'))).toThrow(LimitError)
    const tight = lengthPrefixedFraming({ header: 1, includesHeader: true })
    expect(joined(tight.encode(new Uint8Array(254)))[0]).toBe(255)
    expect(() => tight.encode(new Uint8Array(255))).toThrow(
      expect.objectContaining({ limit: 'maxLength', value: 255 }),
    )
  })

  test.each(['text', 5, null, undefined, {}, [1, 2]])('refuses %j, which is not bytes', (value) => {
    expect(() => lengthPrefixedFraming().encode(value as never)).toThrow(TypeError)
  })
})

describe('limits', () => {
  test('a length that lies keeps no more than what came', () => {
    const decoder = lengthPrefixedFraming({ header: 4, maxLength: 2 ** 31 }).decoder()
    decoder.push(hex('80000000 6162'))
    expect(decoder.next()).toBeUndefined()
    expect(latin1(decoder.rest())).toBe('\x80\0\0\0ab')
  })

  test('one-byte chunks take linear time, for one long message and for many short ones', () => {
    const framing = lengthPrefixedFraming()
    expectLinear(framing, (size) => encodeAll(framing, [Buffer.alloc(size)]))
    expectLinear(framing, (size) => encodeAll(framing, Array(size / 10).fill(Buffer.alloc(6))))
  })

  test.each([0, -1, 1.5, Number.NaN, Infinity, '9' as unknown as number])(
    'refuses maxLength %s',
    (maxLength) => {
      expect(() => lengthPrefixedFraming({ maxLength })).toThrow(RangeError)
    },
  )

  test.each([
    { header: 3 },
    { header: 0 },
    { header: '4' },
    { endianness: 'middle' },
    { header: 'varint', includesHeader: true },
  ])('refuses %j', (chosen) => {
    expect(() => lengthPrefixedFraming(chosen as never)).toThrow(/^Invalid option /)
  })
})

test('messages that lie in one chunk are not copied', () => {
  const decoder = lengthPrefixedFraming({ header: 1 }).decoder()
  const chunk = hex('02 6162 03 636465')
  decoder.push(chunk)
  const message = decoder.next()
  expect(message?.buffer).toBe(chunk.buffer)
  expect(message?.byteOffset).toBe(chunk.byteOffset + 1)
})

test('rest gives what belongs to no message yet, in mid-header and in mid-message', () => {
  for (const left of ['', '0000', '00000003', '00000003 6162']) {
    const decoder = lengthPrefixedFraming().decoder()
    decoder.push(hex(`00000001 61 ${left}`))
    expect(latin1(decoder.next() as Uint8Array)).toBe('a')
    expect(decoder.next()).toBeUndefined()
    expect(Buffer.from(decoder.rest())).toEqual(hex(left))
    expect(decoder.end()).toBeUndefined()
  }
})
