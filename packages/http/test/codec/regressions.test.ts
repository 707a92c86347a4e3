import { describe, expect, test } from 'vitest'

import { encodeRequestHead } from '../../src/codec/index.ts'
import { drive } from './drive.ts'

// Defects that well-known projects had and mended; each of them ours never to have.

const request = (fields: string, body = '') => [
  Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`, 'latin1'),
]
const last = (chunks: Buffer[], limits: Record<string, number> = {}) =>
  drive('request', chunks, { limits }).at(-1)

describe('smuggling', () => {
  test('a second Transfer-Encoding line is not ignored', () => {
    expect(last(request('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n'))).toBe(
      'error 400 TRANSFER_ENCODING',
    )
  })

  test('a space before the colon is not accepted', () => {
    expect(last(request('Transfer-Encoding : chunked\r\n'))).toBe('error 400 FIELD_NAME')
  })

  test('a bare CR does not end a field line', () => {
    expect(last(request('X: y\rTransfer-Encoding: chunked\r\n'))).toBe('error 400 LINE_END')
  })

  test('a bare LF does not end a chunk extension', () => {
    expect(last(request('Transfer-Encoding: chunked\r\n', '2;\nxx\r\n0\r\n\r\n'))).toBe('error 400 LINE_END')
  })

  test('a number is not read by its prefix', () => {
    expect(last(request('Content-Length: 5 6\r\n', 'hello'))).toBe('error 400 CONTENT_LENGTH')
  })

  test('a Content-Length repeated in other letters by our own caller is not written', () => {
    const fields = ['Host', 'a', 'Content-Length', '5', 'content-length', '6']
    expect(() => encodeRequestHead('POST', '/', fields, { framing: 5 })).toThrow(TypeError)
  })

  test('bytes that arrive unasked are not the next answer', () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
    const events = drive('response', [Buffer.from(answer + answer)], { methods: ['GET'] })
    expect(events.at(-1)).toBe('error 400 UNEXPECTED')
  })
})

describe('endless small things', () => {
  test('chunk extensions have a limit', () => {
    const chunk = `1;${'x'.repeat(200)}\r\na\r\n`
    const events = drive('request', request('Transfer-Encoding: chunked\r\n', chunk.repeat(1000)))
    expect(events.at(-1)).toBe('error 400 CHUNK_EXTENSION')
  })

  test('a head of ten thousand fields is refused, whole and in small pieces', () => {
    const [bytes] = request('A: b\r\n'.repeat(10_000)) as [Buffer]
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) =>
      bytes.subarray(7 * i, 7 * i + 7),
    )
    expect(last([bytes])).toBe('error 431 TOO_MANY_FIELDS')
    expect(last(pieces)).toBe('error 431 TOO_MANY_FIELDS')
  })

  test('trailers have a limit', () => {
    const body = `0\r\n${'A: b\r\n'.repeat(10_000)}\r\n`
    expect(last(request('Transfer-Encoding: chunked\r\n', body), { fieldCount: 1e9 })).toBe(
      'error 431 TRAILERS_TOO_LARGE',
    )
  })

  test('a hundred thousand pipelined requests take time in proportion', () => {
    const events = drive('request', [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(100_000))])
    expect(events.filter((line) => line === 'end')).toHaveLength(100_000)
  })

  test('a head that comes byte by byte is scanned once', () => {
    const [bytes] = request(`A: ${'x'.repeat(1_000_000)}\r\n`) as [Buffer]
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
    // A scan from the start for each byte would be 5 * 10 ** 11 steps: the test would never end.
    expect(drive('request', pieces, { limits: { headBytes: 2_000_000 } }).at(-1)).toBe('end')
  })

  test('a list of very many members is read in one go', () => {
    const fields = `Connection: ${'a,'.repeat(500_000)}close\r\n`
    expect(drive('request', request(fields), { limits: { headBytes: 2_000_000 } })[0]).toMatch(/close$/)
  })
})

test('a field named __proto__ is a field', () => {
  expect(drive('request', request('__proto__: a\r\nconstructor: b\r\n'))).toContain('  __proto__: a')
})

test('a length that lies allocates nothing and ends in an error', () => {
  const fields = 'Content-Length: 9007199254740991\r\n'
  expect(drive('request', request(fields), { eof: true, limits: { bodyBytes: Infinity } }).at(-1)).toBe(
    'error 400 TRUNCATED',
  )
})
