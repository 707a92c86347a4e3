import {
  answer,
  answered,
  ask,
  closed,
  either,
  failed,
  get,
  headed,
  kept,
  moved,
  ok,
  on,
  post,
  raw,
  sending,
} from '../words.mjs'

const there = answered(200, 'there')
const to = (status, location = '/there', ...fields) => [moved(status, location, ...fields), ok('there')]
const secrets = [
  ['Authorization', 'Basic c2VjcmV0'],
  ['Cookie', 'a=secret'],
  ['X-A', 'b'],
]

/** How status and method change the request that follows. */
const follows = (id, rule, status, method, then, body) => ({
  id,
  rule,
  ask: ask(method, body === undefined ? {} : { body, headers: [['Content-Type', 'text/plain']] }),
  plays: to(status),
  expect: sending(
    either(method === 'HEAD' ? headed(200) : there),
    { line: `${method} / HTTP/1.1` },
    {
      line: `${then} /there HTTP/1.1`,
      body: then === method ? (body ?? '') : '',
      headers:
        then === method ? {} : { 'content-type': null, 'content-length': null, 'transfer-encoding': null },
    },
  ),
  ...(method === 'HEAD' && { plays: [moved(status, '/there'), raw('', 'Content-Length: 5')] }),
})

/** Not a redirect: the answer is the answer. */
const stays = (id, rule, text, report, rest = {}) => ({
  id,
  rule,
  play: text,
  expect: on(1, kept(report)),
  ...rest,
})

/** Where a Location points to, seen from `/a/b?c`. */
const located = (id, rule, location, line, rest = {}) => ({
  id,
  rule,
  ask: get('/a/b?c'),
  plays: to(302, location),
  expect: sending(either(there), { line: 'GET /a/b?c HTTP/1.1' }, { line: `GET ${line} HTTP/1.1` }),
  ...rest,
})

/** Followed nowhere: an error, or the redirect itself. */
const nowhere = (id, rule, location) => ({
  id,
  rule,
  play: moved(302, location),
  expect: [
    sending(either(failed()), { line: 'GET / HTTP/1.1' }),
    sending(either(headed(302)), { line: 'GET / HTTP/1.1' }),
  ],
})

/** RFC 9110 section 15.4 and section 4.4 of the Fetch Standard. */
export const section = 'Redirects'
export const needs = ['redirects']

