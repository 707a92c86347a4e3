import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { CapsuleDecoder, CapsuleError, encodeCapsule, prefixLength } from '../../src/connect-udp/capsule.ts'
import { varintLength, writeVarint } from '../../src/connect-udp/varint.ts'

const limits = { maxValue: 100, maxSkipped: 1_000 }

/** What a decoder makes of a stream, chunk by chunk: values in hexadecimal, how it ended, and what was skipped. */
function transcript(
  chunks: readonly Uint8Array[],
  { ends = true, maxValue = 100, maxSkipped = 1_000 } = {},
): string[] {
  const decoder = new CapsuleDecoder(0, { maxValue, maxSkipped })
  const said: string[] = []
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      for (let capsule = decoder.next(); capsule; capsule = decoder.next()) {
        said.push(`${capsule.length}: ${Buffer.from(capsule.value).toString('hex')}`)
      }
    }
    if (ends) decoder.end()
  } catch (error) {
    expect(error).toBeInstanceOf(CapsuleError)
    said.push((error as Error).message)
  }
  if (decoder.skipped > 0) said.push(`skipped ${decoder.skipped}`)
  return said
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

/** A capsule's type and the length that it claims. */
function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(16)
  return bytes.subarray(0, writeVarint(bytes, writeVarint(bytes, 0, type), length))
}

