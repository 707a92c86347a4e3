import {
  answer,
  answered,
  begun,
  broken,
  closed,
  deaf,
  either,
  failed,
  fin,
  get,
  hear,
  kept,
  ok,
  on,
  post,
  reset,
  rest,
  told,
} from '../words.mjs'

const large = 'x'.repeat(8 * 2 ** 20)
const no = (status, ...fields) => answer(`${status} No`, 'no', ...fields)
const two = answered(200, 'two')

/** RFC 9110 section 7.5 and RFC 9112 section 9.6: the answer comes while the request is still on its way. */
export const section = 'Early answers'

export const cases = [
  {
    id: '413-and-nobody-reads-on',
    rule: '9112 9.5: the client watches for an answer while it sends',
    ask: post(large),
    play: [begun, deaf, no(413, 'Connection: close'), told(1), hear],
    expect: closed(answered(413, 'no')),
  },
  {
    id: '413-to-pieces-and-nobody-reads-on',
    rule: '9112 9.5',
    ask: post(undefined, { pieces: Array.from({ length: 128 }, () => 'x'.repeat(65_536)) }),
    play: [begun, deaf, no(413, 'Connection: close'), told(1), hear],
    expect: closed(answered(413, 'no')),
  },
  {
    id: '401-and-the-end-of-the-stream',
    rule: '9112 9.6: the server goes on reading for a while',
    ask: post(large),
    play: [begun, no(401, 'Connection: close'), fin],
    expect: closed(answered(401, 'no')),
  },
  {
    id: '401-and-reset',
    rule: '9112 9.6: the answer may be lost by it',
    ask: post(large),
    play: [begun, no(401, 'Connection: close'), told(1), reset],
    expect: closed(answered(401, 'no')),
  },
  {
    id: '413-and-the-server-reads-on',
    rule: '9112 9.3: all of the body is sent, or the connection is closed',
    ask: post(large),
    play: [begun, no(413), told(1)],
    expect: either(answered(413, 'no')),
  },
  {
    id: '200-before-the-body-is-over',
    rule: '9112 9.3: all of the body is sent, or the connection is closed',
    ask: [post(large), get('/two')],
    plays: [[begun, ok('one'), told(1), rest], ok('two')],
    expect: [either(answered(200, 'one'), two)],
  },
  {
    id: 'closed-before-the-body-is-over',
    rule: '9112 8: no answer at all',
    ask: post(large),
    play: [begun, deaf, reset],
    expect: on(1, closed(failed({ retryable: false }))),
  },
  {
    id: 'half-an-answer-before-the-body-is-over',
    rule: '9112 8: cut',
    ask: post(large),
    play: [begun, 'HTTP/1.1 413 No\r\nContent-Length: 5\r\n\r\nno', fin],
    expect: closed(broken('no', { retryable: false })),
  },
  {
    id: 'a-small-body-is-no-matter',
    rule: '9112 9.3',
    ask: post('x'),
    play: [begun, no(413), rest],
    expect: kept(answered(413, 'no')),
  },
]
