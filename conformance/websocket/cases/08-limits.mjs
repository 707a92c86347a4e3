import { at, begin, binary, fails, fragments, frame, gets, last, more, open, ping, text } from '../words.mjs'

const TOO_BIG = 1009
const POLICY = 1008
const limited = at('/ws/limited')
const limit = 2 ** 24
const pieced = binary(Buffer.alloc(20_000, 7))
const empty = more('')
const pieces = (count) => Array.from({ length: count }, () => empty)

/**
 * RFC 6455 section 10.4: what a peer may make a server hold. `/ws` takes messages of 16 MiB in 131,072 fragments;
 * `/ws/limited` 1,000 bytes in 10 fragments, and 20 messages in a burst.
 */
export const section = 'Limits'

export const cases = [
  {
    id: 'message-of-the-limit',
    rule: '6455 10.4',
    ask: limited,
    send: text('x'.repeat(1000)),
    expect: open(gets.text('x'.repeat(1000))),
  },
  {
    id: 'message-above-the-limit',
    rule: '6455 10.4',
    ask: limited,
    each: { text: { send: text('x'.repeat(1001)) }, binary: { send: binary('x'.repeat(1001)) } },
    expect: fails(TOO_BIG),
  },
  {
    id: 'message-above-the-limit-by-its-head',
    rule: '6455 10.4',
    ask: limited,
    send: text('', { size: 1001 }),
    expect: fails(TOO_BIG),
  },
  {
    id: 'bytes-not-characters',
    rule: '6455 10.4',
    ask: limited,
    each: {
      fits: { send: text('€'.repeat(333)), expect: open(gets.text('€'.repeat(333))) },
      not: { send: text('€'.repeat(334)), expect: fails(TOO_BIG) },
    },
  },
  {
    id: 'fragments-above-the-limit-together',
    rule: '6455 10.4',
    ask: limited,
    each: {
      last: { send: fragments('x'.repeat(1001), 400) },
      begun: { send: [begin('x'.repeat(600)), more('x'.repeat(401))] },
      head: { send: [begin('x'.repeat(600)), more('', { size: 401 })] },
    },
    expect: fails(TOO_BIG),
  },
  {
    id: 'limit-is-of-each-message',
    rule: '6455 10.4',
    ask: limited,
    send: [fragments('x'.repeat(1000), 300), fragments('y'.repeat(1000), 300)],
    expect: open(gets.text('x'.repeat(1000)), gets.text('y'.repeat(1000))),
  },
  {
    id: 'ping-inside-does-not-count',
    rule: '6455 5.5',
    ask: limited,
    send: [begin('x'.repeat(900)), ping('y'.repeat(125)), last('x'.repeat(100))],
    expect: open(gets.pong('y'.repeat(125)), gets.text('x'.repeat(1000))),
  },
  {
    id: 'fragments-of-the-limit',
    rule: '6455 10.4',
    ask: limited,
    send: fragments('0123456789', 1),
    expect: open(gets.text('0123456789')),
  },
  {
    id: 'fragments-above-the-limit',
    rule: '6455 10.4',
    ask: limited,
    each: { bytes: { send: fragments('0123456789a', 1) }, empty: { send: [begin(''), ...pieces(10)] } },
    expect: fails([POLICY, TOO_BIG]),
  },
  {
    id: 'fragments-without-end',
    heavy: true,
    rule: 'security: empty fragments for ever',
    send: [begin(''), Buffer.concat(pieces(131_072))],
    expect: fails([POLICY, TOO_BIG]),
  },
  {
    id: 'payload-without-end',
    heavy: true,
    rule: '6455 10.4',
    send: [frame(2, Buffer.alloc(limit), { fin: false }), more('x')],
    expect: fails(TOO_BIG),
  },
  {
    id: 'messages-of-the-rate',
    rule: '6455 10.4',
    only: ['fairlead', 'fairlead on node:http'],
    ask: limited,
    send: Buffer.concat(Array.from({ length: 15 }, () => text('a'))),
    expect: open(...Array.from({ length: 15 }, () => gets.text('a'))),
  },
  {
    id: 'messages-above-the-rate',
    rule: '6455 10.4',
    only: ['fairlead', 'fairlead on node:http'],
    ask: limited,
    send: Buffer.concat(Array.from({ length: 200 }, () => text('a'))),
    expect: fails(POLICY, ...Array.from({ length: 20 }, () => gets.text('a'))),
  },
  {
    id: 'pings-without-end',
    rule: 'security: endless Pings',
    send: Buffer.concat(Array.from({ length: 5000 }, (_, one) => ping(String(one)))),
    expect: [
      { ...open(...Array.from({ length: 5000 }, (_, one) => gets.pong(String(one)))), somePongs: true },
      { events: [], after: [POLICY], anyPongs: true },
    ],
  },
  {
    id: 'pings-of-a-usual-number',
    rule: '6455 5.5.2',
    send: Buffer.concat(Array.from({ length: 20 }, (_, one) => ping(String(one)))),
    expect: { ...open(...Array.from({ length: 20 }, (_, one) => gets.pong(String(one)))), somePongs: true },
  },
  {
    id: 'small-messages-by-the-thousand',
    heavy: true,
    rule: '6455 5.2',
    send: Buffer.concat(Array.from({ length: 20_000 }, () => text(''))),
    expect: open(...Array.from({ length: 20_000 }, () => gets.text(''))),
  },
  {
    id: 'small-pieces-of-a-large-message',
    rule: '6455 5.2',
    send: Array.from({ length: 201 }, (_, index) => pieced.subarray(index * 100, index * 100 + 100)),
    expect: open(gets.binary(Buffer.alloc(20_000, 7))),
  },
]
