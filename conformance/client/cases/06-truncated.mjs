import {
  answered,
  broken,
  chunked,
  closed,
  failed,
  fin,
  get,
  head,
  kept,
  ok,
  on,
  poison,
  post,
  raw,
  reset,
} from '../words.mjs'

const cut = (id, rule, text, body, facts) =>
  [fin, reset].map((how) => ({
    id: `${id}-${how.act}`,
    rule,
    ask: post('x'),
    play: [text, how],
    expect: on(1, closed(broken(body, facts))),
  }))
const inHead = { phase: 'headers', retryable: false }
const inBody = { phase: 'body', retryable: false }

/** RFC 9112 section 8: what ends too soon is never taken for whole, whether it ends with FIN or RST. */
export const section = 'Truncated'

export const cases = [
  ...cut('nothing', '9112 8', '', '', inHead),
  ...cut('status-line', '9112 8', 'HTTP/1.1 2', '', inHead),
  ...cut('head-at-its-last-byte', '9112 8', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r', '', inHead),
  ...cut('head-before-its-length', '9112 8', 'HTTP/1.1 200 OK\r\n', '', inHead),
  ...cut('length-without-body', '9112 8', raw('', 'Content-Length: 5'), '', inBody),
  ...cut('length-with-some-of-it', '9112 8', raw('hell', 'Content-Length: 5'), 'hell', inBody),
  ...cut('chunk-size', '9112 8', chunked('5'), '', inBody),
  ...cut('chunk-data', '9112 8', chunked('5\r\nhel'), 'hel', inBody),
  ...cut('behind-chunk-data', '9112 8', chunked('5\r\nhello'), 'hello', inBody),
  ...cut('between-chunks', '9112 8', chunked('5\r\nhello\r\n'), 'hello', inBody),
  ...cut('last-chunk', '9112 8', chunked('5\r\nhello\r\n0\r\n'), 'hello', inBody),
  ...cut('last-byte-of-all', '9112 8', chunked('5\r\nhello\r\n0\r\n\r'), 'hello', inBody),
  ...cut('trailers', '9112 8', chunked('5\r\nhello\r\n0\r\nX-A: b\r\n'), 'hello', inBody),
  {
    id: 'until-close-reset',
    rule: '9112 8: whole only when the connection was closed in order',
    ask: post('x'),
    play: [raw('hello'), reset],
    expect: closed(broken('hello', inBody)),
  },
  {
    id: 'http-1.0-with-length',
    rule: '9112 8',
    play: [head('HTTP/1.0 200 OK', 'Content-Length: 5') + 'hel', fin],
    expect: closed(broken('hel')),
  },
  {
    id: 'head-with-length-is-whole',
    rule: '9112 6.3',
    ask: { method: 'HEAD', path: '/' },
    play: [raw('', 'Content-Length: 5'), fin],
    expect: closed(answered(200, '')),
  },
  {
    id: 'and-the-next-is-unharmed',
    rule: '9112 8',
    ask: [get('/one'), get('/two')],
    plays: [[raw('hel', 'Content-Length: 5'), fin], ok('two')],
    expect: on(2, kept(broken('hel'), answered(200, 'two'))),
  },
  {
    id: 'the-rest-does-not-come-from-elsewhere',
    rule: '9112 8',
    ask: [post('x'), get('/two')],
    plays: [['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n', fin], ok('two')],
    expect: on(2, kept(failed(inHead), answered(200, 'two'))),
  },
  {
    id: 'poison-behind-a-short-body',
    rule: '9112 8',
    play: [raw(poison, `Content-Length: ${poison.length + 5}`), fin],
    expect: closed(broken(poison)),
  },
]
