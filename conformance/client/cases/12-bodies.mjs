import {
  answered,
  ask,
  closed,
  either,
  failed,
  get,
  headed,
  kept,
  ok,
  on,
  post,
  raw,
  refused,
  sending,
} from '../words.mjs'

const hello = answered(200, 'hello')
const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at))
const large = bytes.repeat(1024)
const sent = (id, rule, what, wanted, rest = {}) => ({
  id,
  rule,
  ask: what,
  play: ok(),
  expect: sending(kept(hello), wanted),
  ...rest,
})
const none = { 'content-length': null, 'transfer-encoding': null }
const inChunks = { 'content-length': null, 'transfer-encoding': 'chunked' }

/** RFC 9112 section 6: the bodies of requests, exactly as long as they say. */
export const section = 'Bodies'

export const cases = [
  sent('get-has-none', '9110 8.6: nothing says there is one', get(), { body: '', headers: none }),
  sent('post-without-one-says-0', '9110 8.6: it should', ask('POST'), {
    body: '',
    headers: { 'content-length': '0', 'transfer-encoding': null },
  }),
  sent('put-without-one-says-0', '9110 8.6: it should', ask('PUT'), {
    body: '',
    headers: { 'content-length': '0', 'transfer-encoding': null },
  }),
  sent('text', '9110 8.6', post('body'), {
    body: 'body',
    headers: { 'content-length': '4', 'transfer-encoding': null },
  }),
  sent('every-byte-there-is', '9110 6.4', post(bytes), { body: bytes, headers: { 'content-length': '256' } }),
  sent('a-quarter-of-a-megabyte', '9110 8.6', post(large), {
    body: large,
    headers: { 'content-length': String(large.length) },
  }),
  sent('delete-with-one', '9110 9.3.5', ask('DELETE', { body: 'x' }), {
    body: 'x',
    headers: { 'content-length': '1' },
  }),
  sent('pieces', '9112 7.1', post(undefined, { pieces: ['he', 'llo'] }), {
    body: 'hello',
    headers: inChunks,
  }),
  sent('piece-that-is-empty', '9112 7.1: no last chunk', post(undefined, { pieces: ['he', '', 'llo'] }), {
    body: 'hello',
    headers: inChunks,
  }),
  sent(
    'pieces-that-look-like-chunks',
    '9112 7.1',
    post(undefined, { pieces: ['0\r\n\r\n', 'GET /hidden HTTP/1.1\r\n\r\n'] }),
    {
      body: '0\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n',
      headers: inChunks,
    },
  ),
  sent('pieces-large', '9112 7.1', post(undefined, { pieces: [large, large] }), {
    body: large + large,
    headers: inChunks,
  }),
  sent('no-pieces-at-all', '9112 7.1', post(undefined, { pieces: [] }), { body: '' }),
  sent('own-length-that-is-right', '9110 8.6', post('body', { headers: [['Content-Length', '4']] }), {
    body: 'body',
    headers: { 'content-length': '4' },
  }),
  sent(
    'own-length-of-pieces',
    '9110 8.6: as told, or in chunks',
    post(undefined, { pieces: ['bo', 'dy'], headers: [['Content-Length', '4']] }),
    { body: 'body' },
  ),
  {
    id: 'pieces-that-are-more-than-told',
    rule: '9110 8.6: a sender must not',
    ask: post(undefined, {
      pieces: ['body', 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'],
      headers: [['Content-Length', '4']],
    }),
    play: [ok()],
    expect: [
      closed(failed()),
      refused(),
      { ...either(failed()), requests: [{ line: 'POST / HTTP/1.1', body: 'body' }] },
      sending(kept(hello), { body: 'bodyGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n', headers: inChunks }),
    ],
  },
  {
    id: 'pieces-that-are-less-than-told',
    rule: '9110 8.6: a sender must not',
    ask: post(undefined, { pieces: ['bo'], headers: [['Content-Length', '4']] }),
    play: [ok()],
    expect: [closed(failed()), refused(), sending(kept(hello), { body: 'bo', headers: inChunks })],
  },
  {
    id: 'pieces-that-throw',
    rule: '9112 8: cut, and never whole',
    ask: post(undefined, { pieces: ['bo', new Error('out of paper')] }),
    play: [ok()],
    expect: closed(failed()),
  },
  {
    id: 'trailers',
    rule: '9112 7.1.2',
    needs: ['out-trailers'],
    ask: post(undefined, { pieces: ['body'], trailers: [['X-A', 'b']] }),
    play: ok(),
    expect: sending(kept(hello), {
      body: 'body',
      headers: inChunks,
      trailers: (them) => them['x-a'] === 'b',
    }),
  },
  {
    id: 'get-with-one',
    rule: '9110 9.3.1: without meaning; framed, or refused',
    ask: get('/', { body: 'x' }),
    play: ok(),
    expect: [sending(kept(hello), { line: 'GET / HTTP/1.1', body: 'x' }), refused()],
  },
  {
    id: 'one-behind-another',
    rule: '9112 6.2: not a byte of one in the other',
    ask: [post('one'), post(undefined, { pieces: ['two'] }), post('three')],
    plays: [[ok('1')], [ok('2')], [ok('3')]],
    expect: sending(
      on(1, kept(answered(200, '1'), answered(200, '2'), answered(200, '3'))),
      { body: 'one' },
      { body: 'two' },
      { body: 'three' },
    ),
  },
  {
    id: 'of-head',
    rule: '9112 6.3: its answer has none, whatever its method sends',
    ask: ask('HEAD'),
    play: [raw('', 'Content-Length: 5')],
    expect: sending(kept(headed(200)), { body: '', headers: none }),
  },
]
