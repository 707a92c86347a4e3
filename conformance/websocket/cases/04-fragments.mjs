import {
  begin,
  binary,
  close,
  closes,
  each,
  end,
  ends,
  fails,
  fragments,
  frame,
  gets,
  last,
  more,
  open,
  ping,
  pong,
  text,
  wait,
} from '../words.mjs'

const PROTOCOL = 1002
const blob = (size) => Buffer.from(Array.from({ length: size }, (_, at) => (at * 31) & 255))
const large = Buffer.alloc(4 * 2 ** 20, 'sixty-four bytes ')
const beginBinary = (data) => frame(2, data, { fin: false })

/** RFC 6455 section 5.4: messages in several frames. */
export const section = 'Fragments'

export const cases = [
  {
    id: 'two',
    rule: '6455 5.4',
    send: [begin('hello, '), last('world')],
    expect: open(gets.text('hello, world')),
  },
  { id: 'three', rule: '6455 5.4', send: [begin('a'), more('b'), last('c')], expect: open(gets.text('abc')) },
  {
    id: 'binary',
    rule: '6455 5.4',
    send: [beginBinary('a'), more('b'), last('c')],
    expect: open(gets.binary('abc')),
  },
  {
    id: 'empty-parts',
    rule: '6455 5.4',
    each: {
      first: { send: [begin(''), last('abc')] },
      last: { send: [begin('abc'), last('')] },
      middle: { send: [begin('ab'), more(''), last('c')] },
      several: { send: [begin(''), more(''), more('abc'), more(''), last('')] },
    },
    expect: open(gets.text('abc')),
  },
  {
    id: 'nothing-but-empty-parts',
    rule: '6455 5.4',
    each: {
      text: { send: [begin(''), more(''), last('')], expect: open(gets.text('')) },
      binary: { send: [beginBinary(''), last('')], expect: open(gets.binary('')) },
    },
  },
  {
    id: 'at-each-byte',
    rule: '6455 5.4',
    each: {
      text: { send: fragments('every byte a frame', 1), expect: open(gets.text('every byte a frame')) },
      binary: { send: fragments(blob(300), 1, 2), expect: open(gets.binary(blob(300))) },
    },
  },
  {
    id: 'of-unlike-sizes',
    rule: '6455 5.4',
    send: [beginBinary(blob(70_000)), more(blob(126)), more(blob(1)), last(blob(65_536))],
    expect: open(gets.binary(Buffer.concat([blob(70_000), blob(126), blob(1), blob(65_536)]))),
  },
  {
    id: 'one-message-behind-another',
    rule: '6455 5.4',
    send: [begin('a'), last('b'), beginBinary('c'), last('d'), text('e'), begin('f'), last('g')],
    expect: open(gets.text('ab'), gets.binary('cd'), gets.text('e'), gets.text('fg')),
  },
  {
    id: 'ping-inside',
    rule: '6455 5.4',
    send: [begin('a'), ping('now'), wait(1), last('b')],
    expect: open(gets.pong('now'), gets.text('ab')),
  },
  {
    id: 'pings-between-all-parts',
    rule: '6455 5.4',
    send: [begin('a'), ping('1'), more('b'), ping('2'), ping('3'), more(''), ping('4'), last('c')],
    expect: {
      ...open(gets.text('abc'), ...['1', '2', '3', '4'].map((one) => gets.pong(one))),
      somePongs: true,
    },
  },
  {
    id: 'pong-inside',
    rule: '6455 5.5.3',
    send: [begin('a'), pong('x'), pong(''), last('b')],
    expect: open(gets.text('ab')),
  },
  {
    id: 'close-inside',
    rule: '6455 5.5.1',
    send: [text('before'), begin('a'), close(1001, 'leaving'), last('b')],
    expect: closes(1001, gets.text('before')),
  },
  {
    id: 'end-inside',
    rule: '6455 7.1.5',
    send: [begin('a'), more('b'), end],
    expect: [ends(), fails(PROTOCOL)],
  },
  {
    id: 'continuation-of-nothing',
    rule: '6455 5.4',
    each: { last: { send: last('a') }, middle: { send: more('a') }, empty: { send: last('') } },
    expect: fails(PROTOCOL),
  },
  {
    id: 'continuation-behind-a-whole-message',
    rule: '6455 5.4',
    each: {
      whole: { send: [text('ab'), last('c')] },
      fragments: { send: [begin('a'), last('b'), last('c')] },
    },
    expect: fails(PROTOCOL, gets.text('ab')),
  },
  {
    id: 'message-inside-another',
    rule: '6455 5.4',
    each: {
      text: { send: [begin('a'), text('b')] },
      binary: { send: [begin('a'), binary('b')] },
      begun: { send: [beginBinary('a'), begin('b')] },
      later: {
        send: [begin('a'), more('b'), ping(''), text('c')],
        expect: { ...fails(PROTOCOL, gets.pong()), somePongs: true },
      },
    },
    expect: fails(PROTOCOL),
  },
  {
    id: 'reserved-bits-of-a-continuation',
    rule: '6455 5.2',
    each: each([1, 2, 4], (reserved) => ({ send: [begin('a'), last('b', { reserved })] })),
    expect: fails(PROTOCOL),
  },
  {
    id: 'four-mebibytes-in-64-bytes',
    heavy: true,
    rule: '6455 5.4',
    each: {
      text: { send: fragments(large, 64), expect: open(gets.text(large)) },
      binary: { send: fragments(large, 64, 2), expect: open(gets.binary(large)) },
    },
  },
  {
    id: 'four-mebibytes-in-larger-parts',
    heavy: true,
    rule: '6455 5.4',
    each: each([1024, 2 ** 20], (size) => ({ send: fragments(large, size, 2) })),
    expect: open(gets.binary(large)),
  },
  {
    id: 'sixteen-mebibytes',
    heavy: true,
    rule: '6455 5.4',
    send: fragments(Buffer.alloc(2 ** 24, 'x'), 2 ** 18, 2),
    expect: open(gets.binary(Buffer.alloc(2 ** 24, 'x'))),
  },
]