describe('the capsule decoder', () => {
  test.each([
    ['nothing', '', []],
    ['an empty capsule', '00 00', ['0: ']],
    ['one capsule', '00 03 61 62 63', ['3: 616263']],
    ['two capsules', '00 01 61 00 02 62 63', ['1: 61', '2: 6263']],
    ['integers longer than they need be', '40 00 80 00 00 01 61', ['1: 61']],
    ['a capsule of an unknown type', '17 02 61 62 00 01 63', ['1: 63', 'skipped 1']],
    ['an empty one of an unknown type', '17 00 00 01 63', ['1: 63', 'skipped 1']],
    ['types of all lengths', '40 17 00 80 00 00 17 00 ff ff ff ff ff ff ff ff 01 61', ['skipped 3']],
    ['one that is cut off in its type', '40', ['the stream ended within a capsule']],
    ['one that is cut off behind its type', '00', ['the stream ended within a capsule']],
    ['one that is cut off in its length', '00 40', ['the stream ended within a capsule']],
    ['one that is cut off in its value', '00 02 61', ['the stream ended within a capsule']],
    ['an unknown one that is cut off', '17 02 61', ['the stream ended within a capsule', 'skipped 1']],
    ['one behind a good one that is cut off', '00 01 61 00', ['1: 61', 'the stream ended within a capsule']],
  ])('reads %s, whole and byte by byte', (_, bytes, expected) => {
    const whole = hex(bytes)
    expect(transcript([whole])).toEqual(expected)
    expect(transcript(Array.from(whole, (byte) => Buffer.of(byte)))).toEqual(expected)
  })

  test('gives the first bytes of a value that is too long, and skips the rest', () => {
    const long = Buffer.concat([header(0, 101), Buffer.alloc(101, 7), hex('00 01 61')])
    expect(transcript([long])).toEqual([`101: ${'07'.repeat(prefixLength)}`, '1: 61'])
  })

  test('refuses a length that nobody will ever send, before anything else of the capsule comes', () => {
    for (const type of [0, 0x17]) {
      for (const length of [1_001, 2 ** 31, 2 ** 53 - 1]) {
        expect(transcript([header(type, length)], { ends: false })[0]).toMatch(
          /^a capsule of \d+ bytes is longer than 1000$/,
        )
      }
    }
    expect(transcript([hex('00 ff ff ff ff ff ff ff ff')], { ends: false })[0]).toContain('longer than 1000')
    expect(transcript([hex('00 e0 00 00 00 00 00 00 00')], { ends: false })[0]).toContain('longer than 1000')
  })

  test('takes no memory for a length of which nothing comes', () => {
    const before = process.memoryUsage().arrayBuffers
    const decoders = Array.from({ length: 500 }, () => {
      const decoder = new CapsuleDecoder(0, { maxValue: 1024 * 1024, maxSkipped: 0 })
      decoder.push(Buffer.concat([header(0, 1024 * 1024), Buffer.of(1)]))
      expect(decoder.next()).toBeUndefined()
      return decoder
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024)
    expect(decoders).toHaveLength(500)
  })

  test('reads a long value that comes byte by byte in linear time', () => {
    const decoder = new CapsuleDecoder(0, { maxValue: 1024 * 1024, maxSkipped: 0 })
    decoder.push(header(0, 256 * 1024))
    const byte = Buffer.of(5)
    const begun = performance.now()
    for (let count = 1; count < 256 * 1024; count++) {
      decoder.push(byte)
      decoder.next()
    }
    decoder.push(byte)
    expect(decoder.next()?.value.every((one) => one === 5)).toBe(true)
    expect(performance.now() - begun).toBeLessThan(3_000)
  })

  test('does not copy a value that lies in one chunk', () => {
    const decoder = new CapsuleDecoder(0, limits)
    const chunk = hex('00 03 61 62 63')
    decoder.push(chunk)
    expect(decoder.next()?.value.buffer).toBe(chunk.buffer)
  })

  test('gives plain bytes, whole or in pieces', () => {
    for (const chunks of [[hex('00 02 61 62')], [hex('00 02 61'), hex('62')]]) {
      const decoder = new CapsuleDecoder(0, limits)
      for (const chunk of chunks) decoder.push(chunk)
      expect(decoder.next()?.value).toStrictEqual(Uint8Array.of(97, 98))
    }
  })

  test('takes chunks while it is not asked', () => {
    const decoder = new CapsuleDecoder(0, limits)
    for (const byte of hex('00 01 61 00 01 62')) decoder.push(Buffer.of(byte))
    expect([decoder.next()?.value, decoder.next()?.value]).toEqual([Uint8Array.of(97), Uint8Array.of(98)])
    expect(decoder.next()).toBeUndefined()
  })

  test('goes on behind a chunk that is empty', () => {
    expect(transcript([hex('00 01'), hex(''), hex('61')])).toEqual(['1: 61'])
  })

  const anyCapsule = fc.record({
    type: fc.oneof(fc.constant(0), fc.constant(0x17), fc.nat(), fc.maxSafeNat()),
    value: fc.uint8Array({ maxLength: 140 }),
  })

  test('makes the same of a stream however it is split', () => {
    fc.assert(
      fc.property(
        fc.array(anyCapsule, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.nat({ max: 4 }),
        (given, seeds, missing) => {
          const stream = Buffer.concat(given.map(({ type, value }) => encodeCapsule(type, value)))
          const bytes = stream.subarray(0, Math.max(0, stream.length - missing))
          const cuts = seeds.map((seed) => seed % (bytes.length + 1)).toSorted((a, b) => a - b)
          const chunks = [0, ...cuts].map((cut, index) => bytes.subarray(cut, cuts[index] ?? bytes.length))
          expect(transcript(chunks)).toEqual(transcript([bytes]))
        },
      ),
    )
  })

  test('reads back what was written', () => {
    fc.assert(
      fc.property(fc.array(anyCapsule, { maxLength: 12 }), (given) => {
        const stream = Buffer.concat(given.map(({ type, value }) => encodeCapsule(type, value)))
        const wanted = given.filter(({ type }) => type === 0)
        const expected = wanted.map(({ value }) => {
          const kept = value.length > 100 ? value.subarray(0, prefixLength) : value
          return `${value.length}: ${Buffer.from(kept).toString('hex')}`
        })
        const skipped = given.length - wanted.length
        expect(transcript([stream])).toEqual([...expected, ...(skipped > 0 ? [`skipped ${skipped}`] : [])])
      }),
    )
  })

  test('survives bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(transcript([bytes])).toEqual(transcript(Array.from(bytes, (byte) => Uint8Array.of(byte))))
      }),
    )
  })
})

describe('encoding a capsule', () => {
  test('writes type, length and value', () => {
    expect(Buffer.from(encodeCapsule(0x17, hex('61 62'))).toString('hex')).toBe('17026162')
    const long = encodeCapsule(64, Buffer.alloc(64, 1))
    expect(Buffer.from(long.subarray(0, 4)).toString('hex')).toBe('40404040')
    expect(long).toHaveLength(varintLength(64) * 2 + 64)
  })

  test('refuses what is no type', () => {
    for (const type of [-1, 1.5, 2 ** 60]) expect(() => encodeCapsule(type, hex(''))).toThrow(RangeError)
  })
})
