import { ask, closed, echo, either, get, head, hidden, kept, ok } from '../words.mjs'

const WEBSOCKET = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

/** RFC 9110 section 7.8: other protocols. Nothing here takes one, so every offer is declined by going on. */
export const section = 'Upgrades'

export const cases = [
  { id: 'declined', rule: '9110 7.8', send: get(...WEBSOCKET), expect: ok },
  {
    id: 'declined-says-nothing-of-upgrade',
    rule: '9110 7.8',
    send: get(...WEBSOCKET),
    expect: kept({ status: 200, headers: { upgrade: null } }),
  },
  {
    id: 'h2c',
    rule: '9113 3.1',
    send: get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    expect: ok,
  },
  {
    id: 'tls',
    rule: '2817 3',
    send: ask('OPTIONS * HTTP/1.1', 'Connection: Upgrade', 'Upgrade: TLS/1.0'),
    expect: either([200, 204, 404, 426]),
  },
  {
    id: 'several-protocols',
    rule: '9110 7.8',
    send: get('Connection: upgrade', 'Upgrade: foo/1, bar, baz/2.0'),
    expect: ok,
  },
  { id: 'not-announced', rule: '9110 7.8', send: get('Upgrade: websocket'), expect: ok },
  { id: 'announced-and-missing', rule: '9110 7.8', send: get('Connection: upgrade'), expect: ok },
  { id: 'empty', rule: '9110 7.8', send: get('Connection: upgrade', 'Upgrade:'), expect: ok },
  {
    id: 'malformed',
    rule: '9110 7.8',
    send: get('Connection: upgrade', 'Upgrade: ;;/,/'),
    expect: [ok, closed(400)],
  },
  {
    id: 'on-http-1.0',
    rule: '9110 7.8',
    send: head('GET / HTTP/1.0', 'Connection: upgrade', 'Upgrade: websocket'),
    expect: closed(200),
  },
  {
    id: 'with-close',
    rule: '9112 9.6',
    send: get('Connection: upgrade, close', 'Upgrade: foo'),
    expect: closed(200),
  },
  {
    id: 'with-a-body',
    rule: '9110 7.8',
    send: echo('hello', 'Connection: upgrade', 'Upgrade: foo'),
    expect: kept({ status: 200, body: 'hello' }),
  },
  {
    id: 'followed-by-a-request',
    rule: '9110 7.8',
    send: get(...WEBSOCKET) + ask('GET /nowhere HTTP/1.1'),
    expect: kept(200, 404),
  },
  {
    id: 'followed-by-frames',
    rule: 'security: bytes of the next protocol',
    send: `${get(...WEBSOCKET)}\x81\x85\0\0\0\0hello`,
    expect: closed(200, 400),
  },
  {
    id: 'connect-followed-by-a-hello',
    rule: 'security: bytes of the next protocol',
    methods: ['CONNECT'],
    send: `${ask('CONNECT b.example:443 HTTP/1.1')}\x16\x03\x01\0\0`,
    expect: [closed(404, 400), closed(404)],
  },
  {
    id: 'connect-followed-by-a-request',
    rule: 'security: a tunnel that is none',
    methods: ['CONNECT'],
    send: ask('CONNECT b.example:80 HTTP/1.1') + hidden,
    expect: [closed(404), kept(404, 404)],
  },
]
