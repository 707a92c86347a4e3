import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { encodeChunk, encodeRequestHead, encodeResponseHead, lastChunk } from '../../src/codec/index.ts'
import { drive } from './drive.ts'
import { allTranscripts } from './transcript.ts'

const transcripts = allTranscripts()
const roles = ['request', 'response'] as const
const methods = ['GET', 'HEAD', 'CONNECT', 'GET', 'GET']

const LINES = [
  'GET / HTTP/1.1\r\n',
  'POST /a HTTP/1.0\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 \r\n',
  'Host: a\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\n',
  'Upgrade: x\r\n',
  '3\r\nabc\r\n',
  '0\r\n',
  '\r\n',
]
const SCRAPS = ['\r', '\n', ' ', ':', ';a=b', '\0', 'é', 'x']

/** Bytes that are nearly HTTP: pieces that matter to a parser, in any order. */
const fragments = fc
  .array(fc.oneof(fc.constantFrom(...LINES, ...SCRAPS), fc.string({ maxLength: 4 })), { maxLength: 24 })
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'))

/** A transcript with a few bytes replaced, removed or doubled. */
const mutants = fc
  .tuple(
    fc.constantFrom(...transcripts.filter(({ bytes }) => bytes.length < 1000)),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('replace', 'remove', 'double'), fc.nat(255)), {
      maxLength: 4,
    }),
  )
  .map(([{ bytes }, edits]) => {
    const mutant = [...bytes]
    for (const [where, what, byte] of edits) {
      const at = where % (mutant.length + 1)
      if (what === 'replace') mutant[at] = byte
      else if (what === 'remove') mutant.splice(at, 1)
      else mutant.splice(at, 0, mutant[at] ?? byte)
    }
    return Buffer.from(mutant)
  })

const anything = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fragments,
  mutants,
)

describe.each(roles)('arbitrary bytes as a %s', (role) => {
  // drive() lets everything but a CodecError through.
  test('give events or a CodecError, the same for every split', () => {
    fc.assert(
      fc.property(anything, fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (bytes, cuts, eof) => {
        const whole = drive(role, [bytes], { methods, eof })
        expect(drive(role, cut(bytes, cuts), { methods, eof })).toEqual(whole)
        expect(drive(role, cut(bytes, cuts), { methods, eof, pausing: true })).toEqual(whole)
        expect(
          drive(
            role,
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
            { methods, eof },
          ),
        ).toEqual(whole)
      }),
      { numRuns: 2000 },
    )
  })

  test('give the same under tight limits', () => {
    const limits = {
      headBytes: 60,
      targetBytes: 4,
      fieldCount: 2,
      bodyBytes: 4,
      trailerBytes: 20,
      chunkExtensionBytes: 3,
    }
    fc.assert(
      fc.property(anything, fc.array(fc.nat(), { maxLength: 8 }), (bytes, cuts) => {
        const whole = drive(role, [bytes], { methods, limits })
        expect(drive(role, cut(bytes, cuts), { methods, limits })).toEqual(whole)
        expect(drive(role, cut(bytes, cuts), { methods, limits, pausing: true })).toEqual(whole)
      }),
      { numRuns: 1000 },
    )
  })
})

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
const value = fc.stringMatching(/^[!-~\x80-\xff]([\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?$/)
const field = fc.tuple(
  token.map((name) => `x-${name}`),
  value,
)

describe('what the encoder writes, the parser reads back', () => {
  test('a request and its chunks', () => {
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 8 }),
        fc.array(fc.string()),
        fc.array(field),
        (fields, data, trailers) => {
          const head = encodeRequestHead('PUT', '/', ['Host', 'a', ...fields.flat()], { framing: 'chunked' })
          const body = Buffer.concat(data.map((piece) => encodeChunk(piece)))
          const events = drive('request', [
            Buffer.from(head, 'latin1'),
            body,
            Buffer.from(lastChunk(trailers.flat()), 'latin1'),
          ])
          expect(events[0]).toBe('head PUT / 1.1 body=chunked keep-alive')
          expect(events.filter((line) => line === 'end')).toHaveLength(1)
          expect(events.filter((line) => line.startsWith('  '))).toHaveLength(
            fields.length + trailers.length + 2,
          )
        },
      ),
    )
  })

  test('whatever is asked of it, a head is one head or a TypeError', () => {
    const wild = fc.oneof(
      token,
      value,
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a\r\nb', '\u010a', '\u560a', 'a\n'),
    )
    fc.assert(
      fc.property(wild, fc.array(fc.tuple(wild, wild), { maxLength: 4 }), (reason, fields) => {
        const head = attempt(() =>
          encodeResponseHead(200, reason, fields.flat(), { framing: 0, date: 'now' }),
        )
        if (head === undefined) return
        const events = drive('response', [Buffer.from(head, 'latin1')], { methods: ['GET'] })
        expect(events[0]).toMatch(/^head 200 1\.1 body=0/)
        expect(events.at(-1)).toBe('end')
      }),
      { numRuns: 1000 },
    )
  })
})

function cut(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [
    0,
    ...cuts.map((where) => where % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ]
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

function attempt(encode: () => string): string | undefined {
  try {
    return encode()
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return undefined
  }
}
