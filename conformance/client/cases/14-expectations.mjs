import { answer, answered, begun, either, head, kept, ok, post, rest, sending, still } from '../words.mjs'

const go = head('HTTP/1.1 100 Continue')
const hello = answered(200, 'hello')
const waiting = (body = 'body', expect = true) => post(body, { expect })
const asked = { line: 'POST / HTTP/1.1', headers: { expect: '100-continue' } }

/** RFC 9110 section 10.1.1: a body that waits until it is wanted. */
export const section = 'Expectations'
export const needs = ['expect']

export const cases = [
  {
    id: '100',
    rule: '9110 10.1.1',
    ask: waiting(),
    play: [begun, still, go, rest, ok()],
    expect: sending(kept(hello), { ...asked, body: 'body' }),
  },
  {
    id: '100-for-pieces',
    rule: '9110 10.1.1',
    ask: post(undefined, { pieces: ['bo', 'dy'], expect: true }),
    play: [begun, still, go, rest, ok()],
    expect: sending(kept(hello), { ...asked, body: 'body' }),
  },
  {
    id: '103-is-not-100',
    rule: '9110 10.1.1',
    ask: waiting(),
    play: [begun, head('HTTP/1.1 103 Early Hints'), still, go, rest, ok()],
    expect: sending(kept(hello), { ...asked, body: 'body' }),
  },
  {
    id: '100-twice',
    rule: '9110 15.2.1',
    ask: waiting(),
    play: [begun, go, rest, go + ok()],
    expect: sending(kept(hello), { ...asked, body: 'body' }),
  },
  {
    id: 'silence',
    rule: '9110 10.1.1: not to wait for ever',
    ask: waiting('body', 30),
    play: [begun, rest, ok()],
    expect: sending(kept(hello), { ...asked, body: 'body' }),
  },
  {
    id: '401-in-its-place',
    rule: '9110 10.1.1: the body is left out, and the connection closed, or it is sent',
    ask: waiting(),
    play: [begun, still, answer('401 Unauthorized', 'no')],
    expect: either(answered(401, 'no')),
  },
  {
    id: '401-in-its-place-and-close',
    rule: '9110 10.1.1',
    ask: waiting(),
    play: [begun, still, answer('401 Unauthorized', 'no', 'Connection: close')],
    expect: { reports: [answered(401, 'no')], after: 'closed' },
  },
  {
    id: '200-in-its-place',
    rule: '9110 10.1.1',
    ask: waiting(),
    play: [begun, still, ok()],
    expect: either(hello),
  },
  {
    id: '417',
    rule: '9110 15.5.18: may be asked again without',
    ask: waiting(),
    plays: [[begun, still, answer('417 Expectation Failed', 'no', 'Connection: close')], ok()],
    expect: [
      either(answered(417, 'no')),
      sending(either(hello), asked, { headers: { expect: null }, body: 'body' }),
    ],
  },
  {
    id: 'none-without-a-body',
    rule: '9110 10.1.1: a client must not',
    ask: { method: 'GET', path: '/', expect: true },
    play: [ok()],
    expect: [
      sending(kept(hello), { line: 'GET / HTTP/1.1', headers: { expect: null } }),
      { reports: [{ failed: true }], after: 'either', connections: 0 },
    ],
  },
]
