import { answered, broken, chunked, closed, fin, kept } from '../words.mjs'

const hello = answered(200, 'hello')
const good = (id, rule, chunks, body = 'hello', rest = {}) => ({
  id,
  rule,
  play: chunked(chunks),
  expect: kept(answered(200, body)),
  ...rest,
})
const bad = (id, rule, chunks, body = '') => ({
  id,
  rule,
  play: chunked(chunks),
  expect: closed(broken(body, { phase: 'body' })),
})
const arguable = (id, rule, chunks, body = 'hello') => ({
  id,
  rule,
  play: chunked(chunks),
  expect: [kept(answered(200, body)), closed(broken(body))],
})

/** RFC 9112 section 7.1: chunks, their extensions, and the trailers behind them. */
export const section = 'Chunked'

export const cases = [
  good('one', '9112 7.1', '5\r\nhello\r\n0\r\n\r\n'),
  good('several', '9112 7.1', '1\r\nh\r\n3\r\nell\r\n1\r\no\r\n0\r\n\r\n'),
  good('none', '9112 7.1', '0\r\n\r\n', ''),
  good(
    'size-in-either-case',
    '9112 7.1',
    `A\r\n${'x'.repeat(10)}\r\na\r\n${'y'.repeat(10)}\r\n0\r\n\r\n`,
    'x'.repeat(10) + 'y'.repeat(10),
  ),
  good('size-with-leading-zeros', '9112 7.1', '0005\r\nhello\r\n000\r\n\r\n'),
  good('line-ends-in-data', '9112 7.1', '9\r\n\r\n0\r\n\r\nhi\r\n0\r\n\r\n', '\r\n0\r\n\r\nhi'),
  good('large', '9112 7.1', `10000\r\n${'x'.repeat(65_536)}\r\n0\r\n\r\n`, 'x'.repeat(65_536)),
  good('many-of-one-byte', '9112 7.1', `${'1\r\nx\r\n'.repeat(3000)}0\r\n\r\n`, 'x'.repeat(3000)),
  good('extension', '9112 7.1.1', '5;a=b\r\nhello\r\n0;c\r\n\r\n'),
  good('extension-quoted', '9112 7.1.1', '5;a="b;c"\r\nhello\r\n0\r\n\r\n'),
  arguable('extension-behind-white-space', '9112 7.1.1: BWS', '5 ; a = b\r\nhello\r\n0\r\n\r\n'),
  arguable('white-space-behind-size', '9112 7.1: not in the grammar, and seen', '5  \r\nhello\r\n0\r\n\r\n'),
  arguable('bare-lf-behind-size', '9112 2.2: may be taken for a line end', '5\nhello\r\n0\r\n\r\n'),
  bad(
    'bare-lf-in-extension',
    'security: a line end that one reader sees and another does not',
    '5;a\nhello\r\n0\r\n\r\n',
  ),
  bad('bare-cr-behind-size', '9112 2.2', '5\rhello\r\n0\r\n\r\n'),
  bad('size-missing', '9112 7.1', '\r\nhello\r\n0\r\n\r\n'),
  bad('size-of-extension-alone', '9112 7.1', ';a=b\r\nhello\r\n0\r\n\r\n'),
  bad('size-with-plus', '9112 7.1', '+5\r\nhello\r\n0\r\n\r\n'),
  bad('size-below-0', '9112 7.1', '-5\r\nhello\r\n0\r\n\r\n'),
  bad('size-with-prefix', '9112 7.1', '0x5\r\nhello\r\n0\r\n\r\n'),
  bad('size-with-underscore', '9112 7.1', '0_5\r\nhello\r\n0\r\n\r\n'),
  bad('size-with-letter', '9112 7.1', '5g\r\nhello\r\n0\r\n\r\n'),
  bad('size-with-space-before', '9112 7.1', ' 5\r\nhello\r\n0\r\n\r\n'),
  bad('size-with-space-inside', '9112 7.1', '0 5\r\nhello\r\n0\r\n\r\n'),
  bad(
    'size-beyond-64-bits-by-five',
    '9112 7.1: no overflow',
    '10000000000000005\r\nhello\r\n0\r\n\r\n',
    'hello\r\n0\r\n\r\n',
  ),
  bad('size-of-forty-digits', '9112 7.1: no overflow', `${'f'.repeat(40)}\r\nhello\r\n0\r\n\r\n`),
  bad('data-longer-than-told', '9112 7.1', '5\r\nhello!\r\n0\r\n\r\n', 'hello'),
  bad('data-shorter-than-told', '9112 7.1', '6\r\nhello\r\n0\r\n\r\n', 'hello\r'),
  bad(
    'two-bytes-for-a-line-end',
    'security: bytes that are skipped unseen',
    '5\r\nhelloXX0\r\n\r\n',
    'hello',
  ),
  bad('bare-cr-behind-data', '9112 7.1', '5\r\nhello\r0\r\n\r\n', 'hello'),
  arguable('bare-lf-behind-data', '9112 2.2: may be taken for a line end', '5\r\nhello\n0\r\n\r\n'),
  {
    id: 'extension-without-an-end',
    rule: 'security: extensions without an end',
    play: chunked(`5;a=${'b'.repeat(2 ** 18)}\r\nhello\r\n0\r\n\r\n`),
    expect: closed(broken('hello')),
  },
  {
    id: 'extensions-of-many-chunks',
    rule: 'security: extensions without an end',
    play: chunked(`${`1;a=${'b'.repeat(200)}\r\nx\r\n`.repeat(1500)}0\r\n\r\n`),
    expect: closed(broken('x'.repeat(1500))),
  },
  {
    id: 'size-without-an-end',
    rule: 'security: a size without an end',
    play: chunked(`${'0'.repeat(2 ** 18)}5\r\nhello\r\n0\r\n\r\n`),
    expect: [closed(broken('hello')), kept(hello)],
    ours: closed(broken('')),
  },
  {
    id: 'trailers',
    rule: '9112 7.1.2',
    needs: ['trailers'],
    play: chunked('5\r\nhello\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n', 'Trailer: X-A, X-C'),
    expect: kept(answered(200, 'hello', { trailers: (them) => them['x-a'] === 'b' && them['x-c'] === 'd' })),
  },
  good('trailers-nobody-asks-for', '9112 7.1.2', '5\r\nhello\r\n0\r\nX-A: b\r\n\r\n'),
  {
    id: 'trailers-are-no-headers',
    rule: '9110 6.5.1: not merged',
    play: chunked('5\r\nhello\r\n0\r\nX-A: b\r\nContent-Type: text/html\r\n\r\n', 'X-A: a'),
    expect: kept(answered(200, 'hello', { headers: { 'x-a': 'a', 'content-type': null } })),
  },
  {
    id: 'trailers-that-frame',
    rule: '9110 6.5.1: not merged, or refused',
    play: chunked('5\r\nhello\r\n0\r\nContent-Length: 3\r\nTransfer-Encoding: gzip\r\n\r\n'),
    expect: [kept(hello), closed(broken('hello'))],
  },
  bad('trailer-without-colon', '9112 7.1.2', '5\r\nhello\r\n0\r\nX-A\r\n\r\n', 'hello'),
  bad('trailer-with-nul', '9112 7.1.2', '5\r\nhello\r\n0\r\nX\0A: b\r\n\r\n', 'hello'),
  {
    id: 'trailers-without-an-end',
    rule: 'security: trailers without an end',
    play: chunked(`5\r\nhello\r\n0\r\n${`X-A: ${'b'.repeat(1000)}\r\n`.repeat(300)}\r\n`),
    expect: closed(broken('hello')),
  },
  {
    id: 'bytes-behind-the-end',
    rule: '9112 9.2: they answer nothing',
    play: [chunked('5\r\nhello\r\n0\r\n\r\njunk')],
    expect: closed(hello),
  },
  {
    id: 'closed-behind-the-end',
    rule: '9112 7.1',
    play: [chunked('5\r\nhello\r\n0\r\n\r\n'), fin],
    expect: closed(hello),
  },
]
