import { ask, broken, chunked, closed, echoed, either, get, kept, ok, post, refused } from '../words.mjs'

const many = (count) => Array.from({ length: count }, (_, at) => `X-${at}: y`)
const tooMuch = [...broken, refused(413, 431)]

/** What a peer may make a server hold: enough for everybody's needs, and not without end. */
export const section = 'Limits'

export const cases = [
  { id: 'line-of-8000', rule: '9112 3', send: ask(`GET /?${'q'.repeat(7980)} HTTP/1.1`), expect: ok },
  {
    id: 'target-too-long',
    rule: '9112 3',
    send: ask(`GET /?${'q'.repeat(20_000)} HTTP/1.1`),
    expect: refused(414, 431),
  },
  {
    id: 'target-without-end',
    rule: '9112 3',
    send: `GET /${'q'.repeat(200_000)}`,
    expect: refused(414, 431),
  },
  {
    id: 'method-without-end',
    rule: '9110 15.6.2',
    send: 'M'.repeat(100_000),
    expect: refused(400, 414, 431, 501),
  },
  {
    id: 'head-of-12-kib',
    rule: '9110 5.4',
    send: get(`Cookie: ${'c'.repeat(4000)}`, `Authorization: ${'a'.repeat(4000)}`, `X: ${'x'.repeat(4000)}`),
    expect: ok,
  },
  { id: 'field-too-large', rule: '9110 5.4', send: get(`X: ${'y'.repeat(100_000)}`), expect: refused(431) },
  {
    id: 'field-name-too-large',
    rule: '9110 5.4',
    send: get(`${'X'.repeat(100_000)}: y`),
    expect: refused(431),
  },
  {
    id: 'field-without-end',
    rule: '9110 5.4',
    send: `GET / HTTP/1.1\r\nHost: a.example\r\nX: ${'y'.repeat(200_000)}`,
    expect: refused(431),
  },
  {
    id: 'white-space-without-end',
    rule: '9112 5.1',
    send: `GET / HTTP/1.1\r\nHost: a.example\r\nX:${' '.repeat(200_000)}`,
    expect: refused(431),
  },
  { id: 'ninety-fields', rule: '9110 5.4', send: get(...many(90)), expect: ok },
  { id: 'ten-thousand-fields', rule: '9110 5.4', send: get(...many(10_000)), expect: refused(431) },
  {
    id: 'fields-without-names-in-common',
    rule: 'security: colliding keys',
    send: get(...many(5000).map((line) => `__proto__${line}`)),
    expect: refused(431),
  },
  { id: 'empty-lines-without-end', rule: '9112 2.2', send: '\r\n'.repeat(10_000), expect: refused(400) },
  {
    id: 'length-beyond-the-limit',
    rule: '9110 15.5.14',
    send: post('', 'Content-Length: 1000000000000'),
    expect: refused(413),
  },
  {
    id: 'body-of-a-mebibyte',
    rule: '9110 6.4',
    send: post('z'.repeat(2 ** 20), `Content-Length: ${2 ** 20}`),
    expect: either({ status: 200, body: 'z'.repeat(2 ** 20) }),
  },
  {
    id: 'chunks-beyond-the-limit',
    rule: '9110 15.5.14',
    send: chunked(`400000\r\n${'z'.repeat(0x400000)}\r\n`.repeat(5) + '0\r\n\r\n'),
    expect: tooMuch,
  },
  {
    id: 'chunk-announced-beyond-the-limit',
    rule: '9110 15.5.14',
    send: chunked('ffffffff\r\nhello'),
    expect: tooMuch,
  },
  {
    id: 'extension-too-long',
    rule: '9112 7.1.1',
    send: chunked(`5;${'a'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n`),
    expect: tooMuch,
  },
  {
    id: 'extensions-of-many-small-chunks',
    rule: '9112 7.1.1',
    send: chunked(`1;${'a'.repeat(200)}\r\nx\r\n`.repeat(1000) + '0\r\n\r\n'),
    expect: tooMuch,
  },
  {
    id: 'extension-of-the-usual-length',
    rule: '9112 7.1.1',
    send: chunked(`5;chunk-signature=${'a'.repeat(64)}\r\nhello\r\n0\r\n\r\n`),
    expect: echoed('hello'),
  },
  {
    id: 'long-path-is-only-missing',
    rule: '9110 15.5.5',
    send: ask(`GET /${'a'.repeat(4000)} HTTP/1.1`),
    expect: kept(404),
  },
  {
    id: 'a-long-method-with-a-target',
    rule: '9110 15.6.2',
    send: ask(`${'M'.repeat(2000)} / HTTP/1.1`),
    expect: [either([404, 405]), closed([400, 414, 501])],
  },
]
