import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { CapsuleError, encodeCapsule } from '../../src/connect-udp/capsule.ts'
import { DatagramDecoder, encodeDatagram, maxPayload } from '../../src/connect-udp/datagram.ts'
import { writeVarint } from '../../src/connect-udp/varint.ts'

/** The payloads of a stream as text, how it ended, and what was ignored. */
function transcript(...chunks: Uint8Array[]): string[] {
  const decoder = new DatagramDecoder()
  const said: string[] = []
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      for (let payload = decoder.next(); payload; payload = decoder.next()) {
        said.push(payload.length > 100 ? `${payload.length} bytes` : Buffer.from(payload).toString())
      }
    }
    decoder.end()
  } catch (error) {
    expect(error).toBeInstanceOf(CapsuleError)
    said.push((error as Error).message)
  }
  if (decoder.ignored > 0) said.push(`ignored ${decoder.ignored}`)
  return said
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

/** The beginning of a DATAGRAM capsule that claims `length` bytes. */
function beginning(length: number, ...value: number[]): Buffer {
  const bytes = Buffer.alloc(10)
  return Buffer.concat([bytes.subarray(0, writeVarint(bytes, 1, length)), Buffer.from(value)])
}

describe('the datagram decoder', () => {
  test.each([
    ['a UDP payload', '00 04 00 61 62 63', ['abc']],
    ['an empty one', '00 01 00', ['']],
    ['one whose context takes eight bytes', '00 09 c0 00 00 00 00 00 00 00 61', ['a']],
    ['another context', '00 03 02 61 62 00 02 00 63', ['c', 'ignored 1']],
    ['another context with nothing behind it', '00 01 05', ['ignored 1']],
    ['a context of eight bytes', '00 08 ff ff ff ff ff ff ff ff', ['ignored 1']],
    ['another type and another context', '17 01 61 00 01 02', ['ignored 2']],
    ['no context', '00 00', ['a datagram has no context ID']],
    ['half of a context', '00 01 40', ['a datagram ends within its context ID']],
    ['most of a context', '00 07 c0 00 00 00 00 00 00', ['a datagram ends within its context ID']],
    ['an end within a datagram', '00 04 00 61', ['the stream ended within a capsule']],
  ])('reads %s', (_, bytes, expected) => {
    const whole = hex(bytes)
    expect(transcript(whole)).toEqual(expected)
    expect(transcript(...Array.from(whole, (byte) => Buffer.of(byte)))).toEqual(expected)
  })

  test('takes the largest payload, in whatever form its context comes', () => {
    const payload = Buffer.alloc(maxPayload, 1)
    expect(transcript(encodeDatagram(payload))).toEqual(['65527 bytes'])
    const contexts = ['00', '4000', '80000000', 'c000000000000000']
    for (const context of contexts) {
      const value = Buffer.concat([hex(context), payload])
      expect(transcript(encodeCapsule(0, value))).toEqual(['65527 bytes'])
      expect(transcript(encodeCapsule(0, Buffer.concat([value, Buffer.of(1)])))).toEqual([
        'a UDP payload of 65528 bytes is longer than 65527',
      ])
    }
  })

  test('refuses a longer one as soon as its context is there', () => {
    for (const length of [65_529, 65_536, 100_000, 16 * 1024 * 1024]) {
      const decoder = new DatagramDecoder()
      decoder.push(beginning(length, 0))
      // The whole prefix is waited for; a peer that goes silent before has nothing but that waiting for it.
      decoder.push(Buffer.alloc(length > 65_535 ? 7 : length - 1))
      expect(() => decoder.next()).toThrow(CapsuleError)
    }
  })

  test('skips a long datagram of another context', () => {
    const long = Buffer.concat([beginning(100_000, 2), Buffer.alloc(99_999)])
    expect(transcript(Buffer.concat([long, encodeDatagram(Buffer.from('a'))]))).toEqual(['a', 'ignored 1'])
  })

  test('refuses at once what nobody sends', () => {
    for (const length of [16 * 1024 * 1024 + 1, 2 ** 31, 2 ** 53 - 1]) {
      const decoder = new DatagramDecoder()
      decoder.push(beginning(length))
      expect(() => decoder.next()).toThrow(/longer than 16777216/)
    }
    for (const length of ['e0 00 00 00 00 00 00 00', 'ff ff ff ff ff ff ff ff']) {
      const decoder = new DatagramDecoder()
      decoder.push(hex(`00 ${length}`))
      expect(() => decoder.next()).toThrow(/longer than 16777216/)
    }
  })

  test('reads back what was written, however it is split', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 })
    fc.assert(
      fc.property(payloads, fc.nat(), (given, seed) => {
        const stream = Buffer.concat(given.map(encodeDatagram))
        const cut = seed % (stream.length + 1)
        const decoder = new DatagramDecoder()
        const got: string[] = []
        for (const chunk of [stream.subarray(0, cut), stream.subarray(cut)]) {
          decoder.push(chunk)
          for (let next = decoder.next(); next; next = decoder.next())
            got.push(Buffer.from(next).toString('hex'))
        }
        decoder.end()
        expect(got).toEqual(given.map((payload) => Buffer.from(payload).toString('hex')))
      }),
    )
  })
})
