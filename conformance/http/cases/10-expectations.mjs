import {
  ask,
  chunked,
  closed,
  echo,
  either,
  get,
  head,
  hidden,
  kept,
  ok,
  post,
  refused,
  wait,
} from '../words.mjs'

const EXPECT = 'Expect: 100-continue'
const hello = { status: 200, body: 'hello' }

/** RFC 9110 section 10.1.1: a client that asks before it sends. */
export const section = 'Expectations'

export const cases = [
  {
    id: 'continue',
    rule: '9110 10.1.1',
    send: [post('', 'Content-Length: 5', EXPECT), wait(1), 'hello'],
    expect: kept(100, hello),
  },
  {
    id: 'continue-chunked',
    rule: '9110 10.1.1',
    send: [chunked('', EXPECT), wait(1), '5\r\nhello\r\n0\r\n\r\n'],
    expect: kept(100, hello),
  },
  {
    id: 'continue-in-any-case',
    rule: '9110 10.1.1',
    send: [post('', 'Content-Length: 5', 'eXPECT: 100-CONTINUE'), wait(1), 'hello'],
    expect: kept(100, hello),
  },
  {
    id: 'body-sent-without-waiting',
    rule: '9110 10.1.1',
    send: echo('hello', EXPECT),
    expect: [kept(hello), kept(100, hello)],
  },
  {
    id: 'not-to-http-1.0',
    rule: '9110 10.1.1',
    send: head('POST /echo HTTP/1.0', 'Content-Length: 5', EXPECT) + 'hello',
    expect: closed(hello),
  },
  { id: 'not-without-a-body', rule: '9110 10.1.1', send: get(EXPECT), expect: [ok, kept(100, 200)] },
  {
    id: 'not-for-an-empty-body',
    rule: '9110 10.1.1',
    send: echo('', EXPECT),
    expect: [kept(200), kept(100, 200)],
  },
  {
    id: 'final-answer-instead',
    rule: '9110 10.1.1',
    send: [ask('POST /nowhere HTTP/1.1', 'Content-Length: 5', EXPECT), wait(1)],
    expect: closed(404),
  },
  {
    id: 'unsent-body-is-not-waited-for',
    rule: 'security: a request taken for a body',
    send: [ask('POST /nowhere HTTP/1.1', `Content-Length: ${hidden.length}`, EXPECT), wait(1), hidden],
    expect: [closed(404), kept(404), closed(404, 404)],
  },
  {
    id: 'too-large-is-refused-first',
    rule: '9110 15.5.14',
    send: [post('', 'Content-Length: 99999999999', EXPECT), wait(1)],
    expect: refused(413),
  },
  {
    id: 'unknown-expectation',
    rule: '9110 10.1.1',
    send: get('Expect: the-unexpected'),
    expect: [ok, either(417)],
  },
  {
    id: 'unknown-expectation-beside',
    rule: '9110 10.1.1',
    send: echo('hello', 'Expect: 100-continue, foo=bar'),
    expect: [kept(hello), kept(100, hello), either(417)],
  },
  {
    id: 'malformed-request-gets-no-continue',
    rule: '9110 10.1.1',
    send: [post('', 'Content-Length: 5', EXPECT, 'X : y')],
    expect: refused(400),
  },
  {
    id: 'behind-another-request',
    rule: '9112 9.3.2',
    send: [get() + post('', 'Content-Length: 5', EXPECT), wait(2), 'hello'],
    expect: kept(200, 100, hello),
  },
  {
    id: 'continue-has-no-body',
    rule: '9110 15.2',
    send: [post('', 'Content-Length: 5', EXPECT), wait(1), 'hello'],
    expect: kept({ status: 100, headers: { 'content-length': null, 'transfer-encoding': null } }, hello),
  },
  {
    id: 'body-in-two-parts',
    rule: '9110 10.1.1',
    send: [post('', 'Content-Length: 5', EXPECT), wait(1), 'he', 'llo'],
    expect: kept(100, hello),
  },
]
