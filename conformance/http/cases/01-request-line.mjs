import { ask, closed, either, end, get, head, hidden, kept, ok, refused } from '../words.mjs'

const HOST = 'Host: a.example'
const line = (text) => head(text, HOST)

/** RFC 9112 sections 2 and 3: the start of a message, its line, the version in it. */
export const section = 'Request line'

export const cases = [
  { id: 'plain', rule: '9112 3', send: get(), expect: kept({ status: 200, body: 'ahoy\n', version: '1.1' }) },
  { id: 'one-empty-line-before', rule: '9112 2.2', send: `\r\n${get()}`, expect: ok },
  { id: 'two-empty-lines-before', rule: '9112 2.2', send: `\r\n\r\n${get()}`, expect: [ok, refused(400)] },
  { id: 'blank-line-of-lf-before', rule: 'security: a bare LF', send: `\n${get()}`, expect: refused(400) },
  { id: 'space-before-method', rule: '9112 3', send: ` ${get()}`, expect: refused(400) },
  {
    id: 'line-ends-with-lf',
    rule: 'security: a bare LF',
    send: `GET / HTTP/1.1\n${HOST}\r\n\r\n`,
    expect: refused(400),
  },
  {
    id: 'line-ends-with-cr',
    rule: '9112 2.2',
    send: `GET / HTTP/1.1\r${HOST}\r\n\r\n`,
    expect: refused(400),
  },
  { id: 'cr-cr-lf', rule: '9112 2.2', send: `GET / HTTP/1.1\r\r\n${HOST}\r\n\r\n`, expect: refused(400) },
  { id: 'nul-before-method', rule: '9110 9.1', send: `\0${get()}`, expect: refused(400) },
  { id: 'nul-in-method', rule: '9110 9.1', send: line('G\0ET / HTTP/1.1'), expect: refused(400) },
  { id: 'nul-behind-version', rule: '9112 2.3', send: line('GET / HTTP/1.1\0'), expect: refused(400) },
  { id: 'tab-between-parts', rule: '9112 3', send: line('GET\t/\tHTTP/1.1'), expect: refused(400) },
  { id: 'two-spaces-before-target', rule: '9112 3', send: line('GET  / HTTP/1.1'), expect: refused(400) },
  { id: 'two-spaces-before-version', rule: '9112 3', send: line('GET /  HTTP/1.1'), expect: refused(400) },
  { id: 'space-behind-version', rule: '9112 3', send: line('GET / HTTP/1.1 '), expect: refused(400) },
  { id: 'four-parts', rule: '9112 3.2', send: line('GET / /hidden HTTP/1.1'), expect: refused(400) },
  { id: 'method-only', rule: '9112 3', send: line('GET'), expect: refused(400) },
  { id: 'http-0.9', rule: '9112 2.3', send: `GET /\r\n\r\n`, expect: refused(400, 505) },
  { id: 'separator-in-method', rule: '9110 9.1', send: line('GE(T / HTTP/1.1'), expect: refused(400) },
  { id: 'quotes-around-method', rule: '9110 9.1', send: line('"GET" / HTTP/1.1'), expect: refused(400) },
  { id: 'other-letters-in-method', rule: '9110 9.1', send: line('G\xc9T / HTTP/1.1'), expect: refused(400) },
  { id: 'lower-case-name-of-http', rule: '9112 2.3', send: line('GET / http/1.1'), expect: refused(400) },
  { id: 'other-name-than-http', rule: '9112 2.3', send: line('GET / HTTPS/1.1'), expect: refused(400) },
  { id: 'version-of-two-digits', rule: '9112 2.3', send: line('GET / HTTP/1.10'), expect: refused(400) },
  { id: 'version-with-leading-zero', rule: '9112 2.3', send: line('GET / HTTP/01.1'), expect: refused(400) },
  { id: 'version-without-minor', rule: '9112 2.3', send: line('GET / HTTP/1'), expect: refused(400) },
  { id: 'version-with-comma', rule: '9112 2.3', send: line('GET / HTTP/1,1'), expect: refused(400) },
  { id: 'version-with-sign', rule: '9112 2.3', send: line('GET / HTTP/+1.1'), expect: refused(400) },
  {
    id: 'higher-minor-version',
    rule: '9110 2.5',
    send: line('GET / HTTP/1.2'),
    expect: [kept({ status: 200, version: '1.1' }), refused(505)],
  },
  { id: 'major-version-2', rule: '9110 15.6.6', send: line('GET / HTTP/2.0'), expect: refused(505) },
  { id: 'major-version-0', rule: '9110 15.6.6', send: line('GET / HTTP/0.9'), expect: refused(505, 400) },
  {
    id: 'http-2-preface',
    rule: '9113 3.4',
    send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    expect: refused(505, 400),
  },
  {
    id: 'tls-hello',
    rule: 'security: another protocol',
    send: `\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03${'\x11'.repeat(64)}`,
    expect: [refused(400), closed()],
  },
  {
    id: 'proxy-protocol',
    rule: 'security: an address that nobody vouches for',
    send: `PROXY TCP4 1.2.3.4 127.0.0.1 1 2\r\n${get()}`,
    expect: refused(400),
  },
  { id: 'byte-order-mark', rule: '9112 2.2', send: `\xef\xbb\xbf${get()}`, expect: refused(400) },
  { id: 'a-status-line', rule: '9112 2.1', send: `HTTP/1.1 200 OK\r\n\r\n`, expect: refused(400, 505) },
  { id: 'line-cut-by-the-end', rule: '9112 8', send: ['GET / HTT', end], expect: [refused(400), closed()] },
  {
    id: 'hidden-behind-a-bad-line',
    rule: '9112 9.6',
    send: `nonsense\r\n\r\n${hidden}`,
    expect: refused(400),
  },
  {
    id: 'hidden-behind-cr-in-target',
    rule: 'security: request splitting',
    send: ask(`GET /?\rGET /hidden HTTP/1.1`),
    expect: refused(400),
  },
  {
    id: 'lf-in-target',
    rule: 'security: request splitting',
    send: ask(`GET /?\nX HTTP/1.1`),
    expect: refused(400),
  },
  {
    id: 'long-method',
    rule: '9110 9.1',
    send: ask(`${'M'.repeat(60)} / HTTP/1.1`),
    expect: either([404, 405, 501, 400]),
  },
]