export const cases = [
  follows('301-get', '9110 15.4.2', 301, 'GET', 'GET'),
  follows('302-get', '9110 15.4.3', 302, 'GET', 'GET'),
  follows('303-get', '9110 15.4.4', 303, 'GET', 'GET'),
  follows('307-get', '9110 15.4.8', 307, 'GET', 'GET'),
  follows('308-get', '9110 15.4.9', 308, 'GET', 'GET'),
  follows('301-post-becomes-get', 'Fetch 4.4', 301, 'POST', 'GET', 'body'),
  follows('302-post-becomes-get', 'Fetch 4.4', 302, 'POST', 'GET', 'body'),
  follows('303-post-becomes-get', '9110 15.4.4', 303, 'POST', 'GET', 'body'),
  follows('307-post-stays', '9110 15.4.8', 307, 'POST', 'POST', 'body'),
  follows('308-post-stays', '9110 15.4.9', 308, 'POST', 'POST', 'body'),
  follows('301-put-stays', '9110 15.4.2: POST alone may change', 301, 'PUT', 'PUT', 'body'),
  follows('302-delete-stays', '9110 15.4.3: POST alone may change', 302, 'DELETE', 'DELETE'),
  follows('303-put-becomes-get', '9110 15.4.4', 303, 'PUT', 'GET', 'body'),
  follows('303-head-stays', 'Fetch 4.4', 303, 'HEAD', 'HEAD'),
  follows('302-head-stays', '9110 15.4.3', 302, 'HEAD', 'HEAD'),
  {
    id: '300-is-a-choice',
    rule: '9110 15.4.1: a client may follow it; Fetch 2.2.6 does not',
    plays: to(300),
    expect: [kept(headed(300)), either(there)],
    ours: on(1, kept(headed(300))),
  },
  stays('304-is-none', 'Fetch 2.2.6', 'HTTP/1.1 304 Not Modified\r\nLocation: /there\r\n\r\n', headed(304)),
  stays('305-is-deprecated', '9110 15.4.6', moved(305, 'http://127.0.0.1:{other}/'), headed(305)),
  stays('306-is-unused', '9110 15.4.7', moved(306, '/there'), headed(306)),
  stays('201-is-none', '9110 15.3.2', moved(201, '/there'), headed(201)),
  stays('302-without-location', 'Fetch 4.4', answer('302 Found', 'here'), answered(302, 'here')),
  stays('not-followed', '9110 15.4', answer('302 Found', 'here', 'Location: /there'), headed(302), {
    ask: get('/', { redirects: 0 }),
  }),
  located('path-from-the-root', '3986 5.2', '/x/y', '/x/y'),
  located('path-from-here', '3986 5.2', 'x', '/a/x'),
  located('path-with-dots', '3986 5.2', '../x/./y', '/x/y'),
  located('query-alone', '3986 5.2', '?x=y', '/a/b?x=y'),
  located('empty', '3986 5.2: the same again', '', '/a/b?c'),
  located('absolute', '3986 5.2', 'http://127.0.0.1:{port}/x', '/x'),
  located('without-scheme', '3986 5.2', '//127.0.0.1:{port}/x', '/x'),
  located('fragment-is-not-sent', '9110 7.1', '/x#part', '/x'),
  located('fragment-of-the-first-is-not-sent', '9110 10.2.2', '/x', '/x', { ask: get('/a/b?c#part') }),
  located('space-in-it', 'Fetch 2.2.6: read as a URL', '/x y', '/x%20y'),
  located('white-space-around', '9112 5.1', '  /x  ', '/x'),
  located(
    'octets-above-ascii',
    'Fetch 2.2.6: escaped as they are, or as the characters they stand for',
    '/\xc3\xa4',
    '',
    {
      expect: sending(either(there), {}, { line: /^GET \/%C3(?:%83%C2)?%A4 HTTP\/1\.1$/ }),
      ours: sending(either(there), {}, { line: 'GET /%C3%A4 HTTP/1.1' }),
    },
  ),
  located('escapes-are-left', '3986 6.2.2', '/%7Ex%2Fy', '/%7Ex%2Fy'),
  nowhere('no-url', 'Fetch 4.4', 'http://[/'),
  nowhere('bad-port', 'Fetch 4.4', 'http://127.0.0.1:99999/'),
  nowhere('file', 'Fetch 4.4: HTTP alone', 'file:///etc/passwd'),
  nowhere('data', 'Fetch 4.4: HTTP alone', 'data:text/plain,poison'),
  nowhere('javascript', 'Fetch 4.4: HTTP alone', 'javascript:alert(1)'),
  nowhere('ftp', 'Fetch 4.4: HTTP alone', 'ftp://127.0.0.1:{port}/'),
  nowhere('unix', 'Fetch 4.4: HTTP alone', 'unix:/run/docker.sock'),
  {
    id: 'user-information',
    rule: '9110 4.2.4: an error; not sent as part of the target or of Host in any case',
    plays: to(302, 'http://user:secret@127.0.0.1:{port}/x'),
    expect: [
      sending(either(failed()), { line: 'GET / HTTP/1.1' }),
      sending(
        either(there),
        { line: 'GET / HTTP/1.1' },
        { line: 'GET /x HTTP/1.1', headers: { host: /^127\.0\.0\.1:\d+$/ } },
      ),
    ],
    ours: sending(either(failed()), { line: 'GET / HTTP/1.1' }),
  },
  {
    id: 'location-twice',
    rule: '9110 5.3: one is allowed; never one that is made of both',
    plays: to(302, '/x', 'Location: /y'),
    expect: [
      sending(either(failed()), { line: 'GET / HTTP/1.1' }),
      sending(either(headed(302)), { line: 'GET / HTTP/1.1' }),
      sending(either(there), { line: 'GET / HTTP/1.1' }, { line: /^GET \/[xy] / }),
    ],
  },
  {
    id: 'three-in-a-row',
    rule: '9110 15.4',
    plays: [moved(301, '/1'), moved(302, '/2'), moved(307, '/3'), ok('there')],
    expect: sending(
      kept(there),
      { line: 'GET / HTTP/1.1' },
      { line: 'GET /1 HTTP/1.1' },
      { line: 'GET /2 HTTP/1.1' },
      { line: 'GET /3 HTTP/1.1' },
    ),
  },
  {
    id: 'loop',
    rule: '9110 15.4: a client should detect it',
    plays: Array.from({ length: 100 }, () => moved(302, '/')),
    expect: [either(failed()), either(headed(302))],
    ours: either(failed()),
  },
  {
    id: 'without-an-end',
    rule: '9110 15.4: a client should detect it',
    plays: Array.from({ length: 100 }, (_, at) => moved(302, `/${at}`)),
    expect: [either(failed()), either(headed(302))],
    ours: either(failed()),
  },
  {
    id: 'to-where-it-was',
    rule: '9110 15.4: the same target again may be a loop, and is none yet',
    plays: [moved(302, '/', 'Set-Cookie: a=b'), ok('there')],
    expect: [either(there), either(failed())],
    ours: either(there),
  },
  {
    id: 'secrets-stay-within-the-origin',
    rule: 'Fetch 4.4',
    ask: get('/', { headers: secrets }),
    plays: to(302, 'http://127.0.0.1:{port}/x'),
    expect: sending(
      either(there),
      { line: 'GET / HTTP/1.1' },
      {
        line: 'GET /x HTTP/1.1',
        headers: { authorization: 'Basic c2VjcmV0', cookie: 'a=secret', 'x-a': 'b' },
      },
    ),
  },
  {
    id: 'secrets-are-not-for-another-port',
    rule: 'Fetch 4.4; 9110 15.4',
    ask: get('/', { headers: secrets }),
    plays: [moved(302, 'http://127.0.0.1:{other}/x'), ok('there')],
    expect: sending(
      either(there),
      { line: 'GET / HTTP/1.1', at: 1 },
      {
        line: 'GET /x HTTP/1.1',
        at: 2,
        headers: { authorization: null, cookie: null, 'x-a': 'b' },
      },
    ),
  },
  {
    id: 'secrets-are-not-for-another-host',
    rule: 'Fetch 4.4; 9110 15.4',
    ask: get('/', { headers: secrets }),
    plays: [moved(307, 'http://localhost:{port}/x'), ok('there')],
    expect: sending(
      either(there),
      { line: 'GET / HTTP/1.1', at: 1 },
      {
        line: 'GET /x HTTP/1.1',
        at: 2,
        headers: { host: /^localhost:/, authorization: null, cookie: null },
      },
    ),
  },
  {
    id: 'secrets-do-not-come-back',
    rule: 'Fetch 4.4: what was taken off stays off',
    ask: get('/', { headers: secrets }),
    plays: [moved(302, 'http://127.0.0.1:{other}/x'), moved(302, 'http://127.0.0.1:{port}/y'), ok('there')],
    expect: sending(
      either(there),
      { line: 'GET / HTTP/1.1' },
      { line: (line) => /^GET \/[xy] /.test(line), headers: { authorization: null, cookie: null } },
      { line: (line) => /^GET \/[xy] /.test(line), headers: { authorization: null, cookie: null } },
    ),
  },
  {
    id: 'secrets-are-not-for-plain-http',
    rule: 'Fetch 4.4: another scheme is another origin',
    needs: ['connect'],
    origin: 'https://a.example',
    ask: get('/', { headers: [...secrets, ['Referer', 'https://a.example/secret']] }),
    plays: [moved(302, 'http://a.example/x'), ok('there')],
    expect: sending(
      either(there),
      { line: 'GET / HTTP/1.1', at: 1 },
      { line: 'GET /x HTTP/1.1', at: 2, headers: { authorization: null, cookie: null } },
    ),
  },
  {
    id: 'host-is-that-of-the-new-origin',
    rule: '9110 7.2',
    ask: get('/', { headers: [['Host', 'a.example']] }),
    plays: [moved(302, 'http://127.0.0.1:{other}/x'), ok('there')],
    expect: [
      sending(
        either(there),
        { headers: { host: 'a.example' }, at: 1 },
        { headers: { host: /^127\.0\.0\.1:\d+$/ }, at: 2 },
      ),
      // Fetch forbids the field: it is not the caller's to say.
      sending(
        either(there),
        { headers: { host: /^127\.0\.0\.1:\d+$/ }, at: 1 },
        { headers: { host: /^127\.0\.0\.1:\d+$/ }, at: 2 },
      ),
    ],
  },
  {
    id: '307-with-a-stream',
    rule: 'Fetch 4.4: it cannot be sent twice, and never as if it were empty',
    ask: post(undefined, { pieces: ['bo', 'dy'] }),
    play: [moved(307, '/there')],
    expect: [sending(either(failed()), { body: 'body' }), sending(either(headed(307)), { body: 'body' })],
  },
  {
    id: '303-with-a-stream',
    rule: '9110 15.4.4',
    ask: post(undefined, { pieces: ['bo', 'dy'] }),
    plays: to(303),
    expect: sending(either(there), { body: 'body' }, { line: 'GET /there HTTP/1.1', body: '' }),
  },
  {
    id: 'body-of-the-redirect-is-passed-over',
    rule: '9110 15.4',
    plays: [[answer('302 Found', 'elsewhere', 'Location: /there')], [ok('there')]],
    expect: sending(either(there), { line: 'GET / HTTP/1.1' }, { line: 'GET /there HTTP/1.1' }),
  },
  {
    id: 'behind-connection-close',
    rule: '9112 9.6',
    plays: [moved(302, '/there', 'Connection: close'), ok('there')],
    expect: sending(on(2, kept(there)), { at: 1 }, { line: 'GET /there HTTP/1.1', at: 2 }),
  },
  {
    id: 'that-is-malformed',
    rule: '9112 5.1: no redirect at all',
    play: moved(302, '/there', 'X A: b'),
    expect: sending(closed(failed()), { line: 'GET / HTTP/1.1' }),
  },
  {
    id: 'line-ends-in-disguise',
    rule: 'security: a Location that becomes a request of its own',
    plays: to(302, '/x\t HTTP/1.1 X: y'),
    expect: [
      sending(either(there), {}, { line: /^GET \/x(?:%09)?%20HTTP\/1\.1%20X:%20y HTTP\/1\.1$/ }),
      either(failed()),
    ],
  },
]
