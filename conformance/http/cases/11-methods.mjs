import {
  ask,
  chunked,
  closed,
  echo,
  either,
  end,
  get,
  head,
  hidden,
  kept,
  ok,
  refused,
  post,
} from '../words.mjs'

const no = [404, 405, 501]
const unknown = (line, ...fields) => ask(line, ...fields)

/** RFC 9110 section 9: what is done with a target. */
export const section = 'Methods'

export const cases = [
  {
    id: 'get',
    rule: '9110 9.3.1',
    send: get(),
    expect: kept({ status: 200, body: 'ahoy\n', headers: { 'content-length': '5' } }),
  },
  {
    id: 'head',
    rule: '9110 9.3.2',
    methods: ['HEAD'],
    send: ask('HEAD / HTTP/1.1'),
    expect: kept({ status: 200, body: '' }),
  },
  {
    id: 'head-has-the-fields-of-get',
    rule: '9110 9.3.2',
    methods: ['HEAD'],
    send: ask('HEAD / HTTP/1.1'),
    expect: kept({ status: 200, headers: { 'content-length': '5', 'content-type': 'text/plain' } }),
  },
  {
    id: 'head-on-http-1.0',
    rule: '9110 9.3.2',
    methods: ['HEAD'],
    send: head('HEAD / HTTP/1.0'),
    expect: closed({ status: 200, body: '' }),
  },
  {
    id: 'head-that-is-refused',
    rule: '9110 9.3.2',
    methods: ['HEAD'],
    send: ask('HEAD / HTTP/1.1', 'X : y'),
    expect: closed({ status: 400, body: '' }),
  },
  {
    id: 'post',
    rule: '9110 9.3.3',
    send: echo('hello', 'Content-Type: text/x-test'),
    expect: kept({ status: 200, body: 'hello', headers: { 'content-type': 'text/x-test' } }),
  },
  { id: 'post-without-a-body', rule: '9110 9.3.3', send: post(''), expect: kept({ status: 200, body: '' }) },
  {
    id: 'put',
    rule: '9110 9.3.4',
    send: unknown('PUT / HTTP/1.1', 'Content-Length: 2') + 'ab',
    expect: [kept(no), closed(no)],
  },
  {
    id: 'delete-with-a-body',
    rule: '9110 9.3.5',
    send: unknown('DELETE / HTTP/1.1', 'Content-Length: 2') + 'ab',
    expect: [kept(no), closed(no)],
  },
  {
    id: 'patch-in-chunks',
    rule: '5789 2',
    send: unknown('PATCH / HTTP/1.1', 'Transfer-Encoding: chunked') + '2\r\nab\r\n0\r\n\r\n',
    expect: [kept(no), closed(no)],
  },
  { id: 'options', rule: '9110 9.3.7', send: unknown('OPTIONS / HTTP/1.1'), expect: kept([200, 204, ...no]) },
  {
    id: 'options-asterisk-with-a-body',
    rule: '9110 9.3.7',
    send: unknown('OPTIONS * HTTP/1.1', `Content-Length: ${hidden.length}`) + hidden,
    expect: either([200, 204, ...no]),
  },
  {
    id: 'trace-echoes-no-secrets',
    rule: '9110 9.3.8',
    send: unknown('TRACE / HTTP/1.1', 'Cookie: secret'),
    expect: kept({ status: no, body: /^(?![^]*secret)/ }),
  },
  {
    id: 'lower-case-is-another-method',
    rule: '9110 9.1',
    send: unknown('get / HTTP/1.1'),
    expect: [kept(no), refused(400)],
  },
  { id: 'unknown', rule: '9110 9.1', send: unknown('BREW / HTTP/1.1'), expect: [kept(no), refused(400)] },
  {
    id: 'every-character-of-a-token',
    rule: '9110 9.1',
    send: unknown("!#$%&'*+-.^_`|~09Az / HTTP/1.1"),
    expect: [kept(no), refused(400, 501)],
  },
  {
    id: 'name-of-a-prototype',
    rule: 'security: prototype pollution',
    send: unknown('__proto__ / HTTP/1.1'),
    expect: [kept(no), refused(400)],
  },
  {
    id: 'connect',
    rule: '9110 9.3.6',
    methods: ['CONNECT'],
    send: unknown('CONNECT b.example:80 HTTP/1.1'),
    expect: either([400, 403, ...no]),
  },
  {
    id: 'connect-with-a-length',
    rule: '9110 9.3.6',
    methods: ['CONNECT'],
    send: unknown('CONNECT b.example:80 HTTP/1.1', `Content-Length: ${hidden.length}`) + hidden,
    expect: [closed([400, ...no]), kept(no)],
  },
  {
    id: 'post-to-another-path',
    rule: '9110 15.5.5',
    send: chunked('1\r\nx\r\n0\r\n\r\n').replace('/echo', '/'),
    expect: [kept(no), closed(no)],
  },
  {
    id: 'half-close-behind-head',
    rule: '9110 9.3.2',
    methods: ['HEAD'],
    send: [ask('HEAD / HTTP/1.1'), end],
    expect: closed({ status: 200, body: '' }),
  },
  {
    id: 'safe-method-with-query-like-a-request',
    rule: '9112 3.2.1',
    send: ask('GET /?GET%20/hidden%20HTTP/1.1 HTTP/1.1'),
    expect: ok,
  },
]
