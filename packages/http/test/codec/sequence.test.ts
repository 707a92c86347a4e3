import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { RequestHead } from '../../src/codec/index.ts'
import { RequestParser } from '../../src/codec/index.ts'
import { drive } from './drive.ts'
import { allTranscripts } from './transcript.ts'

// What a parser remembers of one message must not be seen in the next.

const bodies = [
  '',
  'Content-Length: 2\r\n\r\nhi',
  'Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n',
] as const
const startLines = [
  'GET / HTTP/1.1',
  'GET /b HTTP/1.1',
  'POST / HTTP/1.1',
  'GET / HTTP/1.2',
  'OPTIONS * HTTP/1.1',
  'GET http://b/ HTTP/1.1',
] as const
const fieldLines = ['Host: a', 'Host: b', 'hosT: a', 'Host:a', 'Host: a ', 'Host: a:1'] as const
const more = [
  '',
  'A: b\r\n',
  'A: c\r\n',
  'Expect: 100-continue\r\n',
  'Connection: x\r\n',
  'A: b\r\nA: b\r\n',
] as const
const spoilt = [
  'Host: a/b\r\n',
  'Host: a\r\nHost: a\r\n',
  'Host: a\r\nA : b\r\n',
  'A: b\r\n',
  'Host: a\r\nContent-Length: 1, 1\r\n',
  'Host: a\n',
] as const

/** Messages that are alike, so that nearly all of one may be taken for the next. */
const message = fc
  .tuple(
    fc.constantFrom(...startLines),
    fc.constantFrom(...fieldLines),
    fc.constantFrom(...more),
    fc.constantFrom(...bodies),
  )
  .map(([line, host, more, body]) => `${line}\r\n${host}\r\n${more}${body === '' ? '\r\n' : body}`)

const good = allTranscripts().filter(
  ({ role, events, bytes, eof, limits }) =>
    role === 'request' &&
    !eof &&
    bytes.length < 500 &&
    Object.keys(limits).length === 0 &&
    events.at(-1) !== undefined &&
    !events.some((event) => /^(error|rest)| close| upgrade=|^head CONNECT/.test(event)),
)

const bytes = (text: string) => Buffer.from(text, 'latin1')
const events = (text: string, options = {}) => drive('request', [bytes(text)], options)

describe('messages in a row are read as each alone', () => {
  test('when they are alike', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.constantFrom('', ...spoilt),
        fc.nat(),
        (messages, last, cut) => {
          const end = last === '' ? '' : `GET / HTTP/1.1\r\n${last}\r\n`
          const all = bytes(messages.join('') + end)
          const apart = [...messages, end].flatMap((text) => events(text))
          const at = cut % (all.length + 1)
          expect(drive('request', [all])).toEqual(apart)
          expect(drive('request', [all.subarray(0, at), all.subarray(at)])).toEqual(apart)
          expect(drive('request', [all], { pausing: true })).toEqual(apart)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('when they are the good ones of the transcripts', () => {
    expect(good.length).toBeGreaterThan(60)
    const pick = fc.constantFrom(...good.map((transcript) => transcript.bytes.toString('latin1')))
    fc.assert(
      fc.property(fc.array(pick, { maxLength: 6 }), (messages) => {
        expect(events(messages.join(''))).toEqual(messages.flatMap((text) => events(text)))
      }),
      { numRuns: 500 },
    )
  })

  test('when the same fields come with another method or version', () => {
    const length = 'Host: a:1\r\nContent-Length: 1\r\n\r\n'
    expect(events(`POST / HTTP/1.1\r\n${length}xCONNECT a:1 HTTP/1.1\r\n${length}`).at(-1)).toBe(
      'error 400 AMBIGUOUS_FRAMING',
    )
    const chunked = 'Host: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(events(`POST / HTTP/1.1\r\n${chunked}0\r\n\r\nPOST / HTTP/1.0\r\n${chunked}`).at(-1)).toBe(
      'error 400 TRANSFER_ENCODING',
    )
    const expects = 'Host: a\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n'
    expect(
      events(`POST / HTTP/1.1\r\n${expects}xPOST / HTTP/1.0\r\n${expects}x`).filter((line) =>
        line.includes('expects-100'),
      ),
    ).toHaveLength(1)
    const upgrade = 'Host: a\r\nConnection: upgrade, keep-alive\r\nUpgrade: x\r\n\r\n'
    expect(events(`GET / HTTP/1.0\r\n${upgrade}GET / HTTP/1.1\r\n${upgrade}rest`).at(-1)).toBe('rest "rest"')
  })
})

test('limits hold for a message that came before as well', () => {
  const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  expect(events(`${text}\r\n${text}`, { limits: { headBytes: text.length } }).at(-1)).toBe(
    'error 431 HEAD_TOO_LARGE',
  )
  const long = `GET /${'a'.repeat(9)} HTTP/1.1\r\nHost: a\r\n\r\n`
  expect(events(text + long, { limits: { headBytes: text.length } }).at(-1)).toBe('error 431 HEAD_TOO_LARGE')
})

test('heads that say the same are one, which nobody can change', () => {
  const heads: RequestHead[] = []
  const parser = new RequestParser({ onHead: (head) => heads.push(head), onBody() {}, onEnd() {} })
  const text = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  parser.push(bytes(text + text + text.replace('/', '/other') + text))
  expect(heads.map(({ target }) => target)).toEqual(['/', '/', '/other', '/'])
  expect(heads[0]).toBe(heads[1])
  expect(heads.every((head) => Object.isFrozen(head))).toBe(true)
})

describe('pausing in any callbacks, at any split', () => {
  test('changes no event, and what is left belongs to what comes next', () => {
    const stream = good.map((transcript) => transcript.bytes.toString('latin1'))
    const run = fc.tuple(
      fc.array(fc.constantFrom(...stream), { minLength: 1, maxLength: 3 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
    )
    fc.assert(
      fc.property(run, ([messages, pauses, sizes]) => {
        const input = bytes(messages.join(''))
        const events: string[] = []
        let calls = 0
        const happened = (event: string) => {
          events.push(event)
          if (pauses[calls++ % pauses.length]) parser.pause()
        }
        const parser = new RequestParser({
          onHead: (head) => happened(`head ${head.target}`),
          onBody: (chunk) => happened(`body ${Buffer.from(chunk).toString('latin1')}`),
          onEnd: () => happened('end'),
        })
        let at = 0
        for (let turn = 0; at < input.length; turn++) {
          const size = sizes[turn % sizes.length]!
          const taken = parser.push(input.subarray(at, at + size))
          // Unless it is paused, it takes all: nobody would know when to push again.
          if (!parser.paused) expect(taken).toBe(Math.min(size, input.length - at))
          at += taken
          const before = events.length
          if (parser.paused) {
            expect(parser.push(input.subarray(at))).toBe(0)
            expect(events).toHaveLength(before)
          }
          parser.resume()
        }
        const whole: string[] = []
        new RequestParser({
          onHead: (head) => whole.push(`head ${head.target}`),
          onBody: (chunk) => whole.push(`body ${Buffer.from(chunk).toString('latin1')}`),
          onEnd: () => whole.push('end'),
        }).push(input)
        expect(merged(events)).toEqual(merged(whole))
      }),
      { numRuns: 400 },
    )
  })
})

function merged(events: string[]): string[] {
  const result: string[] = []
  for (const event of events) {
    if (event.startsWith('body ') && result.at(-1)?.startsWith('body '))
      result.push(result.pop()! + event.slice(5))
    else result.push(event)
  }
  return result
}
