import { head, ok, closed, refused } from '../words.mjs'

const host = (...lines) => head('GET / HTTP/1.1', ...lines)

/** RFC 9112 section 3.2 and RFC 9110 section 7.2: which site is asked. */
export const section = 'Host'

export const cases = [
  { id: 'missing', rule: '9112 3.2', send: host(), expect: refused(400) },
  { id: 'missing-on-http-1.0', rule: '9112 3.2', send: 'GET / HTTP/1.0\r\n\r\n', expect: closed(200) },
  {
    id: 'repeated',
    rule: '9112 3.2',
    send: host('Host: a.example', 'Host: a.example'),
    expect: refused(400),
  },
  {
    id: 'repeated-and-different',
    rule: '9112 3.2',
    send: host('Host: a.example', 'Host: b.example'),
    expect: refused(400),
  },
  {
    id: 'repeated-in-other-case',
    rule: '9112 3.2',
    send: host('Host: a.example', 'hOST: b.example'),
    expect: refused(400),
  },
  {
    id: 'repeated-on-http-1.0',
    rule: 'security: two readers, two hosts',
    send: head('GET / HTTP/1.0', 'Host: a', 'Host: b'),
    expect: refused(400),
  },
  { id: 'empty', rule: '9110 7.2', send: host('Host:'), expect: ok },
  { id: 'white-space-around', rule: '9112 5.1', send: host('Host: \t a.example \t'), expect: ok },
  { id: 'with-port', rule: '9110 7.2', send: host('Host: a.example:8080'), expect: ok },
  { id: 'with-empty-port', rule: '3986 3.2.3', send: host('Host: a.example:'), expect: ok },
  { id: 'port-not-a-number', rule: '9110 7.2', send: host('Host: a.example:80x'), expect: refused(400) },
  { id: 'port-too-large', rule: '9110 4.2.1', send: host('Host: a.example:65536'), expect: refused(400) },
  { id: 'two-ports', rule: '9110 7.2', send: host('Host: a.example:80:81'), expect: refused(400) },
  { id: 'list', rule: '9110 7.2', send: host('Host: a.example, b.example'), expect: refused(400) },
  { id: 'space-inside', rule: '9110 7.2', send: host('Host: a.example b.example'), expect: refused(400) },
  { id: 'with-path', rule: '9110 7.2', send: host('Host: a.example/hidden'), expect: refused(400) },
  { id: 'with-scheme', rule: '9110 7.2', send: host('Host: http://a.example'), expect: refused(400) },
  { id: 'with-user', rule: '9110 7.2', send: host('Host: me@a.example'), expect: refused(400) },
  { id: 'with-query', rule: '9110 7.2', send: host('Host: a.example?b'), expect: refused(400) },
  { id: 'with-backslash', rule: '9110 7.2', send: host('Host: a.example\\b'), expect: refused(400) },
  { id: 'letters-beyond-ascii', rule: '3986 3.2.2', send: host('Host: \xe4.example'), expect: refused(400) },
  { id: 'percent-encoded', rule: '3986 3.2.2', send: host('Host: %61.example'), expect: ok },
  { id: 'percent-without-digits', rule: '3986 2.1', send: host('Host: %6.example'), expect: refused(400) },
  { id: 'ipv6', rule: '3986 3.2.2', send: host('Host: [2001:db8::1]:80'), expect: ok },
  { id: 'ipv6-broken', rule: '3986 3.2.2', send: host('Host: [2001:db8::1::2]'), expect: refused(400) },
  { id: 'ipv6-not-closed', rule: '3986 3.2.2', send: host('Host: [2001:db8::1'), expect: refused(400) },
  { id: 'ipv6-without-brackets', rule: '3986 3.2.2', send: host('Host: 2001:db8::1'), expect: refused(400) },
  {
    id: 'broken-beside-absolute-form',
    rule: '9112 3.2',
    send: head('GET http://a.example/ HTTP/1.1', 'Host: a b'),
    expect: refused(400),
  },
  {
    id: 'folded',
    rule: '9112 5.2',
    send: 'GET / HTTP/1.1\r\nHost: a\r\n .example\r\n\r\n',
    expect: refused(400),
  },
]
