import { broken, chunked, closed, echoed, end, hidden, refused } from '../words.mjs'

const trailer = (text) => chunked(`5\r\nhello\r\n0\r\n${text}\r\n\r\n`)
const overLimit = [...broken, refused(413, 431)]

/** RFC 9112 section 7.1.2 and RFC 9110 section 6.5: fields behind a body. */
export const section = 'Trailers'

export const cases = [
  { id: 'one', rule: '9112 7.1.2', send: trailer('X: y'), expect: echoed('hello') },
  {
    id: 'announced',
    rule: '9110 6.6.2',
    send: chunked('5\r\nhello\r\n0\r\nX: y\r\n\r\n', 'Trailer: X'),
    expect: echoed('hello'),
  },
  { id: 'several', rule: '9112 7.1.2', send: trailer('X: y\r\nZ:\r\nX: z'), expect: echoed('hello') },
  {
    id: 'length-frames-nothing',
    rule: '9110 6.5.1',
    send: trailer(`Content-Length: ${hidden.length}`),
    expect: echoed('hello'),
  },
  {
    id: 'coding-frames-nothing',
    rule: '9110 6.5.1',
    send: trailer('Transfer-Encoding: chunked'),
    expect: echoed('hello'),
  },
  {
    id: 'host-routes-nothing',
    rule: '9110 6.5.1',
    send: trailer('Host: b.example\r\nHost: c.example'),
    expect: echoed('hello'),
  },
  {
    id: 'close-comes-too-late',
    rule: '9110 6.5.1',
    send: trailer('Connection: close'),
    expect: [echoed('hello'), closed(200)],
  },
  {
    id: 'expect-comes-too-late',
    rule: '9110 6.5.1',
    send: trailer('Expect: 100-continue'),
    expect: echoed('hello'),
  },
  { id: 'space-before-colon', rule: '9112 5.1', send: trailer('X : y'), expect: broken },
  { id: 'no-colon', rule: '9112 5', send: trailer('X'), expect: broken },
  { id: 'folded', rule: '9112 5.2', send: trailer('X: y\r\n z'), expect: broken },
  { id: 'starts-with-space', rule: '9112 5.2', send: trailer(' X: y'), expect: broken },
  { id: 'nul', rule: '9110 5.5', send: trailer('X: \0'), expect: broken },
  { id: 'lf', rule: 'security: a bare LF', send: trailer('X: y\nZ: z'), expect: broken },
  { id: 'cr', rule: '9112 2.2', send: trailer('X: y\rZ: z'), expect: broken },
  {
    id: 'lf-as-the-empty-line',
    rule: 'security: a bare LF',
    send: chunked(`5\r\nhello\r\n0\r\nX: y\r\n\n${hidden}`),
    expect: broken,
  },
  { id: 'a-request-line', rule: '9112 5', send: chunked(`5\r\nhello\r\n0\r\n${hidden}`), expect: broken },
  {
    id: 'too-many',
    rule: '9110 5.4',
    send: trailer(Array.from({ length: 5000 }, (_, at) => `X${at}: y`).join('\r\n')),
    expect: overLimit,
  },
  { id: 'too-large', rule: '9110 5.4', send: trailer(`X: ${'y'.repeat(100_000)}`), expect: overLimit },
  { id: 'cut', rule: '9112 8', send: [chunked('5\r\nhello\r\n0\r\nX: y\r\n'), end], expect: broken },
]
