import { readFileSync } from 'node:fs'

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { payloadOf } from '../../src/bundle/payload.ts'
import { BundleReader } from '../../src/bundle/reader.ts'
import { headerSize, largestMessage, lengthSize } from '../../src/bundle/wire.ts'
import { BundleWriter } from '../../src/bundle/writer.ts'

/** The messages of a datagram, or what is wrong with it. */
function read(datagram: Uint8Array): Buffer[] | string {
  const reader = new BundleReader(datagram)
  if (reader.fault !== undefined) return reader.fault
  const messages: Buffer[] = []
  while (reader.next()) messages.push(reader.bytes.subarray(reader.start, reader.end))
  expect(messages.length).toBe(reader.messages)
  return messages
}

/** The datagrams that messages are packed into. */
function pack(messages: readonly Uint8Array[], maxSize: number, sequence?: number): Uint8Array[] {
  const writer = new BundleWriter(payloadOf<Uint8Array>('binary'), maxSize, sequence)
  const datagrams: Uint8Array[] = []
  for (const message of messages) {
    if (!writer.fits(message.byteLength)) datagrams.push(writer.take())
    writer.add(message, message.byteLength)
  }
  return writer.messages === 0 ? datagrams : [...datagrams, writer.take()]
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replace(/\s/g, ''), 'hex')
}

const ahoy = ['ahoy', '', 'port'].map((text) => Buffer.from(text))

test('the example of the specification is what is written, and what is read', () => {
  const page = readFileSync(new URL('../../../../docs/wire/BUNDLE.md', import.meta.url), 'utf8')
  const example = bytesOf(/```hex\n(.*)\n/.exec(page)?.[1] as string)
  expect(pack(ahoy, 1_200, 7)).toEqual([example])
  expect(read(example)).toEqual(ahoy)
  expect(new BundleReader(example).sequence).toBe(7)
})

test('without a sequence number a datagram is a byte and its messages', () => {
  expect(pack(ahoy, 1_200)).toEqual([bytesOf('b2 04 61686f79 00 04 706f7274')])
  expect(new BundleReader(bytesOf('b2 00')).sequence).toBeUndefined()
})

test('a length is a varint', () => {
  const sized = (size: number): string => {
    const [datagram] = pack([Buffer.alloc(size)], 65_507) as [Buffer]
    return datagram.subarray(1, -size).toString('hex')
  }
  expect([1, 127, 128, 200, 16_383, 16_384, 65_503].map(sized)).toEqual([
    '01',
    '7f',
    '8001',
    'c801',
    'ff7f',
    '808001',
    'dfff03',
  ])
})

test('numbers follow each other, past the last of 32 bits', () => {
  const datagrams = pack([Buffer.alloc(5), Buffer.alloc(5), Buffer.alloc(5)], 11, 0xffff_fffe)
  expect(datagrams.map((datagram) => new BundleReader(datagram).sequence)).toEqual([
    0xffff_fffe, 0xffff_ffff, 0,
  ])
})

test('a datagram is filled to its last byte, and no further', () => {
  expect(pack([Buffer.alloc(4), Buffer.alloc(4)], 11).map((it) => it.length)).toEqual([11])
  expect(pack([Buffer.alloc(4), Buffer.alloc(4)], 10).map((it) => it.length)).toEqual([6, 6])
})

test('a datagram that is cut off is malformed, unless the cut is between two messages', () => {
  const [datagram] = pack([Buffer.from('ahoy'), Buffer.alloc(200), Buffer.alloc(0)], 1_200, 7) as [Buffer]
  const whole = new Map([
    [5, 0],
    [10, 1],
    [212, 2],
    [213, 3],
  ])
  expect(datagram.length).toBe(213)
  for (let size = 0; size <= datagram.length; size++) {
    const messages = read(datagram.subarray(0, size))
    expect(typeof messages === 'string' ? undefined : messages.length, `${size} bytes`).toBe(whole.get(size))
  }
})

test.each([
  ['nothing', ''],
  ['another version', 'b4 00'],
  ['something else', '48545450'],
  ['a length beyond the end', 'b2 02 61'],
  ['a second message beyond the end', 'b2 01 61 01'],
  ['a length that does not end', 'b2 80'],
  ['a length that is longer than it has to be', 'b2 81 00 61'],
  ['a length of four bytes', 'b2 80 80 80 01'],
  ['a length of zero in three bytes', 'b2 80 80 00'],
  ['a length of five bytes, which is 1 in 32 bits', 'b2 81 80 80 80 10 61'],
])('%s is malformed', (_, hex) => {
  expect(read(bytesOf(hex))).toBeTypeOf('string')
})

test('a datagram of empty messages has no more of them than bytes', () => {
  const datagram = Buffer.alloc(1_200)
  datagram[0] = 0xb2
  expect(read(datagram)).toHaveLength(1_199)
})

test('bytes that are no Buffer are read where they are', () => {
  const bytes = new Uint8Array([0, 0xb2, 1, 97, 0])
  expect(read(bytes.subarray(1, 4))).toEqual([Buffer.from('a')])
})

test('a length has seven bits a byte', () => {
  expect([0, 127, 128, 16_383, 16_384, 65_526].map(lengthSize)).toEqual([1, 1, 2, 2, 3, 3])
})

test('the largest message fits, and one byte more does not', () => {
  for (const room of [2, 127, 128, 129, 130, 131, 1_195, 16_385, 16_386, 16_387, 65_506]) {
    const size = largestMessage(room)
    expect(size + lengthSize(size)).toBeLessThanOrEqual(room)
    expect(size + 1 + lengthSize(size + 1)).toBeGreaterThan(room)
  }
})

test('whatever is packed is unpacked, in order, and no datagram is too large', () => {
  const sizes = fc.integer({ min: 10, max: 300 })
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 280 })),
      sizes,
      fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
      (all, maxSize, sequence) => {
        const room = largestMessage(maxSize - headerSize(sequence !== undefined))
        const messages = all.map((message) => message.subarray(0, room))
        const datagrams = pack(messages, maxSize, sequence)
        expect(datagrams.every(({ byteLength }) => byteLength <= maxSize)).toBe(true)
        expect(datagrams.flatMap((datagram) => read(datagram) as Buffer[])).toEqual(
          messages.map((message) => Buffer.from(message)),
        )
      },
    ),
  )
})

test('whatever comes, nothing is thrown, and what is well-formed is written the same way', () => {
  const anything = fc.uint8Array({ maxLength: 64 })
  const nearly = fc
    .tuple(fc.constantFrom(0xb2, 0xb3), fc.array(fc.constantFrom(0, 1, 2, 3, 97, 127, 128, 129, 255)))
    .map(([first, rest]) => Uint8Array.of(first, ...rest))
  fc.assert(
    fc.property(fc.oneof(anything, nearly), (datagram) => {
      const messages = read(datagram)
      if (typeof messages === 'string' || messages.length === 0) return
      expect(pack(messages, 1_200, new BundleReader(datagram).sequence)).toEqual([Buffer.from(datagram)])
    }),
    { numRuns: 2_000 },
  )
})
