import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type CodecError, type RequestHead, RequestParser } from '../../src/codec/index.ts'
import { drive } from './drive.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

function headsOf(...chunks: string[]): RequestHead[] {
  const heads: RequestHead[] = []
  const parser = new RequestParser({ onHead: (head) => heads.push(head), onBody() {}, onEnd() {} })
  for (const chunk of chunks) parser.push(bytes(chunk))
  return heads
}

describe('field lines that come again', () => {
  const fields = 'Host: a\r\nAccept: */*\r\n\r\n'

  test('are shared by the heads that have them, and cannot be changed', () => {
    const [first, second, third] = headsOf(
      `GET /1 HTTP/1.1\r\n${fields}GET /2 HTTP/1.1\r\n${fields}POST /3 HTTP/1.1\r\n${fields}`,
    )
    expect([first?.target, second?.target, third?.target]).toEqual(['/1', '/2', '/3'])
    expect(second?.fields.raw).toBe(first?.fields.raw)
    expect(third?.fields.raw).toBe(first?.fields.raw)
    expect(Object.isFrozen(first?.fields.raw)).toBe(true)
  })

  test('are not taken for others that begin or end like them', () => {
    const heads = headsOf(
      `GET / HTTP/1.1\r\n${fields}`,
      'GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX: y\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nAccept: */+\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: ab\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    )
    expect(heads.map((head) => head.fields.raw)).toEqual([
      ['Host', 'a', 'Accept', '*/*'],
      ['Host', 'a', 'Accept', '*/*', 'X', 'y'],
      ['Host', 'a', 'Accept', '*/+'],
      ['Host', 'ab'],
      ['Host', 'a'],
    ])
  })

  test('mean what they mean with the method and the version at hand', () => {
    const lasting = 'Host: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'
    const [first, second, third] = headsOf(
      `GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nUpgrade: x\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nUpgrade: x\r\n\r\n`,
      `GET / HTTP/1.1\r\n${lasting}`,
    )
    expect([first?.minor, first?.upgrade]).toEqual([0, undefined])
    expect([second?.minor, second?.upgrade]).toEqual([1, undefined])
    expect(third?.upgrade).toEqual(['x'])
    const body = 'Host: a\r\nContent-Length: 1\r\n\r\n'
    expect(() => headsOf(`GET / HTTP/1.1\r\n${body}xCONNECT a:1 HTTP/1.1\r\n${body}`)).toThrow(
      'CONNECT has no body',
    )
    expect(() => headsOf('GET / HTTP/1.1\r\nX: y\r\n\r\n')).toThrow('Host is missing')
  })

  test('count for the limit of the head they are in', () => {
    const parser = new RequestParser({ onHead() {}, onBody() {}, onEnd() {} }, { headBytes: 64 })
    const head = (target: string): Buffer => bytes(`GET ${target} HTTP/1.1\r\n${fields}`)
    parser.push(head('/'))
    parser.push(head('/again'))
    let error: CodecError | undefined
    try {
      parser.push(head('/'.padEnd(30, 'x')))
    } catch (caught) {
      error = caught as CodecError
    }
    expect(error?.code).toBe('ERR_FAIRLEAD_HTTP_HEAD_TOO_LARGE')
  })
})

test('requests of one connection are read as each would be alone', () => {
  const line = fc.constantFrom('GET / HTTP/1.1', 'GET /b HTTP/1.1', 'POST / HTTP/1.0', 'OPTIONS * HTTP/1.1')
  const lines = fc.constantFrom(
    'Host: a',
    'Host: b',
    'Host: a\r\nAccept: x',
    'Host: a\r\nAccept: xy',
    'Host: a\r\nConnection: keep-alive',
    `Host: a\r\nX: ${'x'.repeat(1100)}`,
  )
  const request = fc.tuple(line, lines).map(([first, rest]) => `${first}\r\n${rest}\r\n\r\n`)
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 12 }), fc.nat(200), (requests, at) => {
      const kept = requests.map((it) => it.replace('HTTP/1.0\r\n', 'HTTP/1.0\r\nConnection: keep-alive\r\n'))
      const all = bytes(kept.join(''))
      const whole = drive('request', [all])
      expect(whole).toEqual(kept.flatMap((it) => drive('request', [bytes(it)])))
      expect(drive('request', [all.subarray(0, at), all.subarray(at)])).toEqual(whole)
    }),
    { numRuns: 300 },
  )
})
