import { readFileSync } from 'node:fs'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  bytesOf,
  decodeMessage,
  encodeMessage,
  explainFailure,
  isOurs,
  type Kind,
} from '../../src/request/message.ts'

const id = Buffer.from('000102030405060708090a0b', 'hex').toString('latin1')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

const page = readFileSync(new URL('../../../../docs/wire/REQUEST.md', import.meta.url), 'utf8')

/** What the specification gives as an example. */
function transcript(kind: Kind): Buffer {
  const [, datagram = ''] = new RegExp(`^${kind} +((?:[0-9a-f]{2} *)+)$`, 'm').exec(page) ?? []
  return bytes(datagram)
}

describe('a datagram', () => {
  test.each<[Kind, string, number]>([
    ['request', 'ping', 24],
    ['answer', 'pong', 0],
    ['failure', '\x01', 0],
  ])('%s is written and read as specified', (kind, data, padTo) => {
    const datagram = encodeMessage(kind, id, Buffer.from(data), padTo)
    expect(hex(datagram)).toBe(hex(transcript(kind)))
    expect(isOurs(datagram)).toBe(true)
    expect(decodeMessage(datagram)).toEqual({ kind, id, data: Buffer.from(data) })
  })

  test('is malformed at every truncation, but for the padding', () => {
    const datagram = transcript('request')
    for (let length = 0; length < datagram.byteLength; length++) {
      const cut = datagram.subarray(0, length)
      expect(isOurs(cut)).toBe(length >= 3)
      expect(decodeMessage(cut) !== undefined).toBe(length >= 22)
    }
  })

  test.each([
    ['the first byte', 'f4520101'],
    ['the second byte', 'f5530101'],
    ['a later version', 'f5520201'],
    ['version 0', 'f5520001'],
  ])('is not ours by %s', (_, start) => {
    expect(isOurs(bytes(start))).toBe(false)
  })

  test.each([0x00, 0x04, 0xff])('of kind %i is malformed', (kind) => {
    const datagram = transcript('answer')
    datagram[3] = kind
    expect(isOurs(datagram)).toBe(true)
    expect(decodeMessage(datagram)).toBeUndefined()
  })

  test('with a length that lies is malformed', () => {
    const datagram = transcript('answer')
    for (const length of [5, 256, 65_535]) {
      datagram.writeUInt16BE(length, 16)
      expect(decodeMessage(datagram)).toBeUndefined()
    }
  })

  test('comes back as it went, whatever it carries, inside any other buffer', () => {
    const kinds = fc.constantFrom<Kind>('request', 'answer', 'failure')
    const ids = fc.uint8Array({ minLength: 12, maxLength: 12 })
    const all = [kinds, ids, fc.uint8Array({ maxLength: 2_000 }), fc.nat(3_000), fc.nat(9)] as const
    fc.assert(
      fc.property(...all, (kind, bits, data, padTo, offset) => {
        const name = Buffer.from(bits).toString('latin1')
        const datagram = encodeMessage(kind, name, data, padTo)
        const moved = new Uint8Array(offset + datagram.byteLength)
        moved.set(datagram, offset)
        const message = decodeMessage(moved.subarray(offset))
        expect(message).toMatchObject({ kind, id: name })
        expect(hex(message?.data ?? new Uint8Array(1))).toBe(hex(data))
        expect(datagram.byteLength).toBe(Math.max(padTo, 18 + data.byteLength))
      }),
    )
  })

  test('of any bytes never throws', () => {
    const start = fc.constantFrom([], [0xf5, 0x52, 1], [0xf5, 0x52, 1, 1], [0xf5, 0x52, 1, 3])
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 100 }), (head, rest) => {
        const datagram = Uint8Array.of(...head, ...rest)
        isOurs(datagram)
        const message = decodeMessage(datagram)
        if (message) expect(explainFailure(message)).toMatch(/answer/)
      }),
      { numRuns: 1_000 },
    )
  })
})

test('a failure says why, and means the plain failure when it says what is not known', () => {
  const why = (...data: number[]): string =>
    explainFailure({ kind: 'failure', id, data: Uint8Array.from(data) })
  expect(why(2)).toMatch(/does not fit/)
  expect(why(3)).toMatch(/padTo/)
  expect([why(), why(0), why(99), why(1, 2, 3)]).toEqual(Array(4).fill('it failed to answer'))
})

test('messages are text or bytes', () => {
  expect(text(bytesOf('é'))).toBe('é')
  expect(bytesOf(Uint8Array.of(1))).toEqual(Uint8Array.of(1))
  for (const wrong of [undefined, null, 5, {}, new ArrayBuffer(1)])
    expect(() => bytesOf(wrong)).toThrow(TypeError)
})

function text(data: Uint8Array): string {
  return Buffer.from(data).toString()
}
