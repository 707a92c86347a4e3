import {
  at,
  each,
  echo,
  end,
  hello,
  head,
  KEY,
  nothing,
  open,
  refused,
  reset,
  text,
  gets,
} from '../words.mjs'

/** No second answer: the first one's connection was closed. */
const closed = { statuses: [] }
const takes = { expect: open() }
const no = [400, 404, 405, 426, 501]
const asks = (fields) => ({ ask: hello(fields) })
const line = (first, fields) => ({ ask: hello(fields, first) })
const raw = (bytes) => ({ ask: Buffer.from(bytes, 'latin1') })
const plain = hello().toString('latin1')

/** RFC 6455 section 4.2.1: what a client sends, and what of it makes it a handshake. */
export const section = 'Request'

export const cases = [
  { id: 'minimal', rule: '6455 4.2.1', ...echo('ahoy') },
  {
    id: 'fields-in-any-case',
    rule: '9110 5.1',
    ...raw(plain.replace(/^[\w-]+(?=:)/gm, (name) => name.toUpperCase())),
    ...takes,
  },
  { id: 'query', rule: '6455 3', ask: at('/ws?token=a&b=%20'), ...takes },
  { id: 'fragment', rule: '6455 3', ask: at('/ws#part'), expect: refused([400, 404]) },
  {
    id: 'absolute-form',
    rule: '9112 3.2.2',
    each: {
      http: line('GET http://a.example/ws HTTP/1.1'),
      host: line('GET http://b.example/ws?x HTTP/1.1'),
    },
    ...takes,
  },
  { id: 'another-path', rule: '6455 4.2.2', ask: at('/elsewhere'), expect: refused([400, 404]) },
  {
    id: 'another-method',
    rule: '6455 4.2.1',
    each: each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'], (method) => line(`${method} /ws HTTP/1.1`)),
    expect: refused(no),
  },
  {
    id: 'head',
    rule: '6455 4.2.1',
    methods: ['HEAD'],
    ask: hello({}, 'HEAD /ws HTTP/1.1'),
    expect: refused([...no, 200]),
  },
  { id: 'http-1.0', rule: '6455 4.2.1', ...line('GET /ws HTTP/1.0'), expect: refused([...no, 505]) },
  { id: 'http-2.0', rule: '9110 15.6.6', ...line('GET /ws HTTP/2.0'), expect: refused([400, 505]) },
  { id: 'host-missing', rule: '9112 3.2', ...asks({ Host: null }), expect: refused() },
  { id: 'host-repeated', rule: '9112 3.2', ...asks({ Host: ['a.example', 'b.example'] }), expect: refused() },
  {
    id: 'host-repeated-and-equal',
    rule: '9112 3.2',
    ...asks({ Host: ['a.example', 'a.example'] }),
    expect: refused(),
  },
  {
    id: 'host-malformed',
    rule: '9112 3.2',
    each: each(['a b', 'a.example/ws', 'a.example:x', 'user@a.example', 'a.example, b.example'], (Host) =>
      asks({ Host }),
    ),
    expect: refused(),
  },
  { id: 'upgrade-missing', rule: '6455 4.2.1', ...asks({ Upgrade: null }), expect: refused(no) },
  {
    id: 'upgrade-to-something-else',
    rule: '6455 4.2.1',
    each: each(['h2c', 'websockets', 'web', 'web socket', 'xwebsocket', ''], (Upgrade) => asks({ Upgrade })),
    expect: refused(no),
  },
  {
    id: 'upgrade-in-any-case',
    rule: '6455 4.2.1',
    each: each(['WebSocket', 'WEBSOCKET'], (Upgrade) => asks({ Upgrade })),
    ...takes,
  },
  {
    id: 'upgrade-in-a-list',
    rule: '9110 7.8',
    each: { one: asks({ Upgrade: 'h2c, websocket' }), lines: asks({ Upgrade: ['foo/1', 'websocket'] }) },
    ...takes,
  },
  { id: 'connection-missing', rule: '6455 4.2.1', ...asks({ Connection: null }), expect: refused(no) },
  {
    id: 'connection-without-upgrade',
    rule: '6455 4.2.1',
    each: each(['keep-alive', 'upgraded', 'close', ''], (Connection) => asks({ Connection })),
    expect: refused(no),
  },
  {
    id: 'connection-in-a-list',
    rule: '6455 4.2.1',
    each: {
      firefox: asks({ Connection: 'keep-alive, Upgrade' }),
      case: asks({ Connection: 'uPgRaDe' }),
      lines: asks({ Connection: ['keep-alive', 'Upgrade'] }),
      empty: asks({ Connection: ',, upgrade ,' }),
    },
    ...takes,
  },
  {
    id: 'version-missing',
    rule: '6455 4.4',
    ...asks({ 'Sec-WebSocket-Version': null }),
    expect: refused([400, 426]),
  },
  {
    id: 'version-we-do-not-speak',
    rule: '6455 4.4',
    each: each(['0', '7', '12', '14', '255'], (version) => asks({ 'Sec-WebSocket-Version': version })),
    expect: refused([400, 426], { 'sec-websocket-version': /(^|[ ,])13([ ,]|$)/ }),
  },
  {
    id: 'version-malformed',
    rule: '6455 4.3',
    each: each(['013', '13.0', '+13', '0x0d', '13 13', 'x', '', '256'], (version) =>
      asks({ 'Sec-WebSocket-Version': version }),
    ),
    expect: refused([400, 426]),
  },
  {
    id: 'version-repeated',
    rule: '6455 11.3.5',
    each: {
      equal: asks({ 'Sec-WebSocket-Version': ['13', '13'] }),
      other: asks({ 'Sec-WebSocket-Version': ['13', '8'] }),
      list: asks({ 'Sec-WebSocket-Version': '8, 13' }),
    },
    expect: refused([400, 426]),
  },
  { id: 'key-missing', rule: '6455 4.2.1', ...asks({ 'Sec-WebSocket-Key': null }), expect: refused() },
  { id: 'key-empty', rule: '6455 4.2.1', ...asks({ 'Sec-WebSocket-Key': '' }), expect: refused() },
  {
    id: 'key-of-another-length',
    rule: '6455 4.2.1',
    each: {
      15: asks({ 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' }),
      17: asks({ 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAAA=' }),
      4096: asks({ 'Sec-WebSocket-Key': 'A'.repeat(4096) }),
    },
    expect: refused(),
  },
  {
    id: 'key-not-in-base64',
    rule: '6455 4.3',
    each: each(
      [
        'AAAAAAAAAAAAAAAAAAAAA-==',
        'AAAAAAAAAA AAAAAAAAAAA==',
        'AAAAAAAAAAAAAAAAAAAAAA=',
        'AAAAAAAAAAAAAAAAAAAAAA',
        '!',
      ],
      (key) => asks({ 'Sec-WebSocket-Key': key }),
    ),
    expect: refused(),
  },
  {
    id: 'key-repeated',
    rule: '6455 11.3.1',
    each: {
      equal: asks({ 'Sec-WebSocket-Key': [KEY, KEY] }),
      other: asks({ 'Sec-WebSocket-Key': [KEY, 'AAAAAAAAAAAAAAAAAAAAAA=='] }),
    },
    expect: refused(),
  },
  {
    id: 'key-between-white-space',
    rule: '9110 5.5',
    ...asks({ 'Sec-WebSocket-Key': `\t ${KEY} \t` }),
    ...takes,
  },
  {
    id: 'key-all-zero-or-ones',
    rule: '6455 4.2.2',
    each: each(['AAAAAAAAAAAAAAAAAAAAAA==', '/////////////////////w=='], (key) =>
      asks({ 'Sec-WebSocket-Key': key }),
    ),
    ...takes,
  },
  {
    id: 'body-with-a-length',
    rule: 'security: a body whose bytes are taken for frames',
    ask: Buffer.concat([hello({ 'Content-Length': '10' }), text('body')]),
    expect: refused([...no, 413]),
  },
  {
    id: 'body-in-chunks',
    rule: 'security: a body whose bytes are taken for frames',
    ask: Buffer.concat([hello({ 'Transfer-Encoding': 'chunked' }), Buffer.from('5\r\nhello\r\n0\r\n\r\n')]),
    expect: refused([...no, 413]),
  },
  {
    id: 'body-in-both-framings',
    rule: '9112 6.1',
    ask: Buffer.concat([
      hello({ 'Content-Length': '5', 'Transfer-Encoding': 'chunked' }),
      Buffer.from('0\r\n\r\n'),
    ]),
    expect: refused(),
  },
  {
    id: 'body-of-no-bytes',
    rule: '9112 6.2',
    ...asks({ 'Content-Length': '0' }),
    expect: [open(), refused()],
  },
  {
    id: 'length-malformed',
    rule: '9112 6.3',
    each: each(['-1', '0x5', '1, 2', 'x'], (length) => asks({ 'Content-Length': length })),
    expect: refused(),
  },
  {
    id: 'field-malformed',
    rule: '9112 5.1',
    each: {
      'space before colon': raw(plain.replace('Upgrade:', 'Upgrade :')),
      'no colon': raw(plain.replace('Host:', 'Nonsense\r\nHost:')),
      folded: raw(plain.replace('Upgrade: ', 'Upgrade:\r\n ')),
      nul: raw(plain.replace('Host:', 'X: \0\r\nHost:')),
      'bare CR': raw(plain.replace('Host:', 'X: a\rb\r\nHost:')),
    },
    expect: refused(),
  },
  {
    id: 'origin',
    rule: '6455 10.2',
    each: each(['http://a.example', 'https://elsewhere.example:8443', 'null'], (Origin) => asks({ Origin })),
    ...takes,
  },
  {
    id: 'cookies-and-the-like',
    rule: '6455 4.1',
    ...asks({ Cookie: 'a=b', Authorization: 'Basic YTpi' }),
    ...takes,
  },
  { id: 'accept-in-a-request', rule: '6455 11.3.3', ...asks({ 'Sec-WebSocket-Accept': 'x' }), ...takes },
  {
    id: 'head-of-12-kib',
    rule: '6455 10.4',
    ...asks({ Cookie: 'c'.repeat(6000), 'X-More': 'x'.repeat(6000) }),
    ...takes,
  },
  {
    id: 'field-too-large',
    rule: '9110 5.4',
    ...asks({ Cookie: 'c'.repeat(100_000) }),
    expect: refused([400, 431]),
  },
  {
    id: 'ten-thousand-fields',
    rule: '9110 5.4',
    ask: head(
      'GET /ws HTTP/1.1',
      ...Array.from({ length: 10_000 }, (_, index) => `X-${index}: y`),
      ...plain.split('\r\n').slice(1, -2),
    ),
    expect: refused([400, 431]),
  },
  {
    id: 'target-too-long',
    rule: '9112 3',
    ask: at(`/ws?${'q'.repeat(30_000)}`),
    expect: refused([414, 431]),
  },
  {
    id: 'behind-a-request',
    rule: '9112 9.3',
    before: 1,
    ask: Buffer.concat([head('GET / HTTP/1.1', 'Host: a.example'), hello()]),
    send: text('ahoy'),
    expect: open(gets.text('ahoy')),
  },
  {
    id: 'behind-three-requests',
    rule: '9112 9.3.2',
    before: 3,
    ask: Buffer.concat([
      ...Array.from({ length: 3 }, () => head('GET / HTTP/1.1', 'Host: a.example')),
      hello(),
    ]),
    ...takes,
  },
  {
    id: 'again-after-a-refusal',
    rule: '6455 4.4',
    before: 1,
    ask: Buffer.concat([hello({ 'Sec-WebSocket-Version': '7' }), hello()]),
    expect: [open(), closed],
  },
  {
    id: 'no-handshake-at-all',
    rule: '9110 15.5.22',
    ask: head('GET /ws HTTP/1.1', 'Host: a.example'),
    expect: refused(no),
  },
  {
    id: 'cut-and-ended',
    rule: '9112 8',
    unasked: true,
    each: {
      line: { ask: Buffer.from('GET /ws HT') },
      fields: { ask: hello().subarray(0, 60) },
      'last byte': { ask: hello().subarray(0, -1) },
    },
    send: [end],
    expect: [nothing, refused([400, 408])],
  },
  {
    id: 'cut-and-reset',
    rule: '9112 8',
    alone: true,
    unasked: true,
    ask: hello().subarray(0, 60),
    send: [reset],
    expect: nothing,
  },
]
