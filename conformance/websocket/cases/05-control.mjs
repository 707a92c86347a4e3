import {
  begin,
  close,
  closes,
  each,
  fails,
  frame,
  gets,
  last,
  open,
  ping,
  pong,
  text,
  wait,
} from '../words.mjs'

const PROTOCOL = 1002
const payload = (size) => Buffer.from(Array.from({ length: size }, (_, at) => 255 - (at % 256)))
const numbers = (count) => Array.from({ length: count }, (_, at) => String(at))
const some = (outcome) => ({ ...outcome, somePongs: true })

/** RFC 6455 section 5.5: Ping, Pong and what holds for every control frame. */
export const section = 'Control frames'

export const cases = [
  {
    id: 'ping',
    rule: '6455 5.5.2',
    each: each([0, 1, 2, 124, 125], (size) => ({
      send: ping(payload(size)),
      expect: open(gets.pong(payload(size))),
    })),
  },
  {
    id: 'ping-that-is-no-text',
    rule: '6455 5.5.2',
    send: ping(Buffer.from([0, 255, 254, 0xc0, 0x80])),
    expect: open(gets.pong(Buffer.from([0, 255, 254, 0xc0, 0x80]))),
  },
  {
    id: 'ping-between-messages',
    rule: '6455 5.5.2',
    send: [text('a'), wait(1), ping('b'), wait(2), text('c')],
    expect: open(gets.text('a'), gets.pong('b'), gets.text('c')),
  },
  {
    id: 'ten-pings',
    rule: '6455 5.5.3',
    send: Buffer.concat(numbers(10).map((one) => ping(one))),
    expect: some(open(...numbers(10).map((one) => gets.pong(one)))),
  },
  {
    id: 'ping-in-the-middle-of-a-large-message',
    rule: '6455 5.4',
    send: [
      frame(2, Buffer.alloc(200_000, 1), { fin: false }),
      ping('here'),
      wait(1),
      last(Buffer.alloc(10, 2)),
    ],
    expect: open(
      gets.pong('here'),
      gets.binary(Buffer.concat([Buffer.alloc(200_000, 1), Buffer.alloc(10, 2)])),
    ),
  },
  {
    id: 'pong-unasked',
    rule: '6455 5.5.3',
    each: {
      empty: { send: pong('') },
      payload: { send: pong(payload(125)) },
      several: { send: [pong('a'), pong('b')] },
    },
    expect: open(),
  },
  {
    id: 'pong-then-ping',
    rule: '6455 5.5.3',
    send: [pong('x'), ping('y'), pong('y')],
    expect: open(gets.pong('y')),
  },
  {
    id: 'too-long',
    rule: '6455 5.5',
    each: {
      ping: { send: ping(payload(126)) },
      pong: { send: pong(payload(126)) },
      close: { send: close(1000, 'x'.repeat(124)) },
      longer: { send: ping(payload(70_000)) },
    },
    expect: fails(PROTOCOL),
  },
  {
    id: 'too-long-by-its-head-alone',
    rule: '6455 5.5',
    each: {
      3: { send: ping('', { size: 126, width: 3 }) },
      9: { send: ping('', { size: 2 ** 40, width: 9 }) },
    },
    expect: fails(PROTOCOL),
  },
  {
    id: 'length-not-minimal',
    rule: '6455 5.5',
    each: { ping: { send: ping('hello', { width: 3 }) }, close: { send: close(1000, '', { width: 9 }) } },
    expect: fails(PROTOCOL),
  },
  {
    id: 'fragmented',
    rule: '6455 5.5',
    each: {
      ping: { send: ping('a', { fin: false }) },
      pong: { send: pong('a', { fin: false }) },
      close: { send: close(1000, '', { fin: false }) },
      continued: { send: [ping('a', { fin: false }), last('b')] },
    },
    expect: fails(PROTOCOL),
  },
  {
    id: 'fragmented-inside-a-message',
    rule: '6455 5.5',
    send: [begin('a'), ping('b', { fin: false }), last('c')],
    expect: fails(PROTOCOL),
  },
  {
    id: 'continuation-behind-a-ping',
    rule: '6455 5.4',
    send: [ping('a'), last('b')],
    expect: some(fails(PROTOCOL, gets.pong('a'))),
  },
  {
    id: 'ping-behind-close',
    rule: '6455 5.5.1',
    send: [Buffer.concat([close(1000), ping('a'), text('b')])],
    expect: closes(1000),
  },
  {
    id: 'pings-and-messages-in-one-segment',
    rule: '6455 5.5.2',
    send: [Buffer.concat(numbers(40).flatMap((one) => [text(one), ping(one)]))],
    expect: some(open(...numbers(40).flatMap((one) => [gets.text(one), gets.pong(one)]))),
  },
]
