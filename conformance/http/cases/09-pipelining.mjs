import { ask, chunked, closed, echo, get, head, hidden, kept, wait } from '../words.mjs'

const numbers = Array.from({ length: 100 }, (_, at) => `number ${at}`)
const missing = ask('GET /nowhere HTTP/1.1')

/** RFC 9112 section 9.3.2: requests that do not wait for answers. */
export const section = 'Pipelining'

export const cases = [
  { id: 'two', rule: '9112 9.3.2', send: get() + get(), expect: kept(200, 200) },
  { id: 'in-order', rule: '9112 9.3.2', send: get() + missing + get(), expect: kept(200, 404, 200) },
  {
    id: 'bodies-in-order',
    rule: '9112 9.3.2',
    send: numbers.map((text) => echo(text)).join(''),
    expect: kept(...numbers.map((body) => ({ status: 200, body }))),
  },
  {
    id: 'a-thousand',
    rule: '9112 9.3.2',
    send: get().repeat(1000),
    expect: kept(...Array.from({ length: 1000 }, () => 200)),
  },
  {
    id: 'chunks-and-lengths',
    rule: '9112 6.3',
    send: chunked('3\r\none\r\n0\r\nX: y\r\n\r\n') + echo('two') + get(),
    expect: kept({ status: 200, body: 'one' }, { status: 200, body: 'two' }, 200),
  },
  {
    id: 'head-between',
    rule: '9110 9.3.2',
    methods: ['GET', 'HEAD', 'GET'],
    send: get() + ask('HEAD / HTTP/1.1') + get(),
    expect: kept(200, { status: 200, body: '' }, 200),
  },
  {
    id: 'head-of-what-is-missing',
    rule: '9110 9.3.2',
    methods: ['HEAD'],
    send: ask('HEAD /nowhere HTTP/1.1') + get(),
    expect: kept({ status: 404, body: '' }, 200),
  },
  {
    id: 'error-in-the-middle',
    rule: '9112 9.3.2',
    send: `${get()}${missing}nonsense\r\n\r\n${get()}`,
    expect: closed(200, 404, 400),
  },
  {
    id: 'error-in-a-field',
    rule: '9112 9.3.2',
    send: get() + get('X : y') + hidden,
    expect: closed(200, 400),
  },
  {
    id: 'error-behind-an-echo',
    rule: '9112 9.3.2',
    send: `${echo('one')}nonsense\r\n\r\n`,
    expect: closed({ status: 200, body: 'one' }, 400),
  },
  {
    id: 'ambiguous-request-behind-a-good-one',
    rule: '9112 11.2',
    send: get() + chunked('0\r\n\r\n', 'Content-Length: 5') + hidden,
    expect: closed(200, 400),
  },
  {
    id: 'close-in-the-middle',
    rule: '9112 9.6',
    send: get() + get('Connection: close') + hidden + hidden,
    expect: closed(200, 200),
  },
  {
    id: 'http-1.0-in-the-middle',
    rule: '9112 9.3',
    send: get() + head('GET / HTTP/1.0') + hidden,
    expect: closed(200, 200),
  },
  {
    id: 'empty-lines-between',
    rule: '9112 2.2',
    send: `${get()}\r\n${get()}\r\n${get()}`,
    expect: kept(200, 200, 200),
  },
  {
    id: 'unread-body-between',
    rule: '9112 9.3',
    send: ask('POST /nowhere HTTP/1.1', `Content-Length: ${hidden.length}`) + hidden + get(),
    expect: [kept(404, 200), closed(404)],
  },
  {
    id: 'upgrade-between',
    rule: '9110 7.8',
    send: get() + get('Connection: upgrade', 'Upgrade: foo') + missing,
    expect: kept(200, 200, 404),
  },
  {
    id: 'refused-version-behind-a-good-one',
    rule: '9110 15.6.6',
    send: get() + ask('GET / HTTP/3.0'),
    expect: closed(200, 505),
  },
  {
    id: 'first-half-of-the-next',
    rule: '9112 9.3.2',
    send: [`${get()}GET /now`, wait(1), 'here HTTP/1.1\r\nHost: a.example\r\n\r\n'],
    expect: kept(200, 404),
  },
  {
    id: 'next-in-the-packet-of-a-body',
    rule: '9112 6.2',
    send: [ask('POST /echo HTTP/1.1', 'Content-Length: 5'), `hello${missing}`],
    expect: kept({ status: 200, body: 'hello' }, 404),
  },
]
