import { answered, broken, closed, either, failed, head, kept, ok } from '../words.mjs'

const hello = answered(200, 'hello')
const line = (text, body = 'hello') => `${text}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const malformed = (id, text, rule = '9112 4') => ({
  id,
  rule,
  play: line(text),
  expect: closed(failed({ phase: 'headers' })),
})

/** RFC 9112 section 4: what an answer begins with. */
export const section = 'Status line'

export const cases = [
  { id: 'ok', rule: '9112 4', play: ok(), expect: kept(hello) },
  {
    id: 'reason',
    rule: '9112 4',
    needs: ['reason'],
    play: line('HTTP/1.1 200 Very Well'),
    expect: kept(answered(200, 'hello', { reason: 'Very Well' })),
  },
  { id: 'reason-empty', rule: '9112 4', play: line('HTTP/1.1 200 '), expect: kept(hello) },
  { id: 'reason-of-obs-text', rule: '9112 4', play: line('HTTP/1.1 200 \xc3\xa4'), expect: kept(hello) },
  { id: 'reason-with-tab', rule: '9112 4', play: line('HTTP/1.1 200 a\tb'), expect: kept(hello) },
  {
    id: 'reason-missing-with-its-space',
    rule: '9112 4: a server must send the space, a client may do without',
    play: line('HTTP/1.1 200'),
    expect: [kept(hello), closed(failed())],
  },
  {
    id: 'reason-that-is-no-number',
    rule: '9112 4: a client should ignore it',
    play: line('HTTP/1.1 200 404 Not Found'),
    expect: kept(hello),
  },
  {
    id: 'status-that-is-not-known',
    rule: '9110 15',
    play: line('HTTP/1.1 299 New'),
    expect: kept(answered(299, 'hello')),
  },
  {
    id: 'status-of-an-error-that-is-not-known',
    rule: '9110 15',
    play: line('HTTP/1.1 499 New'),
    expect: kept(answered(499, 'hello')),
  },
  {
    id: 'status-beyond-599',
    rule: '9110 15: invalid, and should be taken for 5xx',
    play: line('HTTP/1.1 699 New'),
    expect: [either(answered([699, 500], 'hello')), closed(failed())],
  },
  {
    id: 'minor-version-above-1',
    rule: '9110 2.5: processed as the highest that is understood',
    play: line('HTTP/1.9 200 OK'),
    expect: [either(hello), closed(failed())],
  },
  malformed('status-of-two-digits', 'HTTP/1.1 20 OK'),
  malformed('status-of-four-digits', 'HTTP/1.1 2000 OK'),
  malformed('status-with-letter', 'HTTP/1.1 2o0 OK'),
  malformed('status-below-100', 'HTTP/1.1 099 OK', '9110 15'),
  malformed('status-missing', 'HTTP/1.1 OK'),
  malformed('two-spaces-before-the-status', 'HTTP/1.1  200 OK'),
  malformed('tab-for-a-space', 'HTTP/1.1\t200 OK'),
  malformed('white-space-before-the-version', ' HTTP/1.1 200 OK'),
  malformed('version-in-lower-case', 'http/1.1 200 OK', '9112 2.3'),
  malformed('version-2.0', 'HTTP/2.0 200 OK', '9112 2.3'),
  malformed('version-0.9', 'HTTP/0.9 200 OK', '9112 2.3'),
  malformed('version-of-two-digits', 'HTTP/1.10 200 OK', '9112 2.3'),
  malformed('version-without-minor', 'HTTP/1 200 OK', '9112 2.3'),
  malformed('icy', 'ICY 200 OK', '9112 2.3'),
  malformed('other-protocol', 'RTSP/1.0 200 OK', '9112 2.3'),
  malformed('request-for-an-answer', 'GET / HTTP/1.1'),
  {
    id: 'nul-in-the-reason',
    rule: '9112 4: not in the grammar; a client should ignore a reason',
    play: line('HTTP/1.1 200 a\0b'),
    expect: [kept(hello), closed(failed())],
    ours: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'bare-cr-in-the-reason',
    rule: '9112 2.2: refused, or taken for a space',
    play: line('HTTP/1.1 200 a\rb'),
    expect: [kept(hello), closed(failed())],
    ours: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'body-without-a-head',
    rule: '9112 2.3: HTTP/0.9 is not spoken',
    play: '<html>hello</html>\r\n\r\n',
    expect: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'empty-line-before',
    rule: '9112 2.2: tolerated before a request, not known before an answer',
    play: `\r\n${ok()}`,
    expect: [kept(hello), closed(failed())],
  },
  {
    id: 'field-in-its-place',
    rule: '9112 4',
    play: head('Content-Length: 5', 'HTTP/1.1 200 OK') + 'hello',
    expect: closed(broken()),
  },
]
