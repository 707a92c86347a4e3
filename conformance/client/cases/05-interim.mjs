import {
  answered,
  bytes,
  closed,
  either,
  failed,
  get,
  gone,
  head,
  kept,
  ok,
  on,
  poison,
  tunnel,
} from '../words.mjs'

const hello = answered(200, 'hello')
const interim = (line, ...fields) => head(`HTTP/1.1 ${line}`, ...fields)
const switching = interim('101 Switching Protocols', 'Connection: upgrade', 'Upgrade: foo')

/** RFC 9110 section 15.2: answers before the answer, and the one that is none. */
export const section = 'Interim'

export const cases = [
  { id: '100-unasked', rule: '9110 15.2.1', play: interim('100 Continue') + ok(), expect: kept(hello) },
  { id: '102', rule: '9110 15.2', play: interim('102 Processing') + ok(), expect: kept(hello) },
  {
    id: '103-with-fields',
    rule: '8297 2',
    play: interim('103 Early Hints', 'Link: </a>; rel=preload') + ok(),
    expect: kept(answered(200, 'hello', { headers: { link: null } })),
  },
  {
    id: 'told',
    rule: '9110 15.2',
    needs: ['informational'],
    play: interim('103 Early Hints', 'Link: </a>; rel=preload') + interim('102 Processing') + ok(),
    expect: kept(
      answered(200, 'hello', {
        informational: (them) =>
          them.map(({ status }) => status).join() === '103,102' &&
          them[0].headers.link === '</a>; rel=preload',
      }),
    ),
  },
  { id: 'not-known', rule: '9110 15.2', play: interim('199 New') + ok(), expect: kept(hello) },
  {
    id: 'several',
    rule: '9110 15.2',
    play: interim('100 Continue') + interim('103 Early Hints').repeat(5) + interim('102 Processing') + ok(),
    expect: kept(hello),
  },
  {
    id: 'with-length',
    rule: '9112 6.3: no body, whatever the fields say',
    play: interim('103 Early Hints', 'Content-Length: 5') + ok(),
    expect: [kept(hello), closed(failed())],
    ours: kept(hello),
  },
  {
    id: 'with-chunked',
    rule: '9112 6.3: no body, whatever the fields say',
    play: interim('103 Early Hints', 'Transfer-Encoding: chunked') + ok(),
    expect: [kept(hello), closed(failed())],
  },
  {
    id: 'that-asks-to-close',
    rule: '9112 9.6: close behind the message that says so; which of the two is left open',
    play: interim('102 Processing', 'Connection: close') + ok(),
    expect: [either(hello), closed(failed())],
    ours: either(hello),
  },
  {
    id: 'without-an-end',
    rule: 'security: interim answers without an end',
    play: interim('102 Processing').repeat(5000) + ok(),
    expect: [closed(failed()), kept(hello)],
    ours: closed(failed({ phase: 'headers' })),
  },
  {
    id: 'and-the-end',
    rule: '9112 8: no final answer',
    play: [interim('103 Early Hints'), { act: 'fin' }],
    expect: closed(failed({ phase: 'headers', retryable: false })),
  },
  {
    id: 'before-the-second-answer',
    rule: '9110 15.2',
    ask: [get('/one'), get('/two')],
    plays: [[ok('one')], [interim('103 Early Hints', 'X-A: b') + ok('two')]],
    expect: kept(answered(200, 'one'), answered(200, 'two', { headers: { 'x-a': null } })),
  },
  {
    id: 'behind-the-answer',
    rule: '9112 9.2: it belongs to no request',
    play: ok() + interim('103 Early Hints'),
    expect: closed(hello),
  },
  {
    id: '101-unasked',
    rule: '9110 7.8: a protocol that nobody offered',
    play: switching + ok(),
    expect: [closed(failed({ phase: 'headers' })), either(hello)],
    ours: closed(failed({ phase: 'headers' })),
  },
  {
    id: '101-unasked-with-an-answer-hidden-behind',
    rule: '9110 7.8: a protocol that nobody offered',
    ask: [get('/one'), get('/two')],
    plays: [switching + poison, ok('two')],
    expect: [
      on(2, kept(failed(), answered(200, 'two'))),
      either(answered(200, 'poison'), answered(200, 'two')),
    ],
    ours: on(2, kept(failed(), answered(200, 'two'))),
  },
  {
    id: '101-asked',
    rule: '9110 7.8',
    needs: ['upgrade'],
    ask: get('/', { upgrade: 'foo', sends: 'ahoy', takes: 'aye' }),
    play: [tunnel, switching, bytes('ahoy'), 'aye', gone],
    expect: {
      ...closed(answered(101, 'aye')),
      requests: [{ line: 'GET / HTTP/1.1', headers: { connection: /upgrade/i, upgrade: 'foo' } }],
    },
  },
  {
    id: '101-asked-with-bytes-in-its-packet',
    rule: '9110 7.8: what follows the head is the new protocol',
    needs: ['upgrade'],
    ask: get('/', { upgrade: 'foo', takes: 'HTTP/1.1 aye' }),
    play: [tunnel, `${switching}HTTP/1.1 aye`, gone],
    expect: closed(answered(101, 'HTTP/1.1 aye')),
  },
  {
    id: '101-asked-behind-103',
    rule: '9110 15.2',
    needs: ['upgrade'],
    ask: get('/', { upgrade: 'foo', takes: 'aye' }),
    play: [tunnel, `${interim('103 Early Hints') + switching}aye`, gone],
    expect: closed(answered(101, 'aye')),
  },
]
