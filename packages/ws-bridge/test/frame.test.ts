import { PassThrough, type Writable } from 'node:stream'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as ws from 'ws'

import { FrameMeter } from '../src/frame-meter.ts'
import { frame, opcodes } from '../src/frame.ts'
import { frame as masked, opcodes as all } from './raw.ts'

/** The receiver of `ws`, which its types do not tell of. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable }

interface Heard {
  readonly messages: { data: Buffer; isBinary: boolean }[]
  readonly errors: string[]
}

/** What `ws` reads, when it comes in these pieces. */
function heardBy(options: object, pieces: readonly Uint8Array[]): Heard {
  const receiver = new Receiver({ binaryType: 'nodebuffer', allowSynchronousEvents: true, ...options })
  const heard: Heard = { messages: [], errors: [] }
  receiver.on('message', (data: Buffer, isBinary: boolean) => heard.messages.push({ data, isBinary }))
  receiver.on('error', ({ message }: Error) => heard.errors.push(message))
  for (const piece of pieces) receiver.write(piece)
  return heard
}

const wholeOf = (pieces: readonly (Uint8Array | undefined)[]): Buffer =>
  Buffer.concat(pieces.filter((piece) => piece !== undefined))

/** Cuts at some places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...sorted].map((place, index) => bytes.subarray(place, sorted[index]))
}

describe('a frame', () => {
  const sizes = [0, 1, 125, 126, 127, 3_990, 3_999, 4_000, 4_001, 65_535, 65_536, 65_537, 200_000]

  test.each(sizes)('of %d bytes is read by ws as it was written', (size) => {
    const bytes = Buffer.alloc(size, 0xa7)
    const text = 'x'.repeat(size)
    const pieces = [...frame(opcodes.binary, bytes, size), ...frame(opcodes.text, text, size)]
    const { messages, errors } = heardBy({}, [wholeOf(pieces)])
    expect([errors, messages.length]).toEqual([[], 2])
    expect(messages[0]?.isBinary === true && messages[0].data.equals(bytes)).toBe(true)
    expect(messages[1]?.isBinary === false && messages[1].data.equals(Buffer.from(text))).toBe(true)
  })

  test('of any bytes, or any text, is read by ws as it was written, wherever it is cut', () => {
    const payload = fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.string({ unit: 'binary', maxLength: 300 }))
    const property = fc.property(
      fc.array(payload, { maxLength: 5 }),
      fc.array(fc.nat()),
      (payloads, places) => {
        const pieces = payloads.flatMap((one) =>
          typeof one === 'string'
            ? frame(opcodes.text, one, Buffer.byteLength(one))
            : frame(opcodes.binary, one, one.byteLength),
        )
        const { messages, errors } = heardBy({}, cut(wholeOf(pieces), places))
        expect(errors).toEqual([])
        expect(messages.length).toBe(payloads.length)
        for (const [index, one] of payloads.entries()) {
          expect(messages[index]?.isBinary).toBe(typeof one !== 'string')
          expect(messages[index]?.data.equals(Buffer.from(one as string))).toBe(true)
        }
      },
    )
    fc.assert(property, { numRuns: 40 })
  })

  test('is read by ws at every split of it', () => {
    const whole = wholeOf([
      ...frame(opcodes.text, 'ähoi', 5),
      ...frame(opcodes.binary, new Uint8Array(130), 130),
    ])
    for (let at = 0; at <= whole.length; at++) {
      const { messages, errors } = heardBy({}, [whole.subarray(0, at), whole.subarray(at)])
      expect([errors, messages.map(({ data }) => data.length)]).toEqual([[], [5, 130]])
    }
  })

  test('has one piece when it is small, and leaves a large payload where it is', () => {
    const small = new Uint8Array(1_000)
    const [joined, nothing] = frame(opcodes.binary, small, 1_000)
    expect([joined.byteLength, nothing]).toEqual([1_004, undefined])
    const large = new Uint8Array(100_000)
    const [head, body] = frame(opcodes.binary, large, 100_000)
    expect([head.byteLength, body?.buffer]).toEqual([10, large.buffer])
  })

  test('says that it is compressed', () => {
    for (const size of [5, 200, 70_000]) {
      const [head] = frame(opcodes.text, new Uint8Array(size), size, true)
      expect(head[0]).toBe(0xc1)
    }
    expect(frame(opcodes.binary, new Uint8Array(1), 1)[0][0]).toBe(0x82)
  })

  test('takes the view, not the buffer under it', () => {
    const view = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4)
    expect([...wholeOf(frame(opcodes.binary, view, 3))]).toEqual([0x82, 3, 1, 2, 3])
  })
})

/** A message in fragments, with control frames between them. */
const fragmented = fc.record({
  binary: fc.boolean(),
  sizes: fc.array(fc.oneof(fc.nat(200), fc.constantFrom(0, 125, 126, 65_535, 65_536)), {
    minLength: 1,
    maxLength: 6,
  }),
  control: fc.constantFrom(undefined, all.ping, all.pong),
})

