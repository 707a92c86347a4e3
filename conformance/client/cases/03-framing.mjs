import {
  answer,
  answered,
  ask,
  broken,
  closed,
  either,
  failed,
  fin,
  get,
  head,
  headed,
  kept,
  ok,
  on,
  poison,
  raw,
} from '../words.mjs'

const hello = answered(200, 'hello')
const FIVE = '5\r\nhello\r\n0\r\n\r\n'
const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at))
const large = bytes.repeat(1024)
const length = (value) => raw('hello', `Content-Length:${value}`)
const coded = (...values) => raw(FIVE, ...values.map((value) => `Transfer-Encoding:${value}`))

/** A length that is none: the answer is refused, and the connection closed (RFC 9112 section 6.3, rule 5). */
const noLength = (id, value, rule = '9112 6.3') => ({
  id,
  rule,
  play: length(value),
  expect: closed(broken('', { phase: 'headers' })),
})

/** A last coding that is not chunked: the body lasts until the end; what cannot be decoded is not the body. */
const noCoding = (id, ...values) => ({
  id,
  rule: '9112 6.1: what is still coded is not the content',
  play: [coded(...values), fin],
  expect: closed(broken()),
})

const bodiless = (id, text, report, rest = {}) => ({
  id,
  rule: '9112 6.3: no body, whatever the fields say',
  play: text,
  expect: kept(report),
  ...rest,
})

/** RFC 9112 section 6: where a body ends. */
export const section = 'Framing'

