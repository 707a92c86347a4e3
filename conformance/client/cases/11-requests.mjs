import { answered, ask, either, get, headed, kept, ok, on, post, refused, sending } from '../words.mjs'

const hello = answered(200, 'hello')
const AT = /^127\.0\.0\.1:\d+$/
/** The request line that a URL makes. */
const line = (id, rule, path, target = path, rest = {}) => ({
  id,
  rule,
  ask: get(path),
  play: ok(),
  expect: sending(kept(hello), { line: `GET ${target} HTTP/1.1`, headers: { host: AT } }),
  ...rest,
})
/** The Host that a URL makes, with connections made by another way. */
const host = (id, rule, url, wanted, rest = {}) => ({
  id,
  rule,
  needs: ['connect'],
  origin: new URL(url).origin,
  ask: { method: 'GET', url },
  play: ok(),
  expect: sending(kept(hello), { line: 'GET / HTTP/1.1', headers: { host: wanted } }),
  ...rest,
})
const field = (id, rule, headers, wanted, rest = {}) => ({
  id,
  rule,
  ask: get('/', { headers }),
  play: ok(),
  expect: sending(kept(hello), { headers: wanted }),
  ...rest,
})

/** RFC 9112 section 3 and RFC 9110 section 7: a request as it is written, byte for byte. */
export const section = 'Requests'