function bytesOf({
  binary,
  sizes,
  control,
}: {
  binary: boolean
  sizes: number[]
  control: number | undefined
}): Buffer {
  const frames = sizes.flatMap((size, index) => {
    const opcode = index > 0 ? all.continuation : binary ? all.binary : all.text
    const one = masked(opcode, new Uint8Array(size).fill(120), { fin: index === sizes.length - 1 })
    return control === undefined ? [one] : [one, masked(control, 'c')]
  })
  return Buffer.concat(frames)
}

describe('the meter', () => {
  test('tells the size of each message on the wire, as ws reads them, wherever they are cut', () => {
    const property = fc.property(
      fc.array(fragmented, { maxLength: 6 }),
      fc.array(fc.nat()),
      (messages, places) => {
        const pieces = cut(Buffer.concat(messages.map(bytesOf)), places)
        const meter = new FrameMeter(1_000)
        for (const piece of pieces) meter.read(piece)
        const expected = messages.map(({ sizes }) => sizes.reduce((sum, size) => sum + size, 0))
        expect(meter.pending).toBe(messages.length > 0)
        expect(messages.map(() => meter.received())).toEqual(expected)
        expect([meter.received(), meter.pending]).toEqual([undefined, false])
        const { messages: heard, errors } = heardBy(
          { isServer: true },
          pieces.map((piece) => Buffer.from(piece)),
        )
        expect([errors, heard.map(({ data }) => data.length)]).toEqual([[], expected])
      },
    )
    fc.assert(property, { numRuns: 40 })
  })

  test('reads frames at every split', () => {
    const whole = Buffer.concat([
      masked(all.text, 'x'.repeat(130)),
      masked(all.ping, 'p'),
      masked(all.binary, 'yy'),
    ])
    for (let at = 0; at <= whole.length; at++) {
      const meter = new FrameMeter(10)
      meter.read(whole.subarray(0, at))
      meter.read(whole.subarray(at))
      expect([meter.received(), meter.received(), meter.received()]).toEqual([130, 2, undefined])
    }
    const meter = new FrameMeter(10)
    for (const byte of whole) meter.read(Buffer.of(byte))
    expect([meter.received(), meter.received(), meter.received()]).toEqual([130, 2, undefined])
  })

  test('reads unmasked frames, as a client hears them', () => {
    const meter = new FrameMeter(10)
    for (const size of [0, 5, 126, 70_000])
      meter.read(wholeOf(frame(opcodes.binary, new Uint8Array(size), size)))
    expect([1, 2, 3, 4].map(() => meter.received())).toEqual([0, 5, 126, 70_000])
  })

  /** How often it says that there are too many fragments, and when. */
  function counting(maxFragments: number) {
    const meter = new FrameMeter(maxFragments)
    const told: string[] = []
    meter.attach(new PassThrough(), { exceed: (limit) => told.push(limit), garbled() {} })
    return { meter, told }
  }

  test('allows as many fragments as ws does, and none more', () => {
    const property = fc.property(
      fc.array(fragmented, { maxLength: 4 }),
      fc.integer({ min: 1, max: 6 }),
      (messages, most) => {
        const bytes = Buffer.concat(messages.map(bytesOf))
        const { meter, told } = counting(most)
        meter.read(bytes)
        const heard = heardBy({ isServer: true, maxFragments: most }, [bytes])
        const before = messages.findIndex(({ sizes }) => sizes.length > most)
        expect(heard.messages.length).toBe(before === -1 ? messages.length : before)
        // What is whole is told first: nothing is said before the last of it was taken.
        expect(told.length).toBe(before === 0 ? 1 : 0)
      },
    )
    fc.assert(property, { numRuns: 40 })
  })

  test('tells of too many fragments behind the messages before them', async () => {
    const { meter, told } = counting(2)
    const many = bytesOf({ binary: true, sizes: [1, 1, 1], control: undefined })
    meter.read(
      Buffer.concat([masked(all.text, 'one'), masked(all.text, 'two'), many, masked(all.text, 'after')]),
    )
    expect([meter.received(), told]).toEqual([3, []])
    await Promise.resolve()
    expect([meter.received(), told]).toEqual([3, []])
    await Promise.resolve()
    expect([told, meter.pending]).toEqual([['maxFragments'], false])
  })

  test('takes no longer for each message of very many', () => {
    const meter = new FrameMeter(10)
    const start = performance.now()
    meter.read(Buffer.alloc(800_000, Buffer.of(0x82, 0)))
    for (let count = 0; count < 400_000; count++) meter.received()
    expect([meter.pending, performance.now() - start < 3_000]).toEqual([false, true])
  })

  test('reads nothing behind a Close', () => {
    const { meter, told } = counting(2)
    const many = bytesOf({ binary: true, sizes: [1, 1, 1, 1], control: undefined })
    meter.read(Buffer.concat([masked(all.text, 'one'), masked(all.close), masked(all.text, 'after'), many]))
    expect([meter.received(), meter.received(), told]).toEqual([3, undefined, []])
  })

  test('is at its end with a length that no number is exact for', () => {
    const { meter } = counting(2)
    meter.read(Buffer.from([0x82, 0xff, 0xff, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]))
    meter.read(masked(all.text, 'after'))
    meter.read(Buffer.alloc(100_000, 0x81))
    expect([meter.received(), meter.pending]).toEqual([undefined, false])
  })
})
