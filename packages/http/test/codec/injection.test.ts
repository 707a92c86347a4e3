import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { encodeRequestHead, encodeResponseHead, lastChunk } from '../../src/codec/index.ts'
import { drive } from './drive.ts'

// Nothing that an application hands to the encoder can begin a line of its own, whatever its code units are and
// whatever becomes of them when a string is written as latin1.

const units = [
  ...Array.from({ length: 0x220 }, (_, unit) => unit),
  0x2028,
  0x2029,
  0x560a,
  0x560d,
  0xd800,
  0xfeff,
  0xff1a,
  0xffff,
]

const places: Record<string, (text: string) => string> = {
  'a method': (text) => encodeRequestHead(text, '/', ['Host', 'a']),
  'a target': (text) => encodeRequestHead('GET', `/${text}`, ['Host', 'a']),
  'a target of absolute form': (text) => encodeRequestHead('GET', `http://${text}/`, ['Host', 'a']),
  'a target of authority form': (text) => encodeRequestHead('CONNECT', `${text}:1`, ['Host', 'a']),
  'a Host': (text) => encodeRequestHead('GET', '/', ['Host', text]),
  'a name in a request': (text) => encodeRequestHead('GET', '/', ['Host', 'a', text, 'b']),
  'a value in a request': (text) => encodeRequestHead('GET', '/', ['Host', 'a', 'B', text]),
  'a reason': (text) => encodeResponseHead(200, text, [], { framing: 0 }),
  'a name in a response': (text) => encodeResponseHead(200, 'OK', [text, 'b'], { framing: 0 }),
  'a value in a response': (text) => encodeResponseHead(200, 'OK', ['B', text], { framing: 0 }),
  'a date': (text) => encodeResponseHead(200, 'OK', [], { framing: 0, date: text }),
  'a name of a trailer': (text) => lastChunk([text, 'b']),
  'a value of a trailer': (text) => lastChunk(['B', text]),
}

/** How many lines there are as the strictest and as the laxest reader count them, and that no octet was lost. */
function shape(written: string): string {
  const lines = written.split('\r\n').length
  const lax = written.split(/\r\n|\r|\n/).length
  const lossless = Buffer.from(written, 'latin1').toString('latin1') === written
  return `${lines} lines, ${lax} at most, NUL: ${written.includes('\0')}, lossless: ${lossless}`
}

function attempt(encode: (text: string) => string, text: string): string | undefined {
  try {
    return encode(text)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return undefined
  }
}

describe.each(Object.entries(places))('%s', (_, encode) => {
  const usual = shape(encode('A'))

  test('cannot inject a line by any code unit, alone, between letters or at an end', () => {
    for (const unit of units) {
      const char = String.fromCharCode(unit)
      for (const text of [char, `A${char}A`, `${char}A`, `A${char}`, `A\r${char}`, `A${char}\nX: y`]) {
        const written = attempt(encode, text)
        if (written !== undefined && shape(written) !== usual) expect.fail(JSON.stringify(text))
      }
    }
  })

  test('cannot inject a line by any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\r', '\n', '\0', ' ', ':', 'A', '\u010d', '\u010a', '\x85') }),
      fc.stringMatching(/^[!-~]{0,8}$/),
    )
    fc.assert(
      fc.property(text, (text) => {
        const written = attempt(encode, text)
        return written === undefined || shape(written) === usual
      }),
      { numRuns: 150 },
    )
  })

  test('cannot be anything but a string', () => {
    const sly = [
      { toString: () => 'A\r\nX: y', length: 1, charCodeAt: () => 0x41, toLowerCase: () => 'a' },
      ['A\r\nX: y'],
      new String('A'),
      Symbol('A'),
      null,
      1,
    ]
    for (const text of sly) {
      // A target is a template string here, which makes one of all of them.
      const written = attempt(encode, text as unknown as string)
      if (written !== undefined) expect(shape(written)).toBe(usual)
    }
  })
})

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,8}$/)
const value = fc.stringMatching(/^([!-~\x80-\xff]([\t -~\x80-\xff]{0,12}[!-~\x80-\xff])?)?$/)
const lines = fc.array(
  fc.tuple(
    token.map((name) => `x-${name}`),
    value,
  ),
  { maxLength: 6 },
)
const shown = (fields: [string, string][]) =>
  fields.map(([name, value]) => (value === '' ? `${name}:` : `${name}: ${value}`))

function told(events: string[]): string[] {
  return events.filter((event) => event.startsWith('  ')).map((event) => unescape(event.slice(2)))
}

function unescape(text: string): string {
  const named: Record<string, string> = { t: '\t', '\\': '\\' }
  return text.replace(/\\(?:x(..)|(.))/g, (_, hex, name) =>
    hex === undefined ? named[name]! : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

describe('what is encoded is read back as it was', () => {
  test('a request', () => {
    const methods = token.filter((method) => method !== 'CONNECT')
    const target = fc.stringMatching(/^\/[!$-;=?-~]{0,20}$/)
    fc.assert(
      fc.property(
        methods,
        target,
        lines,
        fc.nat(3),
        fc.boolean(),
        (method, target, fields, framing, keepAlive) => {
          const head = encodeRequestHead(method, target, ['Host', 'a', ...fields.flat()], {
            framing,
            keepAlive,
          })
          const events = drive('request', [Buffer.from(head + 'x'.repeat(framing), 'latin1')])
          const [name, ...rest] = events[0]!.split(' ')
          expect([name, rest[0]]).toEqual(['head', method])
          expect(unescape(rest.slice(1, -3).join(' '))).toBe(target)
          expect(rest.slice(-3)).toEqual(['1.1', `body=${framing}`, keepAlive ? 'keep-alive' : 'close'])
          expect(told(events).slice(1, 1 + fields.length)).toEqual(shown(fields))
          expect(events.at(-1)).toBe('end')
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a response', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        value,
        lines,
        fc.nat(3),
        (status, reason, fields, length) => {
          fc.pre(status !== 204 && status !== 304)
          const head = encodeResponseHead(status, reason, fields.flat(), { framing: length })
          const events = drive('response', [Buffer.from(head + 'x'.repeat(length), 'latin1')], {
            methods: ['GET'],
          })
          expect(events[0]).toBe(`head ${status} 1.1 body=${length} keep-alive`)
          expect(told(events).slice(0, fields.length)).toEqual(shown(fields))
          expect(events.at(-1)).toBe('end')
        },
      ),
      { numRuns: 150 },
    )
  })

  test('trailers', () => {
    fc.assert(
      fc.property(lines, (trailers) => {
        const head = encodeRequestHead('PUT', '/', ['Host', 'a'], { framing: 'chunked' })
        const events = drive('request', [Buffer.from(head + lastChunk(trailers.flat()), 'latin1')])
        expect(told(events.slice(events.indexOf('end')))).toEqual(shown(trailers))
      }),
      { numRuns: 150 },
    )
  })
})
