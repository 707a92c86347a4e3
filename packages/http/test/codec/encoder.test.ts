import { describe, expect, test } from 'vitest'

import {
  chunkPrefix,
  encodeChunk,
  encodeRequestHead,
  encodeResponseHead,
  lastChunk,
} from '../../src/codec/index.ts'

describe('a request head', () => {
  test('has its line, its fields, its framing and an empty line', () => {
    expect(encodeRequestHead('POST', '/a', ['Host', 'b', 'X', 'é'], { framing: 5, keepAlive: false })).toBe(
      'POST /a HTTP/1.1\r\nHost: b\r\nX: é\r\nContent-Length: 5\r\nConnection: close\r\n\r\n',
    )
  })

  test('has no framing field without a body', () => {
    expect(encodeRequestHead('GET', '/', ['Host', ''])).toBe('GET / HTTP/1.1\r\nHost: \r\n\r\n')
  })

  test.each([
    ['a method with a line of its own', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET', '/'],
    ['an empty method', '', '/'],
    ['a target with a line of its own', 'GET', '/ HTTP/1.1\r\nX: y'],
    ['a target with a space', 'GET', '/a b'],
    ['a target whose latin1 is a line end', 'GET', '/\u010d\u010a'],
    ['a target without a form', 'GET', 'a'],
    ['an asterisk for GET', 'GET', '*'],
    ['a path for CONNECT', 'CONNECT', '/'],
  ])('refuses %s', (_, method, target) => {
    expect(() => encodeRequestHead(method, target, ['Host', 'a'])).toThrow(TypeError)
  })

  test.each([
    ['no Host', []],
    ['two Hosts', ['Host', 'a', 'host', 'a']],
    ['a Host that is none', ['Host', 'a/b']],
    ['a name without a value', ['Host', 'a', 'X']],
  ])('refuses %s', (_, fields) => {
    expect(() => encodeRequestHead('GET', '/', fields)).toThrow(TypeError)
  })

  test('refuses a body for CONNECT', () => {
    expect(() => encodeRequestHead('CONNECT', 'a:1', ['Host', 'a:1'], { framing: 5 })).toThrow(TypeError)
  })
})

describe('fields', () => {
  const encode = (...fields: string[]) => encodeResponseHead(200, 'OK', fields, { framing: 0 })

  test.each(['\r\n', '\r', '\n', '\0', '\x7f', '\x0b', '\u010a', '\u010d', '\u560d\u560a', '€'])(
    'a value with %j is refused, and not repeated in the message',
    (text) => {
      expect(() => encode('X', `secret${text}Set-Cookie: a`)).toThrow(TypeError)
      expect(() => encode('X', `secret${text}`)).not.toThrow(/secret/)
    },
  )

  test.each(['', ' X', 'X ', 'X:', 'X\r\nY', 'X\0', 'é', '(X)'])('a name %j is refused', (name) => {
    expect(() => encode(name, 'a')).toThrow(TypeError)
  })

  test('an object that turns into a string when written is refused', () => {
    const sly = { toString: () => 'a\r\nSet-Cookie: b' } as unknown as string
    expect(() => encode('X', sly)).toThrow(TypeError)
    expect(() => encode(sly, 'X')).toThrow(TypeError)
    expect(() => encodeResponseHead(200, sly, [], { framing: 0 })).toThrow(TypeError)
  })

  test('tabs and obs-text are allowed', () => {
    expect(encode('X', 'a\tb\xff')).toContain('X: a\tb\xff\r\n')
  })
})

describe('framing', () => {
  const encode = (fields: string[], framing: 'chunked' | 'until-close' | number) =>
    encodeResponseHead(200, 'OK', fields, { framing })

  test('is written once when the caller wrote it already', () => {
    expect(encode(['content-length', '5'], 5).match(/content-length/gi)).toHaveLength(1)
    expect(encode(['transfer-encoding', 'Chunked'], 'chunked').match(/transfer-encoding/gi)).toHaveLength(1)
  })

  test.each<[string, string[], 'chunked' | 'until-close' | number]>([
    ['a different Content-Length', ['Content-Length', '6'], 5],
    ['a Content-Length twice in other letters', ['Content-Length', '5', 'CONTENT-length', '5'], 5],
    ['a Content-Length beside chunks', ['Content-Length', '5'], 'chunked'],
    ['a Transfer-Encoding beside a length', ['Transfer-Encoding', 'chunked'], 5],
    ['both', ['Transfer-Encoding', 'chunked', 'Content-Length', '5'], 'chunked'],
    ['another coding', ['Transfer-Encoding', 'gzip, chunked'], 'chunked'],
    ['a coding twice', ['Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], 'chunked'],
    ['a sign', ['Content-Length', '+5'], 5],
    ['a length until the close', ['Content-Length', '5'], 'until-close'],
    ['a length that is none', [], Number.NaN],
    ['a negative length', [], -1],
  ])('refuses %s', (_, fields, framing) => {
    expect(() => encode(fields, framing)).toThrow(TypeError)
  })
})

describe('a response head', () => {
  test('has Date, Content-Length and Connection added', () => {
    const head = encodeResponseHead(200, 'OK', ['A', 'b'], { framing: 2, keepAlive: false, date: 'now' })
    expect(head).toBe(
      'HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\nDate: now\r\nConnection: close\r\n\r\n',
    )
  })

  test('keeps a Date and a Connection: close of the caller', () => {
    const fields = ['date', 'then', 'connection', 'x, Close']
    const head = encodeResponseHead(200, 'OK', fields, { framing: 0, keepAlive: false, date: 'now' })
    expect(head).toBe('HTTP/1.1 200 OK\r\ndate: then\r\nconnection: x, Close\r\nContent-Length: 0\r\n\r\n')
  })

  test('tells a 1.0 client that the connection stays, or closes', () => {
    expect(encodeResponseHead(200, '', [], { framing: 0, minor: 0 })).toContain('Connection: keep-alive')
    expect(encodeResponseHead(200, '', [], { framing: 'until-close', minor: 0 })).toContain(
      'Connection: close',
    )
    expect(() => encodeResponseHead(200, '', [], { framing: 'chunked', minor: 0 })).toThrow(TypeError)
  })

  test('has no framing where there is no body', () => {
    expect(encodeResponseHead(204, 'No Content', [], { framing: 'none' })).toBe(
      'HTTP/1.1 204 No Content\r\n\r\n',
    )
    expect(encodeResponseHead(100, 'Continue', [], { framing: 'none' })).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    for (const status of [100, 101, 204]) {
      expect(() => encodeResponseHead(status, '', [], { framing: 0 })).toThrow(TypeError)
      expect(() => encodeResponseHead(status, '', [], { framing: 'chunked' })).toThrow(TypeError)
      expect(() => encodeResponseHead(status, '', ['Content-Length', '0'], { framing: 'none' })).toThrow(
        TypeError,
      )
    }
    expect(() => encodeResponseHead(200, '', [], { framing: 5, method: 'CONNECT' })).toThrow(TypeError)
  })

  test('tells HEAD and 304 of the body that GET would get', () => {
    expect(encodeResponseHead(200, '', [], { framing: 5, method: 'HEAD' })).toContain('Content-Length: 5')
    expect(encodeResponseHead(304, '', [], { framing: 5 })).toContain('Content-Length: 5')
  })

  test('refuses an endless body on a connection that stays', () => {
    expect(() => encodeResponseHead(200, 'OK', [], { framing: 'none' })).toThrow(TypeError)
  })

  test.each(['a\r\nb', 'a\nb', '\0', '\u010a'])('refuses the reason %j', (reason) => {
    expect(() => encodeResponseHead(200, reason, [], { framing: 0 })).toThrow(TypeError)
  })

  test.each([99, 1000, 200.5, Number.NaN])('refuses the status %d', (status) => {
    expect(() => encodeResponseHead(status, '', [], { framing: 0 })).toThrow(RangeError)
  })
})

describe('chunks', () => {
  test('have their size in front', () => {
    expect(encodeChunk(Buffer.alloc(26, 'a')).toString()).toBe(`1a\r\n${'a'.repeat(26)}\r\n`)
    expect(encodeChunk('é').toString()).toBe('2\r\né\r\n')
    expect(chunkPrefix(255)).toBe('ff\r\n')
  })

  test('of no data are nothing, for they would end the body', () => {
    expect(encodeChunk('')).toHaveLength(0)
    expect(() => chunkPrefix(0)).toThrow(RangeError)
  })

  test('end with trailers, but with none that frames or routes', () => {
    expect(lastChunk()).toBe('0\r\n\r\n')
    expect(lastChunk(['Digest', 'x'])).toBe('0\r\nDigest: x\r\n\r\n')
    expect(() => lastChunk(['content-length', '5'])).toThrow(TypeError)
    expect(() => lastChunk(['X', 'a\r\n\r\nGET'])).toThrow(TypeError)
  })
})
