import { answered, closed, failed, get, kept, ok } from '../words.mjs'

const hello = answered(200, 'hello')
const valued = (line, value, rest = {}) => ({
  play: ok('hello', line),
  expect: kept(answered(200, 'hello', { headers: { 'x-a': value } })),
  ...rest,
})
const malformed = (id, line, rule = '9112 5.1') => ({
  id,
  rule,
  play: ok('hello', line),
  expect: closed(failed({ phase: 'headers' })),
})
const many = (count) => Array.from({ length: count }, (_, at) => `X-${at}: y`)

/** RFC 9112 section 5: field lines, and what is not one. */
export const section = 'Fields'

export const cases = [
  { id: 'value', rule: '9112 5', ...valued('X-A: b', 'b') },
  { id: 'name-in-any-case', rule: '9110 5.1', ...valued('x-A: b', 'b') },
  { id: 'value-without-space-before', rule: '9112 5', ...valued('X-A:b', 'b') },
  { id: 'white-space-around-value', rule: '9112 5.1', ...valued('X-A: \t b c \t ', 'b c') },
  { id: 'value-empty', rule: '9110 5.5', ...valued('X-A:', '') },
  { id: 'colons-in-value', rule: '9112 5', ...valued('X-A: :b:', ':b:') },
  {
    id: 'obs-text-in-value',
    rule: '9110 5.5: opaque; Fetch 2.2.2: one character a byte',
    ...valued('X-A: \xe4\xff', '\xe4\xff'),
  },
  {
    id: 'twice',
    rule: '9110 5.3',
    play: ok('hello', 'X-A: one', 'X-B: other', 'x-a: two'),
    expect: kept(answered(200, 'hello', { headers: { 'x-a': 'one, two', 'x-b': 'other' } })),
  },
  {
    id: 'set-cookie-twice',
    rule: '9110 5.3: not joined',
    play: ok('hello', 'Set-Cookie: a=1, 2', 'Set-Cookie: b=3'),
    expect: kept(answered(200, 'hello', { cookies: ['a=1, 2', 'b=3'] })),
  },
  {
    id: 'names-and-values-as-they-came',
    rule: '9110 5.3: order is kept',
    needs: ['raw'],
    play: ok('hello', 'X-b: 1', 'x-A: 2', 'X-B: 3'),
    expect: kept(
      answered(200, 'hello', { raw: ['X-b', '1', 'x-A', '2', 'X-B', '3', 'Content-Length', '5'] }),
    ),
  },
  {
    id: 'named-like-a-property',
    rule: 'security: a prototype that is written to',
    play: ok('hello', '__proto__: x', 'constructor: y', 'toString: z'),
    expect: kept(answered(200, 'hello', { headers: { constructor: 'y', tostring: 'z' } })),
  },
  {
    id: 'none-but-the-length',
    rule: '9112 5',
    play: ok(''),
    expect: kept(answered(200, '')),
  },
  {
    id: 'fold',
    rule: '9112 5.2: an answer may be refused, or the fold replaced',
    play: ok('hello', 'X-A: b\r\n c'),
    expect: [kept(answered(200, 'hello', { headers: { 'x-a': /^b +c$/ } })), closed(failed())],
  },
  {
    id: 'fold-before-the-first-field',
    rule: '9112 2.2: refused, or the line skipped',
    play: 'HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 5\r\n\r\nhello',
    expect: [kept(answered(200, 'hello', { headers: { 'x-a': null } })), closed(failed())],
  },
  {
    id: 'fold-that-hides-a-length',
    rule: 'security: a length that one reader sees and another does not',
    play: `HTTP/1.1 200 OK\r\nX-A: b\r\n Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello`,
    expect: [kept(hello), closed(failed())],
  },
  {
    id: 'space-before-colon',
    rule: '9112 5.1: a proxy must remove it; who keeps it in the name is fooled',
    play: ok('hello', 'X-A : b'),
    expect: [kept(answered(200, 'hello', { headers: { 'x-a': 'b' } })), closed(failed())],
  },
  {
    id: 'space-before-the-colon-of-a-length',
    rule: 'security: a length that one reader sees and another does not',
    play: 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello',
    expect: [kept(hello), closed(failed())],
  },
  malformed('no-colon', 'X-A'),
  malformed('name-empty', ': b'),
  malformed('space-in-name', 'X A: b'),
  malformed('slash-in-name', 'X/A: b', '9110 5.1'),
  malformed('obs-text-in-name', 'X\xe4: b', '9110 5.1'),
  malformed('nul-in-name', 'X\0A: b', '9110 5.1'),
  {
    id: 'nul-in-value',
    rule: '9110 5.5: refused, or replaced by a space',
    play: ok('hello', 'X-A: b\0c'),
    expect: [kept(answered(200, 'hello', { headers: { 'x-a': 'b c' } })), closed(failed())],
  },
  {
    id: 'bare-cr-in-value',
    rule: '9112 2.2: refused, or replaced by a space',
    play: ok('hello', 'X-A: b\rX-C: d'),
    expect: [kept(answered(200, 'hello', { headers: { 'x-a': 'b X-C: d', 'x-c': null } })), closed(failed())],
  },
  {
    id: 'control-in-value',
    rule: '9110 5.5: others than CR, LF and NUL may be kept',
    play: ok('hello', 'X-A: b\x01c'),
    expect: [kept(answered(200, 'hello', { headers: { 'x-a': 'b\x01c' } })), closed(failed())],
  },
  {
    id: 'bare-lf-behind-a-field',
    rule: '9112 2.2: may be taken for a line end',
    play: 'HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 5\r\n\r\nhello',
    expect: [kept(answered(200, 'hello', { headers: { 'x-a': 'b' } })), closed(failed())],
  },
  {
    id: 'bare-lf-everywhere',
    rule: '9112 2.2: may be taken for a line end',
    play: 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
    expect: [kept(hello), closed(failed())],
  },
  {
    id: 'lf-cr-at-the-end-of-the-head',
    rule: '9112 2.2',
    play: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\n\rhello',
    expect: closed(failed()),
    // A bare LF may end the head, and then this body begins with CR.
    ours: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'a-hundred',
    rule: '9110 5.4: no limit is told; this is what servers send',
    play: ok('hello', ...many(99)),
    expect: kept(answered(200, 'hello', { headers: { 'x-98': 'y' } })),
  },
  {
    id: 'ten-thousand',
    rule: '9110 5.4: a client may refuse what is larger than it wants',
    play: ok('hello', ...many(10_000)),
    expect: [kept(hello), closed(failed())],
    ours: closed(failed({ phase: 'headers', code: /FIELDS|LARGE|LIMIT/ })),
  },
  {
    id: 'value-of-4-kb',
    rule: '9110 5.4',
    play: ok('hello', `X-A: ${'b'.repeat(4096)}`),
    expect: kept(answered(200, 'hello', { headers: { 'x-a': 'b'.repeat(4096) } })),
  },
  {
    id: 'value-without-an-end',
    rule: 'security: a head without an end',
    play: ok('hello', `X-A: ${'b'.repeat(2 ** 18)}`),
    expect: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'name-without-an-end',
    rule: 'security: a head without an end',
    play: ok('hello', `${'x'.repeat(2 ** 18)}: b`),
    expect: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'reason-without-an-end',
    rule: 'security: a head without an end',
    play: `HTTP/1.1 200 ${'b'.repeat(2 ** 18)}\r\nContent-Length: 5\r\n\r\nhello`,
    expect: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'of-the-second-answer-alone',
    rule: '9112 5',
    ask: [get('/one'), get('/two')],
    plays: [ok('one', 'X-A: b'), ok('two', 'X-C: d')],
    expect: kept(
      answered(200, 'one', { headers: { 'x-a': 'b', 'x-c': null } }),
      answered(200, 'two', { headers: { 'x-a': null, 'x-c': 'd' } }),
    ),
  },
]
