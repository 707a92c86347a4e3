import {
  abort,
  answered,
  ask,
  begun,
  broken,
  chunked,
  either,
  failed,
  get,
  gone,
  headed,
  kept,
  moved,
  ok,
  on,
  post,
  raw,
  told,
} from '../words.mjs'

const two = answered(200, 'two')
const given = { reason: true }
const waiting = (first, ...script) => ({
  ask: [{ ...first, abort: 'cue' }, get('/two')],
  plays: [[...script, abort, gone], [ok('two')]],
  expect: on(2, kept(failed(given), two)),
})
const reading = (first, play) => ({
  ask: [first, get('/two')],
  plays: [[play, gone], [ok('two')]],
})
const endless = `5\r\nhello\r\n`

/** The caller gives up: the connection is closed at once, and nobody else is harmed. Section 2.1 of DOM's aborting. */
export const section = 'Aborts'

export const cases = [
  {
    id: 'before',
    rule: 'Fetch 5.6: nothing is asked',
    ask: get('/', { abort: 'before' }),
    play: ok(),
    expect: on(0, either(failed(given))),
  },
  {
    id: 'before-with-a-body',
    rule: 'Fetch 5.6: nothing is asked',
    ask: post('x', { abort: 'before' }),
    play: ok(),
    expect: on(0, either(failed(given))),
  },
  {
    id: 'before-on-a-connection-that-is-there',
    rule: 'Fetch 5.6: nothing is asked',
    ask: [get('/one'), get('/two', { abort: 'before' })],
    play: ok('one'),
    expect: {
      ...on(1, kept(answered(200, 'one'), failed(given))),
      requests: [{ line: 'GET /one HTTP/1.1' }],
    },
  },
  { id: 'waiting-for-the-answer', rule: 'Fetch 5.6', ...waiting(get('/one')) },
  {
    id: 'waiting-for-the-rest-of-a-head',
    rule: 'Fetch 5.6',
    ...waiting(get('/one'), 'HTTP/1.1 200 OK\r\nX-A: '),
  },
  {
    id: 'behind-an-interim-answer',
    rule: 'Fetch 5.6',
    ...waiting(get('/one'), 'HTTP/1.1 103 Early Hints\r\n\r\n'),
  },
  { id: 'waiting-for-the-answer-to-post', rule: 'Fetch 5.6', ...waiting(post('x')) },
  {
    id: 'waiting-on-a-reused-connection',
    rule: 'Fetch 5.6: given up is not sent again',
    ask: [get('/one'), get('/one', { abort: 'cue' }), get('/two')],
    plays: [ok('one'), [abort, gone], ok('two')],
    expect: on(2, kept(answered(200, 'one'), failed(given), two)),
  },
  {
    id: 'while-a-body-is-sent',
    rule: 'Fetch 5.6',
    ask: [post('x'.repeat(8 * 2 ** 20), { abort: 'cue' }), get('/two')],
    plays: [[begun, { act: 'deaf' }, abort, told(1), { act: 'hear' }, gone], ok('two')],
    expect: on(2, kept(failed(given), two)),
  },
  {
    id: 'at-the-second-hop',
    rule: 'Fetch 5.6',
    needs: ['redirects'],
    ask: [get('/one', { abort: 'cue' }), get('/two')],
    plays: [moved(302, '/there'), [abort, gone], ok('two')],
    expect: on(2, kept(failed(given), two)),
  },
  {
    id: 'in-the-body',
    rule: 'Fetch 5.6',
    ...reading(get('/one', { abort: 'body' }), raw('hello', 'Content-Length: 10')),
    expect: on(2, kept(broken('hello', given), two)),
  },
  {
    id: 'in-a-chunked-body',
    rule: 'Fetch 5.6',
    ...reading(get('/one', { abort: 'body' }), chunked(endless)),
    expect: on(2, kept(broken('hello', given), two)),
  },
  {
    id: 'in-a-body-until-close',
    rule: 'Fetch 5.6',
    ...reading(get('/one', { abort: 'body' }), raw('hello')),
    expect: on(2, kept(broken('hello', given), two)),
  },
  {
    id: 'reader-that-wants-no-more',
    rule: "Fetch 5.6: the rest of the body is nobody's",
    ...reading(get('/one', { leave: 'cancel' }), chunked(endless)),
    expect: on(2, kept(headed(200), two)),
  },
  {
    id: 'reader-that-wants-no-more-of-a-length',
    rule: "Fetch 5.6: the rest of the body is nobody's",
    ...reading(get('/one', { leave: 'cancel' }), raw('hello', 'Content-Length: 1000000')),
    expect: on(2, kept(headed(200), two)),
  },
  {
    id: 'when-all-is-over',
    rule: 'Fetch 5.6: it changes nothing',
    ask: [get('/one', { abort: 'cue' }), get('/two')],
    plays: [[ok('one'), told(1), abort], [ok('two')]],
    expect: on(1, kept(answered(200, 'one'), two)),
  },
  {
    id: 'one-of-two',
    rule: 'Fetch 5.6: nobody else is harmed',
    together: true,
    ask: [get('/stays'), get('/goes', { abort: 'cue' })],
    plays: Array.from({ length: 2 }, () => [
      ({ target }) => (target === '/goes' ? [abort, gone] : [told(1), ok('stays')]),
    ]),
    expect: either(answered(200, 'stays'), failed(given)),
  },
  {
    id: 'head-of-the-answer-then-another',
    rule: 'Fetch 5.6',
    ask: [ask('HEAD', { path: '/one', abort: 'cue' }), get('/two')],
    plays: [[abort, gone], ok('two')],
    expect: on(2, kept(failed(given), two)),
  },
]
