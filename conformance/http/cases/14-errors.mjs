import { ask, closed, echo, get, head, kept } from '../words.mjs'

const DATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/
const CLOSE = /^close$/i
const bad = (fields, rest) => closed({ status: 400, headers: fields, ...rest })

/** What the server's own answers look like. */
export const section = 'Own answers'

export const cases = [
  { id: 'date', rule: '9110 6.6.1', send: get(), expect: kept({ status: 200, headers: { date: DATE } }) },
  { id: 'date-of-a-refusal', rule: '9110 6.6.1', send: get('X : y'), expect: bad({ date: DATE }) },
  { id: 'close-of-a-refusal', rule: '9112 9.6', send: get('X : y'), expect: bad({ connection: CLOSE }) },
  { id: 'length-of-a-refusal', rule: '9112 6.3', send: get('X : y'), expect: bad({}, { framing: 'length' }) },
  { id: 'version-of-a-refusal', rule: '9110 2.5', send: 'x\r\n\r\n', expect: bad({}, { version: '1.1' }) },
  {
    id: 'version-told-to-http-1.0',
    rule: '9110 2.5',
    send: head('GET / HTTP/1.0'),
    expect: closed({ status: 200, version: '1.1' }),
  },
  {
    id: 'refusal-repeats-nothing',
    rule: 'security: reflection',
    send: get('X<script>: y'),
    expect: bad({ 'x-script': null }, { body: /^(?![^]*script)/ }),
  },
  {
    id: 'not-found-repeats-nothing',
    rule: 'security: reflection',
    send: ask("GET /'-alert(1)-' HTTP/1.1"),
    expect: kept({ status: 404, body: /^(?![^]*alert)/ }),
  },
  {
    id: 'refusal-is-no-html',
    rule: 'security: reflection',
    send: get('X : y'),
    expect: [bad({ 'content-type': /^text\/plain/ }), bad({ 'content-type': null })],
  },
  {
    id: 'close-of-414',
    rule: '9112 9.6',
    send: ask(`GET /${'a'.repeat(30_000)} HTTP/1.1`),
    expect: closed({ status: [414, 431], headers: { connection: CLOSE } }),
  },
  {
    id: 'close-of-431',
    rule: '9112 9.6',
    send: get(`X: ${'y'.repeat(30_000)}`),
    expect: closed({ status: 431, headers: { connection: CLOSE } }),
  },
  {
    id: 'close-of-505',
    rule: '9112 9.6',
    send: ask('GET / HTTP/3.0'),
    expect: closed({ status: 505, headers: { connection: CLOSE } }),
  },
  {
    id: 'close-of-501',
    rule: '9112 9.6',
    send: ask('POST /echo HTTP/1.1', 'Transfer-Encoding: gzip, chunked'),
    expect: closed({ status: 501, headers: { connection: CLOSE } }),
  },
  {
    id: 'date-of-what-is-not-found',
    rule: '9110 6.6.1',
    send: ask('GET /nowhere HTTP/1.1'),
    expect: kept({ status: 404, headers: { date: DATE } }),
  },
  {
    id: 'one-framing-each',
    rule: '9112 6.1',
    send: echo('hello'),
    expect: kept({ status: 200, framing: 'length', headers: { 'transfer-encoding': null } }),
  },
  {
    id: 'nothing-about-the-software',
    rule: '9110 10.2.4',
    send: get(),
    expect: kept({ status: 200, headers: { server: null, 'x-powered-by': null } }),
  },
  {
    id: 'field-of-the-client-cannot-split-an-answer',
    rule: 'security: response splitting',
    send: echo('hello', 'Content-Type: a/b;\x80 x'),
    expect: kept({ status: 200, headers: { 'content-type': 'a/b;\x80 x' } }),
  },
]
