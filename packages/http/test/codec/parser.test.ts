import { describe, expect, test } from 'vitest'

import type { MessageHandler, RequestHead } from '../../src/codec/index.ts'
import { CodecError, RequestParser, ResponseParser, httpDate, parseHost } from '../../src/codec/index.ts'

const ignore: MessageHandler<never> = { onHead() {}, onBody() {}, onEnd() {} }
const bytes = (text: string) => Buffer.from(text, 'latin1')
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n'
const GET = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n'
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'

function recording(on: Partial<MessageHandler<RequestHead>> = {}) {
  const events: string[] = []
  const parser = new RequestParser({
    onHead(head) {
      events.push(head.target)
      on.onHead?.(head)
    },
    onBody(chunk) {
      events.push(Buffer.from(chunk).toString())
      on.onBody?.(chunk)
    },
    onEnd(trailers) {
      events.push('end')
      on.onEnd?.(trailers)
    },
  })
  return { events, parser }
}

describe('pausing', () => {
  test('in a head leaves the body unconsumed', () => {
    const { events, parser } = recording({ onHead: () => parser.pause() })
    expect(parser.push(bytes(`${POST}hello`))).toBe(POST.length)
    expect(parser.push(bytes('hello'))).toBe(0)
    parser.resume()
    expect(parser.push(bytes('hello'))).toBe(5)
    expect(events).toEqual(['/', 'hello', 'end'])
  })

  test('at an end leaves the next message unconsumed', () => {
    const { events, parser } = recording({ onEnd: () => parser.pause() })
    expect(parser.push(bytes(`${POST}hello${GET}`))).toBe(POST.length + 5)
    expect(events).toEqual(['/', 'hello', 'end'])
  })

  test('does not hold back an end that takes no byte', () => {
    const { events, parser } = recording({ onHead: () => parser.pause() })
    parser.push(bytes(GET))
    expect(events).toEqual(['/next', 'end'])
  })
})

describe('an offer', () => {
  test('that is declined at once does not stop the parser', () => {
    const { events, parser } = recording({ onHead: () => parser.decline() })
    expect(parser.push(bytes(UPGRADE + GET))).toBe(UPGRADE.length + GET.length)
    expect(events).toEqual(['/', 'end', '/next', 'end'])
  })

  test('that is declined later lets HTTP go on', () => {
    const { events, parser } = recording()
    expect(parser.push(bytes(UPGRADE + GET))).toBe(UPGRADE.length)
    expect(parser.state).toBe('waiting')
    parser.decline()
    parser.push(bytes(GET))
    expect(events).toEqual(['/', 'end', '/next', 'end'])
  })

  test('with a body is declined to read it', () => {
    const { events, parser } = recording()
    const head = UPGRADE.replace('Host', 'Content-Length: 2\r\nHost')
    expect(parser.push(bytes(`${head}hi`))).toBe(head.length)
    expect(parser.state).toBe('offered')
    parser.decline()
    parser.push(bytes('hi'))
    expect(events).toEqual(['/', 'hi', 'end'])
  })
})

test('last() drops what follows the message at hand', () => {
  const { events, parser } = recording({ onHead: () => parser.last() })
  const input = bytes(`${POST}hello${GET}`)
  expect(parser.push(input)).toBe(input.length)
  expect(events).toEqual(['/', 'hello', 'end'])
  expect(parser.state).toBe('done')
})

describe('limitBody', () => {
  const large = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n'

  test('raises the limit in onHead', () => {
    const { parser } = recording({ onHead: () => parser.limitBody(Infinity) })
    expect(() => parser.push(bytes(large))).not.toThrow()
  })

  test('raises the limit while paused, and is not looked at before', () => {
    const { parser } = recording({ onHead: () => parser.pause() })
    parser.push(bytes(large))
    parser.resume()
    parser.limitBody(99999999)
    expect(parser.push(bytes('x'))).toBe(1)
  })

  test('holds for one message', () => {
    const { parser } = recording({ onHead: ({ target }) => target === '/' && parser.limitBody(1) })
    parser.push(bytes('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'))
    expect(() => parser.push(bytes(POST.replace('/', '/b')))).not.toThrow()
  })
})

describe('failure', () => {
  test('is for good', () => {
    const { events, parser } = recording()
    const first = thrown(() => parser.push(bytes('\0')))
    expect(first).toBeInstanceOf(CodecError)
    expect(thrown(() => parser.push(bytes(GET)))).toBe(first)
    expect(thrown(() => parser.end())).toBe(first)
    expect(events).toEqual([])
  })

  test('of a handler comes out as it is, for good', () => {
    const mine = new Error('mine')
    const { parser } = recording({
      onHead() {
        throw mine
      },
    })
    expect(thrown(() => parser.push(bytes(GET)))).toBe(mine)
    expect(thrown(() => parser.push(bytes(GET)))).toBe(mine)
  })
})

test('a limit that is none is refused', () => {
  for (const headBytes of [-1, 0.5, Number.NaN])
    expect(() => new RequestParser(ignore, { headBytes })).toThrow(RangeError)
})

