import { answered, ask, get, kept, ok, post, refused, sending } from '../words.mjs'

const arguable = { name: /^(?:TypeError|RangeError)$/ }
const whole = kept(answered(200, 'hello'))
const no = (id, rule, what, rest = {}) => ({
  id,
  rule,
  ask: what,
  play: ok(),
  expect: refused(arguable),
  ...rest,
})
const method = (id, name) => no(id, '9110 9.1: a token', ask(name))
const name = (id, text) => no(id, '9110 5.1: a token', get('/', { headers: [[text, 'b']] }))
const value = (id, text) => no(id, '9110 5.5', get('/', { headers: [['X-A', text]] }))

/**
 * Refused, or made harmless by the client: sent once, with what the client itself says. Fetch drops such fields.
 * Fairlead refuses.
 */
const harmless = (id, rule, what, wanted) => ({
  id,
  rule,
  ask: what,
  play: ok(),
  expect: [refused(), sending(whole, wanted)],
  ours: refused(arguable),
})

/** What would be another request than was meant: no byte of it is written (RFC 9112 section 11). */
export const section = 'Refused'

export const cases = [
  harmless('method-empty', '9110 9.1: a token, or none and so GET', ask(''), { line: 'GET / HTTP/1.1' }),
  method('method-with-space', 'G ET'),
  method('method-with-line-end', 'GET / HTTP/1.1\r\nX: y\r\n\r\nGET'),
  method('method-with-colon', 'GET:'),
  method('method-beyond-ascii', 'G\u00cbT'),
  name('name-empty', ''),
  name('name-with-space', 'X A'),
  name('name-with-colon', 'X:'),
  name('name-with-line-end', 'X-A\r\nX-B'),
  name('name-beyond-ascii', 'X-\u00c4'),
  name('name-with-nul', 'X\0'),
  value('value-with-cr-lf', 'b\r\nX-B: c'),
  value('value-with-lf', 'b\nX-B: c'),
  value('value-with-cr', 'b\rX-B: c'),
  value('value-with-nul', 'b\0c'),
  value('value-beyond-latin1', 'b\u{1f600}'),
  value('value-beyond-latin1-that-ends-in-a-line-end', 'b\u010d\u010aX-B: c'),
  no('url-relative', '9110 4.2', { method: 'GET', url: '/a' }),
  no('url-of-another-scheme', '9110 4.2', { method: 'GET', url: 'ftp://127.0.0.1:{port}/' }),
  no('url-without-host', '9110 4.2.1', { method: 'GET', url: 'http:///' }),
  no('url-with-bad-port', '9110 4.2.1', { method: 'GET', url: 'http://127.0.0.1:99999/' }),
  no('url-with-bad-host', '9110 4.2.1', { method: 'GET', url: 'http://a b/' }),
  harmless(
    'length-twice',
    '9110 8.6',
    post('body', {
      headers: [
        ['Content-Length', '4'],
        ['Content-Length', '4'],
      ],
    }),
    { body: 'body', headers: { 'content-length': '4' } },
  ),
  harmless(
    'length-twice-in-other-case',
    '9110 8.6',
    post('body', {
      headers: [
        ['Content-Length', '4'],
        ['content-lengTH', '40'],
      ],
    }),
    { body: 'body', headers: { 'content-length': '4' } },
  ),
  harmless('length-too-long', '9110 8.6', post('body', { headers: [['Content-Length', '40']] }), {
    body: 'body',
    headers: { 'content-length': '4' },
  }),
  harmless('length-too-short', '9110 8.6', post('body', { headers: [['Content-Length', '1']] }), {
    body: 'body',
    headers: { 'content-length': '4' },
  }),
  harmless('length-with-plus', '9110 8.6', post('body', { headers: [['Content-Length', '+4']] }), {
    body: 'body',
    headers: { 'content-length': '4' },
  }),
  harmless('length-in-hexadecimal', '9110 8.6', post('body', { headers: [['Content-Length', '0x4']] }), {
    body: 'body',
    headers: { 'content-length': '4' },
  }),
  harmless('length-of-get-without-a-body', '9110 8.6', get('/', { headers: [['Content-Length', '5']] }), {
    body: '',
    headers: { 'content-length': null },
  }),
  harmless(
    'length-and-chunked',
    '9112 6.2',
    post('body', {
      headers: [
        ['Content-Length', '4'],
        ['Transfer-Encoding', 'chunked'],
      ],
    }),
    { body: 'body' },
  ),
  harmless(
    'length-and-chunked-of-pieces',
    '9112 6.2',
    post(undefined, {
      pieces: ['body'],
      headers: [
        ['Transfer-Encoding', 'chunked'],
        ['content-length', '4'],
      ],
    }),
    { body: 'body' },
  ),
  harmless(
    'coding-that-is-not-applied',
    '9112 6.1',
    post('body', { headers: [['Transfer-Encoding', 'gzip']] }),
    {
      body: 'body',
      headers: { 'transfer-encoding': null },
    },
  ),
  harmless(
    'host-twice',
    '9112 3.2',
    get('/', {
      headers: [
        ['Host', 'a.example'],
        ['host', 'b.example'],
      ],
    }),
    { headers: { host: /^127\.0\.0\.1:\d+$/ } },
  ),
  harmless('host-that-is-none', '9112 3.2', get('/', { headers: [['Host', 'a.example/b']] }), {
    headers: { host: /^127\.0\.0\.1:\d+$/ },
  }),
  {
    id: 'upgrade-by-a-field',
    rule: '9110 7.8: an answer of 101 would find nobody; refused, or left out',
    ask: get('/', {
      headers: [
        ['Connection', 'upgrade'],
        ['Upgrade', 'foo'],
      ],
    }),
    play: ok(),
    expect: [refused(), sending(whole, {})],
  },
]