export const cases = [
  { id: 'length', rule: '9112 6.2', play: ok('hello'), expect: kept(hello) },
  { id: 'length-0', rule: '9112 6.2', play: ok(''), expect: kept(answered(200, '')) },
  { id: 'every-byte-there-is', rule: '9110 6.4', play: ok(bytes), expect: kept(answered(200, bytes)) },
  { id: 'a-quarter-of-a-megabyte', rule: '9112 6.2', play: ok(large), expect: kept(answered(200, large)) },
  {
    id: 'until-close',
    rule: '9112 6.3',
    play: [raw('hello'), fin],
    expect: closed(hello),
  },
  {
    id: 'until-close-and-empty',
    rule: '9112 6.3',
    play: [raw(''), fin],
    expect: closed(answered(200, '')),
  },
  {
    id: 'until-close-looks-like-an-answer',
    rule: '9112 6.3',
    play: [raw(poison), fin],
    expect: closed(answered(200, poison)),
  },
  {
    id: 'until-close-though-kept-alive',
    rule: '9112 6.3',
    play: [raw('hello', 'Connection: keep-alive'), fin],
    expect: closed(hello),
  },
  { id: 'white-space-around-length', rule: '9112 5.1', play: length('\t 5 \t'), expect: kept(hello) },
  {
    id: 'leading-zeros',
    rule: '9110 8.6',
    play: length(' 0005'),
    expect: [kept(hello), closed(broken())],
  },
  noLength('length-with-plus', ' +5'),
  noLength('length-below-0', ' -5'),
  noLength('length-in-hexadecimal', ' 0x5'),
  noLength('length-with-underscore', ' 1_0'),
  noLength('length-with-space-inside', ' 5 5'),
  noLength('length-with-letters-behind', ' 5a'),
  noLength('length-with-fraction', ' 5.0'),
  noLength('length-with-exponent', ' 5e0'),
  noLength('length-in-quotes', ' "5"'),
  noLength('length-empty', ''),
  noLength('length-with-no-break-space', ' \xa05', '9110 5.6.3'),
  noLength('length-list-that-differs', ' 5, 6'),
  noLength('length-list-with-empty-member', ' 5,'),
  {
    id: 'length-of-forty-digits',
    rule: '9110 8.6: no overflow',
    play: [length(` ${'9'.repeat(40)}`), fin],
    expect: closed(broken('hello')),
  },
  {
    id: 'length-beyond-64-bits-by-five',
    rule: 'security: a counter that wraps',
    play: [length(' 18446744073709551621'), fin],
    expect: closed(broken('hello')),
  },
  {
    id: 'length-beyond-32-bits-by-five',
    rule: 'security: a counter that wraps',
    play: [length(' 4294967301'), fin],
    expect: closed(broken('hello')),
  },
  {
    id: 'length-list-of-equals',
    rule: '9110 8.6: refused, or taken for one',
    play: length(' 5, 5'),
    expect: [kept(hello), closed(broken())],
  },
  {
    id: 'length-twice-and-equal',
    rule: '9110 8.6: refused, or taken for one',
    play: raw('hello', 'Content-Length: 5', 'Content-Length: 5'),
    expect: [kept(hello), closed(broken())],
  },
  {
    id: 'length-twice-and-different',
    rule: '9112 6.3',
    play: raw('hello', 'Content-Length: 5', 'Content-Length: 3'),
    expect: closed(broken('')),
  },
  {
    id: 'length-twice-in-other-case',
    rule: '9112 6.3',
    play: raw('hello', 'Content-Length: 5', 'content-lengTH: 3'),
    expect: closed(broken()),
  },
  {
    id: 'length-twice-with-fields-between',
    rule: '9112 6.3',
    play: raw('hello', 'Content-Length: 0', 'X-A: b', 'Content-Length: 5'),
    expect: closed(broken()),
  },
  {
    id: 'both',
    rule: '9112 6.3: refused, or chunked and the connection closed',
    play: raw(FIVE, 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    expect: [closed(broken()), closed(hello)],
  },
  {
    id: 'both-the-other-way-round',
    rule: '9112 6.3: refused, or chunked and the connection closed',
    play: raw(FIVE, 'Transfer-Encoding: chunked', 'Content-Length: 5'),
    expect: [closed(broken()), closed(hello)],
  },
  {
    id: 'both-with-an-answer-hidden-behind-the-length',
    rule: 'security: answers that are split',
    ask: [get('/one'), get('/two')],
    plays: [raw(`0\r\n\r\n${poison}`, 'Content-Length: 5', 'Transfer-Encoding: chunked'), ok('two')],
    expect: [
      on(2, kept(broken(), answered(200, 'two'))),
      on(2, kept(answered(200, ''), answered(200, 'two'))),
    ],
  },
  {
    id: 'chunked-on-http-1.0',
    rule: '9112 6.1: faulty; the connection is closed in any case',
    play: [head('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked', 'Connection: keep-alive') + FIVE, fin],
    expect: [closed(broken()), closed(answered(200, /^(?:hello|5\r\nhello\r\n0\r\n\r\n)$/))],
  },
  noCoding('coding-that-is-not-known', ' xchunked'),
  noCoding('coding-chunked-with-a-parameter', ' chunked;a=b'),
  noCoding('coding-chunked-in-quotes', ' "chunked"'),
  noCoding('coding-behind-chunked', ' chunked, identity'),
  noCoding('coding-chunked-twice', ' chunked, chunked'),
  noCoding('coding-chunked-in-two-fields', ' chunked', ' chunked'),
  noCoding('coding-gzip-before-chunked', ' gzip, chunked'),
  noCoding('coding-with-vertical-tab', ' \x0bchunked'),
  {
    id: 'coding-in-any-case',
    rule: '9112 7',
    play: coded(' ChunKed'),
    expect: kept(hello),
  },
  {
    id: 'coding-identity',
    rule: '9112 6.1: no longer known, so until close or refused',
    play: [raw('hello', 'Transfer-Encoding: identity'), fin],
    expect: [closed(hello), closed(broken())],
  },
  bodiless('head', ok('', 'X-A: b'), headed(200, { body: '', headers: { 'x-a': 'b' } }), {
    ask: ask('HEAD'),
  }),
  bodiless('head-with-length', raw('', 'Content-Length: 1000'), answered(200, ''), { ask: ask('HEAD') }),
  bodiless('head-with-chunked', raw('', 'Transfer-Encoding: chunked'), answered(200, ''), {
    ask: ask('HEAD'),
  }),
  bodiless(
    'head-of-an-error',
    raw('', 'Content-Length: 5').replace('200 OK', '404 Not Found'),
    answered(404, ''),
    {
      ask: ask('HEAD'),
    },
  ),
  bodiless('head-without-framing', raw(''), answered(200, ''), { ask: ask('HEAD') }),
  bodiless('204', head('HTTP/1.1 204 No Content'), answered(204, '')),
  bodiless('204-with-length', head('HTTP/1.1 204 No Content', 'Content-Length: 5'), answered(204, '')),
  bodiless(
    '204-with-chunked',
    head('HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked'),
    answered(204, ''),
  ),
  bodiless('304', head('HTTP/1.1 304 Not Modified', 'ETag: "a"'), answered(304, '')),
  bodiless('304-with-length', head('HTTP/1.1 304 Not Modified', 'Content-Length: 1000'), answered(304, '')),
  {
    id: 'head-with-a-body-all-the-same',
    rule: '9112 6.3: its bytes answer nothing',
    ask: ask('HEAD'),
    play: ok(poison),
    expect: closed(answered(200, '')),
  },
  {
    id: '204-with-a-body-all-the-same',
    rule: '9112 6.3: its bytes answer nothing; it may be refused',
    play: answer('204 No Content', poison),
    expect: [closed(answered(204, '')), closed(broken())],
    ours: closed(answered(204, '')),
  },
  {
    id: '304-with-a-body-all-the-same',
    rule: '9112 6.3: its bytes answer nothing; it may be refused',
    play: answer('304 Not Modified', poison),
    expect: [closed(answered(304, '')), closed(broken())],
    ours: closed(answered(304, '')),
  },
  { id: '205', rule: '9110 15.3.6', play: answer('205 Reset Content'), expect: kept(answered(205, '')) },
  {
    id: '205-with-a-body',
    rule: '9110 15.3.6: must not be sent; Fetch has none, RFC 9112 frames it as any',
    play: answer('205 Reset Content', 'hello'),
    expect: [either(answered(205, /^(?:hello)?$/)), closed(failed())],
  },
  {
    id: '206',
    rule: '9110 15.3.7',
    ask: get('/', { headers: [['Range', 'bytes=0-4']] }),
    play: answer('206 Partial Content', 'hello', 'Content-Range: bytes 0-4/10'),
    expect: kept(answered(206, 'hello')),
  },
]
