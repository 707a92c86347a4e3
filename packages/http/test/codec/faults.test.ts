import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import {
  CodecError,
  RequestParser,
  ResponseParser,
  encodeRequestHead,
  encodeResponseHead,
  lastChunk,
} from '../../src/codec/index.ts'
import { drive } from './drive.ts'

// What goes wrong out there, row by row, as far as a codec meets it. Single cases stand in the transcripts.

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n'
const latin1 = (text: string) => Buffer.from(text, 'latin1')
const outcome = (fields: string, body = '', options = {}) =>
  drive('request', [latin1(`${HEAD}${fields}\r\n${body}`)], options).at(-1)
const ignore = { onHead() {}, onBody() {}, onEnd() {} }

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are held after `work`, beyond those before it. */
function growth(work: () => unknown): number {
  const held = () => {
    collect()
    const { heapUsed, arrayBuffers, external } = process.memoryUsage()
    return heapUsed + arrayBuffers + external
  }
  const before = held()
  const kept = work()
  const after = held()
  // Whatever it returns is counted.
  expect(kept).toBeDefined()
  return after - before
}

describe('4. Input split at every byte, and all coalesced', () => {
  test('gives the same events, over a row of messages of every framing', () => {
    const text =
      `${HEAD}Content-Length: 2\r\n\r\nhi` +
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2;a="b"\r\nhi\r\n0\r\nX: y\r\n\r\n` +
      '\r\nGET http://b/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n' +
      'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' +
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nrest'
    const bytes = latin1(text)
    const whole = drive('request', [bytes])
    expect(whole.filter((event) => event === 'end')).toHaveLength(5)
    expect(whole.at(-1)).toBe('rest "rest"')
    expect(
      drive(
        'request',
        Array.from(bytes, (byte) => Buffer.of(byte)),
      ),
    ).toEqual(whole)
    for (let at = 0; at <= bytes.length; at++) {
      expect(drive('request', [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole)
    }
  })
})

describe('5. Framing that contradicts itself', () => {
  test.each([
    ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'error 400 AMBIGUOUS_FRAMING'],
    ['Content-Length: 5\r\nContent-Length: 5\r\n', 'error 400 CONTENT_LENGTH'],
    ['Content-Length: 5\r\nContent-Length: 6\r\n', 'error 400 CONTENT_LENGTH'],
    ['Content-Length: 5\r\ncontent-length: 5\r\n', 'error 400 CONTENT_LENGTH'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', 'error 400 TRANSFER_ENCODING'],
    ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', 'error 400 TRANSFER_ENCODING'],
    ['Transfer-Encoding: ,chunked\r\n', 'error 400 TRANSFER_ENCODING'],
    ['Transfer-Encoding: xchunked\r\n', 'error 400 TRANSFER_ENCODING'],
    ['Content-Length:\r\n', 'error 400 CONTENT_LENGTH'],
    ['Transfer-Encoding: ChunKed\r\n', 'end'],
  ])('%j: %s', (fields, event) => {
    expect(outcome(fields, '0\r\n\r\n')).toBe(event)
  })

  test('chunked on HTTP/1.0 is refused', () => {
    const text = 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(drive('request', [latin1(text)])).toEqual(['error 400 TRANSFER_ENCODING'])
  })

  test.each([
    [['Content-Length', '5'], 'chunked'],
    [['Content-Length', '5', 'Content-Length', '5'], 5],
    [['Content-Length', '5', 'CONTENT-LENGTH', '6'], 5],
    [['Content-Length', ''], 0],
    [['Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], 'chunked'],
    [['Transfer-Encoding', ',chunked'], 'chunked'],
    [['Transfer-Encoding', 'xchunked'], 'chunked'],
    [['Transfer-Encoding', 'chunked'], 5],
  ] as const)('the client refuses to write %j with a body of %s', (fields, framing) => {
    expect(() => encodeRequestHead('POST', '/', ['Host', 'a', ...fields], { framing })).toThrow(TypeError)
  })
})

describe('6. Numbers', () => {
  test.each(['+5', '-1', '0x5', '1_0', '5 5', '', '5,', '5.', '5e0', '٥', ' '])(
    'Content-Length: %j is refused',
    (text) => {
      expect(outcome(`Content-Length: ${Buffer.from(text).toString('latin1')}\r\n`, 'hello')).toBe(
        'error 400 CONTENT_LENGTH',
      )
    },
  )

  test('forty digits are no length, and forty zeros are one', () => {
    expect(outcome(`Content-Length: ${'1'.repeat(40)}\r\n`)).toBe('error 413 BODY_TOO_LARGE')
    expect(outcome(`Content-Length: ${'0'.repeat(40)}\r\n`)).toBe('end')
  })

  test.each(['', '+5', '-1', '0x5', '1_0', '5 5', ' 5', '5 ', 'g', '10000000000000000', 'ffffffffffffffff'])(
    'a chunk size of %j is refused',
    (size) => {
      expect(outcome('Transfer-Encoding: chunked\r\n', `${size}\r\nhello\r\n0\r\n\r\n`)).toBe(
        'error 400 CHUNK_SIZE',
      )
    },
  )
})

describe('7. Bytes', () => {
  test.each([
    ['A: b\rC: d\r\n', 'LINE_END'],
    ['A: b\nC: d\r\n', 'LINE_END'],
    ['A: b\0\r\n', 'FIELD_VALUE'],
    ['A\x85: b\r\n', 'FIELD_NAME'],
    ['A\xa0: b\r\n', 'FIELD_NAME'],
    ['A: b\r\n c\r\n', 'FIELD_NAME'],
    ['A : b\r\n', 'FIELD_NAME'],
    ['Abc\r\n', 'FIELD_NAME'],
    [': b\r\n', 'FIELD_NAME'],
  ])('%j is refused', (fields, code) => {
    expect(outcome(fields)).toBe(`error 400 ${code}`)
  })

  test('U+0085 and U+00A0 are no white space around a value, and none within a number', () => {
    expect(drive('request', [latin1(`${HEAD}A: \x85b\xa0\r\n\r\n`)])).toContain('  A: \\x85b\\xa0')
    for (const space of ['\x85', '\xa0']) {
      expect(outcome(`Content-Length: 5${space}\r\n`, 'hello')).toBe('error 400 CONTENT_LENGTH')
      expect(outcome(`Transfer-Encoding:${space}chunked\r\n`)).toBe('error 400 TRANSFER_ENCODING')
    }
  })

  test('CR LF in what we write is refused, in every place', () => {
    const text = 'a\r\nSet-Cookie: b'
    for (const write of [
      () => encodeRequestHead(text, '/', ['Host', 'a']),
      () => encodeRequestHead('GET', `/${text}`, ['Host', 'a']),
      () => encodeRequestHead('GET', '/', ['Host', text]),
      () => encodeRequestHead('GET', '/', ['Host', 'a', text, 'b']),
      () => encodeResponseHead(200, text, [], { framing: 0 }),
      () => encodeResponseHead(200, '', ['A', text], { framing: 0 }),
      () => encodeResponseHead(200, '', [], { framing: 0, date: text }),
      () => lastChunk(['A', text]),
    ]) {
      expect(write).toThrow(TypeError)
    }
  })
})

describe('8. Endless small things', () => {
  test('one-byte chunks with 16 KB of extensions each end with the first', () => {
    const chunk = `1;${'x'.repeat(16_384)}\r\na\r\n`
    expect(outcome('Transfer-Encoding: chunked\r\n', chunk.repeat(50))).toBe('error 400 CHUNK_EXTENSION')
  })

  test('one-byte chunks with small extensions end with the sum of them', () => {
    const events = drive('request', [
      latin1(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${'1;a\r\na\r\n'.repeat(100_000)}`),
    ])
    expect(events.at(-1)).toBe('error 400 CHUNK_EXTENSION')
    // 16,384 bytes of extensions, two of them in each chunk.
    expect(events).toContain('body 8192 bytes')
  })

  test('ten thousand fields, and as many trailers, are refused', () => {
    expect(outcome('A: b\r\n'.repeat(10_000))).toBe('error 431 TOO_MANY_FIELDS')
    expect(outcome('Transfer-Encoding: chunked\r\n', `0\r\n${'A: b\r\n'.repeat(10_000)}`)).toBe(
      'error 431 TOO_MANY_FIELDS',
    )
  })

  test('a trailer section that does not end is refused', () => {
    expect(outcome('Transfer-Encoding: chunked\r\n', `0\r\nA: ${'b'.repeat(100_000)}`)).toBe(
      'error 431 TRAILERS_TOO_LARGE',
    )
  })

  test('a hundred thousand pipelined requests leave nothing behind', () => {
    const row = latin1('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000))
    let ends = 0
    const grown = growth(() => {
      const parser = new RequestParser({ ...ignore, onEnd: () => ends++ })
      for (let i = 0; i < 100; i++) parser.push(row)
      return parser
    })
    expect(ends).toBe(100_000)
    expect(grown).toBeLessThan(1_000_000)
  })

  test('a body of 64 MiB in one-byte chunks, or until the close, leaves nothing behind', () => {
    const chunks = latin1('1\r\na\r\n'.repeat(10_000))
    const piece = Buffer.alloc(65_536)
    let told = 0
    const onBody = (chunk: Uint8Array) => void (told += chunk.length)
    const grown = growth(() => {
      const request = new RequestParser({ ...ignore, onBody })
      request.push(latin1(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`))
      for (let i = 0; i < 20; i++) request.push(chunks)
      const response = new ResponseParser({ ...ignore, onBody }, { bodyBytes: Infinity })
      response.expect('GET')
      response.push(latin1('HTTP/1.1 200 OK\r\n\r\n'))
      for (let i = 0; i < 1024; i++) response.push(piece)
      return [request, response]
    })
    expect(told).toBe(200_000 + 64 * 1024 * 1024)
    expect(grown).toBeLessThan(1_000_000)
  })

  test('time is in proportion to what comes, whatever it is', () => {
    const shapes: Record<string, (times: number) => Buffer> = {
      'a long value': (times) => latin1(`${HEAD}A: ${'b'.repeat(times)}\r\n\r\n`),
      'many fields': (times) => latin1(`${HEAD}${'A: b\r\n'.repeat(times / 8)}\r\n`),
      'many blanks': (times) => latin1(`${HEAD}A:${' \t'.repeat(times / 2)}b\r\n\r\n`),
      'a long list': (times) => latin1(`${HEAD}Connection: ${'a, '.repeat(times / 4)}close\r\n\r\n`),
      'many lines of a list': (times) => latin1(`${HEAD}${'Connection: a\r\n'.repeat(times / 16)}\r\n`),
      'many lengths': (times) => latin1(`${HEAD}${'Content-Length: 5\r\n'.repeat(times / 20)}\r\n`),
      'a long host': (times) => latin1(`POST / HTTP/1.1\r\nHost: ${'%41'.repeat(times / 4)}\r\n\r\n`),
      'a long address': (times) => latin1(`POST / HTTP/1.1\r\nHost: [${':'.repeat(times)}]\r\n\r\n`),
      'a long target': (times) => latin1(`GET http://${'a'.repeat(times)}/ HTTP/1.1\r\nHost: a\r\n\r\n`),
      'a line of blanks': (times) => latin1(`GET ${' '.repeat(times)} HTTP/1.1\r\nHost: a\r\n\r\n`),
      'small chunks': (times) =>
        latin1(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(times / 6)}0\r\n\r\n`),
    }
    const limits = { targetBytes: 1e9, headBytes: 1e9, fieldCount: 1e9, bodyBytes: 1e9 }
    const spent = (bytes: Buffer, size: number) => {
      const parser = new RequestParser(ignore, limits)
      const before = process.cpuUsage()
      try {
        for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size))
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError)
      }
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    for (const [name, make] of Object.entries(shapes)) {
      for (const size of [61, Infinity]) {
        const step = Math.min(size, 1e9)
        const [small, large] = [make(4096), make(131_072)]
        const least = (bytes: Buffer) => Math.min(...[1, 2, 3].map(() => spent(bytes, step)))
        // 32 times as long; the square of that would be 1,024. A floor of 1 ms, under which a clock says little.
        const ratio = least(large) / Math.max(1000, least(small))
        expect(ratio, `${name}, in pieces of ${size}`).toBeLessThan(200)
      }
    }
  })
})

describe('16. Names that mean something to the language, and very many of them', () => {
  const members = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__defineGetter__',
    'valueOf',
  ]

  test('are fields like others', () => {
    const lines = members.map((name) => `${name}: ${name}!\r\n`).join('')
    const parser = new RequestParser({
      ...ignore,
      onHead({ fields }) {
        for (const name of members) {
          expect(fields.get(name)).toBe(`${name}!`)
          expect(fields.all(name)).toEqual([`${name}!`])
        }
        expect([...fields].map(([name]) => name)).toEqual(['Host', ...members])
      },
    })
    parser.push(latin1(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`))
    expect(Object.prototype).not.toHaveProperty('__proto__!')
  })

  test('are not there when nobody sent them', () => {
    let seen = false
    const parser = new RequestParser({
      ...ignore,
      onHead({ fields }) {
        seen = true
        for (const name of members) expect([fields.has(name), fields.get(name)]).toEqual([false, undefined])
      },
    })
    parser.push(latin1('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    expect(seen).toBe(true)
  })

  test('fifty thousand names that collide are refused by number, or read in one walk', () => {
    // Same length, same letters: the worst for a table that hashes, no worse than others for a list.
    const lines = Array.from(
      { length: 50_000 },
      (_, i) => `x-${i.toString(2).padStart(16, '0')}: a\r\n`,
    ).join('')
    expect(outcome(lines)).toBe('error 431 TOO_MANY_FIELDS')
    const bytes = latin1(`${HEAD}${lines}\r\n`)
    let last: string | undefined
    const onHead = ({ fields }: { fields: { get(name: string): string | undefined } }) => {
      last = fields.get('X-1100001101001111')
    }
    new RequestParser({ ...ignore, onHead }, { headBytes: 1e9, fieldCount: 1e9 }).push(bytes)
    expect(last).toBe('a')
  })
})

describe('17. Lengths that lie', () => {
  const lies = [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]

  test.each(lies)('a length of %d allocates nothing, and ends in an error', (length) => {
    const limits = { bodyBytes: Infinity }
    expect(outcome(`Content-Length: ${length}\r\n`, 'hello', { limits, eof: true })).toBe(
      'error 400 TRUNCATED',
    )
    const grown = growth(() => {
      const parser = new RequestParser(ignore, limits)
      parser.push(latin1(`${HEAD}Content-Length: ${length}\r\n\r\nhello`))
      return parser
    })
    expect(grown).toBeLessThan(1_000_000)
  })

  test.each(['fffffffffffff', '7fffffff', '80000000', '100000005'])('so does a chunk of %s', (size) => {
    const limits = { bodyBytes: Infinity }
    const grown = growth(() => {
      const parser = new RequestParser(ignore, limits)
      parser.push(latin1(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${size}\r\nhello`))
      expect(() => parser.end()).toThrow(CodecError)
      return parser
    })
    expect(grown).toBeLessThan(1_000_000)
  })

  test('one more than the limit, 2 to the 63rd and 2 to the 64th are refused before a byte of them', () => {
    for (const length of ['6', '9223372036854775808', '18446744073709551616', '18446744073709551621']) {
      expect(outcome(`Content-Length: ${length}\r\n`, '', { limits: { bodyBytes: 5 } })).toBe(
        'error 413 BODY_TOO_LARGE',
      )
    }
  })

  test('a line that never ends is held up to the limit, and no longer', () => {
    const piece = Buffer.alloc(1024, 'a')
    const work = (): unknown => {
      const parsers = Array.from({ length: 20 }, () => new RequestParser(ignore))
      for (const parser of parsers) {
        parser.push(latin1('GET / HTTP/1.1\r\nA: '))
        expect(() => {
          for (let i = 0; i < 1024; i++) parser.push(piece)
        }).toThrow(CodecError)
      }
      return parsers
    }
    // What the first round leaves is code that was made ready.
    work()
    const grown = growth(work)
    expect(grown).toBeLessThan(20 * 64 * 1024)
  })
})