export const cases = [
  line('root', '9112 3.2.1', '/'),
  line('no-path', '9112 3.2.1: the path is / then', '', '/'),
  line('no-path-but-a-query', '9112 3.2.1: the path is / then', '?a=b', '/?a=b'),
  line('empty-query-is-one', '3986 6.2.3', '/?', '/?'),
  line('fragment-is-not-sent', '9110 7.1', '/a?b#c', '/a?b'),
  line('dot-segments', '3986 5.2.4', '/a/./b/../c', '/a/c'),
  line('dot-segments-above-the-root', '3986 5.2.4', '/../../a', '/a'),
  line('dot-segments-escaped', 'URL 4.2: %2e is a dot', '/a/%2e%2E/b', '/b'),
  line('empty-segments', '3986 3.3', '/a//b/', '/a//b/'),
  line('two-slashes-first', '9112 3.2.1: not another authority', '//a.example/b', '//a.example/b'),
  line('escapes-are-left', '3986 6.2.2', '/%7Ea%2fb%zz%', '/%7Ea%2fb%zz%'),
  line('spaces', 'URL 4.4', '/a b?c d', '/a%20b?c%20d'),
  line('beyond-ascii', 'URL 4.4: in UTF-8', '/\u00e4?\u{1f600}', '/%C3%A4?%F0%9F%98%80'),
  line('quotes-and-brackets-in-the-query', 'URL 4.4', `/?"<>'[]{}|^\``, '', {
    expect: sending(kept(hello), { line: `GET /?%22%3C%3E%27[]{}|^\` HTTP/1.1` }),
  }),
  line('reserved-characters', '3986 2.2', "/!$&'()*+,;=:@?/?:@", "/!$&'()*+,;=:@?/?:@"),
  line('backslash', 'URL 4.4: a slash in HTTP', '/a\\b', '/a/b'),
  line('line-ends-are-dropped', 'URL 4.4: they are no part of it', '/a\r\nb\tc', '/abc'),
  line('nul-is-escaped', 'URL 4.4', '/a\0b', '/a%00b'),
  line('long', '9112 3: 8,000 octets at least', `/${'a'.repeat(7900)}`),
  {
    id: 'host-first',
    rule: '9110 7.2: it should be',
    play: ok(),
    expect: sending(kept(hello), { fields: (fields) => fields[0][0] === 'host' }),
  },
  {
    id: 'ipv6',
    rule: '9110 7.2',
    listen: '::1',
    origin: 'http://[::1]:{port}',
    play: ok(),
    expect: sending(kept(hello), { line: 'GET / HTTP/1.1', headers: { host: /^\[::1\]:\d+$/ } }),
  },
  {
    id: 'ipv6-is-shortened',
    rule: 'URL 3.5',
    listen: '::1',
    origin: 'http://[0:0:0:0:0:0:0:1]:{port}',
    play: ok(),
    expect: sending(kept(hello), { headers: { host: /^\[::1\]:\d+$/ } }),
  },
  {
    id: 'ipv4-in-other-spellings',
    rule: 'URL 3.5',
    origin: 'http://0x7f.1:{port}',
    play: ok(),
    expect: sending(kept(hello), { headers: { host: AT } }),
  },
  host('host-without-port', '9110 7.2', 'http://a.example/', 'a.example'),
  host('default-port-is-left-out', 'URL 4.2', 'http://a.example:80/', 'a.example'),
  host('port-of-the-other-scheme', '9110 4.2.1', 'http://a.example:443/', 'a.example:443'),
  host('host-in-lower-case', '9110 4.2.3', 'http://A.Example/', 'a.example'),
  host(
    'host-beyond-ascii',
    'URL 3.3: in its ASCII form',
    'http://b\u00fccher.example/',
    'xn--bcher-kva.example',
  ),
  host('host-with-a-dot-behind', '3986 3.2.2', 'http://a.example./', 'a.example.'),
  {
    id: 'user-information',
    rule: '9110 4.2.4: never part of target or Host; refused, or sent as credentials',
    ask: { method: 'GET', url: 'http://user:pass@127.0.0.1:{port}/' },
    play: ok(),
    expect: [
      sending(kept(hello), {
        line: 'GET / HTTP/1.1',
        headers: { host: AT, authorization: 'Basic dXNlcjpwYXNz' },
      }),
      sending(kept(hello), { line: 'GET / HTTP/1.1', headers: { host: AT, authorization: null } }),
      refused(),
    ],
  },
  {
    id: 'user-information-and-authorization',
    rule: "9110 11.6.2: one field; the caller's own wins, or it is refused",
    ask: {
      method: 'GET',
      url: 'http://user:pass@127.0.0.1:{port}/',
      headers: [['Authorization', 'Bearer x']],
    },
    play: ok(),
    expect: [sending(kept(hello), { headers: { authorization: 'Bearer x' } }), refused()],
  },
  ...['GET', 'DELETE', 'OPTIONS', 'FOO', 'M-SEARCH'].map((method) => ({
    id: `method-${method}`,
    rule: '9110 9.1',
    ask: ask(method),
    play: ok(),
    expect: sending(kept(hello), {
      line: `${method} / HTTP/1.1`,
      headers: {
        'content-length': (value) => value === undefined || value === '0',
        'transfer-encoding': null,
      },
    }),
  })),
  {
    id: 'method-HEAD',
    rule: '9110 9.3.2',
    ask: ask('HEAD'),
    play: ok(''),
    expect: sending(kept(headed(200)), { line: 'HEAD / HTTP/1.1' }),
  },
  {
    id: 'method-in-its-own-case',
    rule: '9110 9.1: methods are told apart by letter case',
    ask: ask('foo'),
    play: ok(),
    expect: sending(kept(hello), { line: 'foo / HTTP/1.1' }),
  },
  field('own-field', '9112 5', [['X-A', 'b']], { 'x-a': 'b' }),
  field('own-value-empty', '9110 5.5', [['X-A', '']], { 'x-a': '' }),
  field('own-value-trimmed', '9112 5.1', [['X-A', ' \tb c\t ']], { 'x-a': 'b c' }),
  field('own-value-of-obs-text', '9110 5.5', [['X-A', '\xe4\xff']], { 'x-a': '\xe4\xff' }),
  field('own-value-with-colons-and-quotes', '9112 5', [['X-A', ':"b", c;d=\'e\'']], {
    'x-a': ':"b", c;d=\'e\'',
  }),
  field(
    'own-field-twice',
    '9110 5.3: in two lines, or joined',
    [
      ['X-A', 'b'],
      ['x-a', 'c'],
    ],
    { 'x-a': 'b, c' },
  ),
  field('own-host', "9110 7.2: in the place of the URL's, or not at all", [['Host', 'a.example']], {
    host: (value) => value === 'a.example' || AT.test(value),
  }),
  field('own-user-agent', '9110 10.1.5: once', [['User-Agent', 'mine/1']], { 'user-agent': 'mine/1' }),
  field('own-accept', '9110 12.5.1: once', [['accept', 'text/plain']], { accept: 'text/plain' }),
  field('own-accept-encoding', '9110 12.5.3: once', [['accept-encoding', 'identity']], {
    'accept-encoding': 'identity',
  }),
  field('named-like-a-property', 'security: a prototype that is written to', [['constructor', 'y']], {
    constructor: 'y',
  }),
  {
    id: 'one-request-one-connection',
    rule: '9112 9.3',
    ask: [get('/one'), post('x', { path: '/two' }), get('/three')],
    plays: [[ok('one')], [ok('two')], [ok('three')]],
    expect: sending(
      on(1, kept(answered(200, 'one'), answered(200, 'two'), answered(200, 'three'))),
      { line: 'GET /one HTTP/1.1' },
      { line: 'POST /two HTTP/1.1', body: 'x' },
      { line: 'GET /three HTTP/1.1' },
    ),
  },
  {
    id: 'upgrade-says-so-in-connection',
    rule: '9110 7.8',
    needs: ['upgrade'],
    ask: get('/', { upgrade: 'foo', takes: '' }),
    play: ['HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n'],
    expect: sending(either(headed(101)), { headers: { connection: /^upgrade$/i, upgrade: 'foo' } }),
  },
]