test('bytes are views of what was pushed, not copies', () => {
  const input = bytes(`${POST}hello`)
  const { parser } = recording({ onBody: (chunk) => expect(chunk.buffer).toBe(input.buffer) })
  parser.push(input)
})

test('a plain Uint8Array with an offset is read where it lies', () => {
  const { events, parser } = recording()
  const wide = new Uint8Array(bytes(`\0\0${POST}hello`))
  parser.push(wide.subarray(2))
  expect(events).toEqual(['/', 'hello', 'end'])
})

test('inHead tells of a head that began', () => {
  const parser = new ResponseParser(ignore)
  parser.expect('GET')
  expect(parser.inHead).toBe(false)
  parser.push(bytes('HTTP/1.1 200'))
  expect(parser.inHead).toBe(true)
  parser.push(bytes(' OK\r\nContent-Length: 1\r\n\r\n'))
  expect(parser.inHead).toBe(false)
})

test('fields are found in any letter case, joined or apart', () => {
  const { parser } = recording({
    onHead({ fields }) {
      expect(fields.get('x-a')).toBe('1, 2')
      expect(fields.all('X-A')).toEqual(['1', '2'])
      expect(fields.get('__proto__')).toBe('3')
      expect(fields.get('constructor')).toBeUndefined()
      expect([fields.has('HOST'), fields.has('hos'), fields.count]).toEqual([true, false, 4])
    },
  })
  parser.push(bytes('GET / HTTP/1.1\r\nHost: a\r\nX-a: 1\r\nx-A: 2\r\n__proto__: 3\r\n\r\n'))
})

test('hosts are parsed', () => {
  expect(parseHost('[::1]:80')).toEqual({ host: '[::1]', port: '80' })
  expect(parseHost('a')).toEqual({ host: 'a', port: undefined })
})

test.each(['[::]', '[1:2:3:4:5:6:7::]', '[1::8]', '[v1.a:b]', '[::1.2.3.4]'])('%s is a host', (text) => {
  expect(parseHost(text)?.host).toBe(text)
})

test.each(['[', '[]', '[:::]', '[1]', '[::1]x', '[1:2:3:4:5:6:7:1.2.3.4]', '[::256.1.1.1]', '[::12345]'])(
  '%s is no host',
  (text) => {
    expect(parseHost(text)).toBeUndefined()
  },
)

test('dates are IMF-fixdates', () => {
  expect(httpDate(784111777999)).toBe('Sun, 06 Nov 1994 08:49:37 GMT')
  expect(httpDate(784111778000)).toBe('Sun, 06 Nov 1994 08:49:38 GMT')
})

function thrown(act: () => void): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

test('a callback cannot push: what it pushed would come before what is being read', () => {
  const again: unknown[] = []
  const { events, parser } = recording({
    onHead() {
      try {
        parser.push(bytes(GET))
      } catch (error) {
        again.push(error)
      }
    },
  })
  parser.push(bytes(`${POST}hello`))
  expect(again).toEqual([new Error('Cannot push: a callback of this parser is running')])
  expect(events).toEqual(['/', 'hello', 'end'])
})

test('what is no bytes is refused, and no harm done', () => {
  const { events, parser } = recording()
  expect(() => parser.push(GET as never)).toThrow(new TypeError('Cannot push: not a Uint8Array'))
  parser.push(bytes(GET))
  expect(events).toEqual(['/next', 'end'])
})

test('a limit that there is not is refused: misspelt, it would protect nobody', () => {
  const limits = { headbytes: 5 } as never
  expect(() => new RequestParser(ignore, limits)).toThrow('Cannot limit headbytes: there is no such limit')
})

describe('what is refused is told with its measure', () => {
  const refused = (text: string, limits = {}): string => {
    try {
      const parser = new RequestParser(ignore, limits)
      parser.push(bytes(text))
      parser.end()
    } catch (error) {
      return (error as CodecError).message
    }
    return ''
  }

  test.each<[what: string, text: string, message: string, limits?: object]>([
    ['a body that is cut off', `${POST}he`, 'the stream ended after 2 of 5 bytes of the body'],
    ['a body that never began', POST, 'the stream ended after 0 of 5 bytes of the body'],
    [
      'a body beside an offer',
      UPGRADE.replace('Upgrade: x', 'Content-Length: 3\r\nUpgrade: x'),
      'the stream ended after 0 of 3 bytes of the body',
    ],
    ['a head that is cut off', POST.slice(0, -2), 'the stream ended in the middle of a message'],
    [
      'a head behind a body',
      `${POST}hello${GET.slice(0, -2)}`,
      'the stream ended in the middle of a message',
    ],
    [
      'chunks that are cut off',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe',
      'the stream ended in the middle of a message',
    ],
    ['a head that is too large', GET, 'the field lines exceed headBytes, which is 30', { headBytes: 30 }],
    [
      'trailers that are too large',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: long\r\n\r\n',
      'the field lines exceed trailerBytes, which is 6',
      { trailerBytes: 6 },
    ],
    ['too many fields', UPGRADE, 'it has more field lines than fieldCount, which is 2', { fieldCount: 2 }],
  ])('%s', (_what, text, message, limits) => {
    expect(refused(text, limits)).toBe(`Cannot read message: ${message}`)
  })
})
