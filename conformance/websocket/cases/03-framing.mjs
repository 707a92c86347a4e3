import {
  binary,
  close,
  each,
  echo,
  echoBinary,
  end,
  ends,
  fails,
  frame,
  gets,
  hello,
  more,
  open,
  ping,
  pong,
  text,
  wait,
} from '../words.mjs'

const PROTOCOL = 1002
const TOO_BIG = 1009
const sizes = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 129, 65_535, 65_536, 65_537]
const message = (size) => 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(size / 26)).slice(0, size)
const bytes = (size) => Buffer.from(Array.from({ length: size }, (_, at) => (at * 167) & 255))
const announced = (size, opcode = 2) => ({ send: frame(opcode, '', { size, width: 9 }) })
const cut = frame(1, 'a text that is cut')
const limit = 2 ** 24

/** RFC 6455 section 5.2: frames. */
export const section = 'Framing'

export const cases = [
  { id: 'text-of-each-length', rule: '6455 5.2', each: each(sizes, (size) => echo(message(size))) },
  { id: 'binary-of-each-length', rule: '6455 5.2', each: each(sizes, (size) => echoBinary(bytes(size))) },
  {
    id: 'kinds-are-kept',
    rule: '6455 5.6',
    send: [text('a'), binary('b'), text('c')],
    expect: open(gets.text('a'), gets.binary('b'), gets.text('c')),
  },
  {
    id: 'one-mebibyte',
    heavy: true,
    rule: '6455 5.2',
    each: { text: echo(message(2 ** 20)), binary: echoBinary(bytes(2 ** 20)) },
  },
  { id: 'sixteen-mebibytes', heavy: true, rule: '6455 5.2', ...echoBinary(Buffer.alloc(limit, 'frames')) },
  {
    id: 'reserved-bits',
    rule: '6455 5.2',
    each: each([1, 2, 3, 4, 5, 6, 7], (reserved) => ({ send: text('a', { reserved }) })),
    expect: fails(PROTOCOL),
  },
  {
    id: 'reserved-bits-behind-messages',
    rule: '6455 5.2',
    send: [text('a'), ping('b'), binary('c', { reserved: 2 }), text('d')],
    expect: fails(PROTOCOL, gets.text('a'), gets.pong('b')),
  },
  {
    id: 'reserved-bits-of-control-frames',
    rule: '6455 5.2',
    each: {
      ping: { send: ping('a', { reserved: 1 }) },
      pong: { send: pong('a', { reserved: 2 }) },
      close: { send: close(1000, '', { reserved: 7 }) },
    },
    expect: fails(PROTOCOL),
  },
  {
    id: 'reserved-opcodes',
    rule: '6455 5.2',
    each: each([3, 4, 5, 6, 7], (opcode) => ({ send: frame(opcode, 'a') })),
    expect: fails(PROTOCOL),
  },
  {
    id: 'reserved-opcodes-of-control-frames',
    rule: '6455 5.2',
    each: each([11, 12, 13, 14, 15], (opcode) => ({ send: frame(opcode, '') })),
    expect: fails(PROTOCOL),
  },
  {
    id: 'reserved-opcodes-inside-a-message',
    rule: '6455 5.2',
    send: [frame(1, 'a', { fin: false }), frame(3, 'b'), more('c', { fin: true })],
    expect: fails(PROTOCOL),
  },
  {
    id: 'length-not-minimal',
    rule: '6455 5.2',
    each: {
      '5 in 3 bytes': { send: text('hello', { width: 3 }) },
      '5 in 9 bytes': { send: text('hello', { width: 9 }) },
      '125 in 3 bytes': {
        send: text(message(125), { width: 3 }),
        expect: [open(gets.text(message(125))), fails(PROTOCOL)],
      },
      '126 in 9 bytes': {
        send: text(message(126), { width: 9 }),
        expect: [open(gets.text(message(126))), fails(PROTOCOL)],
      },
    },
    expect: [open(gets.text('hello')), fails(PROTOCOL)],
  },
  { id: 'length-above-the-limit', rule: '6455 10.4', ...announced(limit + 1), expect: fails(TOO_BIG) },
  {
    id: 'length-of-two-gibibytes',
    rule: '6455 10.4',
    each: each([2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32], (size) => announced(size)),
    expect: fails(TOO_BIG),
  },
  {
    id: 'length-beyond-safe-integers',
    rule: '6455 10.4',
    each: each([2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n], (size) =>
      announced(size, 1),
    ),
    expect: fails([TOO_BIG, PROTOCOL]),
  },
  {
    id: 'length-with-its-highest-bit',
    rule: '6455 5.2',
    each: each([2n ** 63n, 2n ** 63n + 5n, 2n ** 64n - 1n], (size) => announced(size)),
    expect: fails([PROTOCOL, TOO_BIG]),
  },
  {
    id: 'length-too-large-behind-a-message',
    rule: '6455 10.4',
    send: [text('a'), frame(2, '', { size: 2 ** 40, width: 9 })],
    expect: fails(TOO_BIG, gets.text('a')),
  },
  {
    id: 'unmasked',
    rule: '6455 5.1',
    each: {
      text: { send: text('hello', { key: false }) },
      empty: { send: text('', { key: false }) },
      binary: { send: binary(bytes(200), { key: false }) },
      ping: { send: ping('a', { key: false }) },
      pong: { send: pong('', { key: false }) },
      close: { send: close(1000, '', { key: false }) },
    },
    expect: fails(PROTOCOL),
  },
  {
    id: 'unmasked-behind-a-masked-one',
    rule: '6455 5.1',
    send: [text('a'), text('b', { key: false })],
    expect: fails(PROTOCOL, gets.text('a')),
  },
  {
    id: 'unmasked-continuation',
    rule: '6455 5.1',
    send: [frame(1, 'a', { fin: false }), frame(0, 'b', { key: false })],
    expect: fails(PROTOCOL),
  },
  {
    id: 'masks',
    rule: '6455 5.3',
    each: {
      zero: { send: text('hello', { key: Buffer.alloc(4) }) },
      ones: { send: text('hello', { key: Buffer.alloc(4, 255) }) },
      'the text itself': { send: text('hello', { key: Buffer.from('hell') }) },
      'a head of a frame': { send: text('hello', { key: Buffer.from([0x88, 0x80, 0, 0]) }) },
    },
    expect: open(gets.text('hello')),
  },
  {
    id: 'masks-at-each-alignment',
    rule: '6455 5.3',
    send: Array.from({ length: 40 }, (_, size) => binary(bytes(size))),
    expect: open(...Array.from({ length: 40 }, (_, size) => gets.binary(bytes(size)))),
  },
  {
    id: 'mask-of-an-empty-frame',
    rule: '6455 5.3',
    send: [text(''), ping(''), binary('')],
    expect: open(gets.text(''), gets.pong(), gets.binary('')),
  },
  {
    id: 'coalesced',
    rule: '6455 5.2',
    send: Buffer.concat(Array.from({ length: 1000 }, (_, at) => text(`number ${at}`))),
    expect: open(...Array.from({ length: 1000 }, (_, at) => gets.text(`number ${at}`))),
  },
  {
    id: 'coalesced-with-half-a-frame',
    rule: '6455 5.2',
    each: each(
      Array.from({ length: cut.length + 1 }, (_, at) => at),
      (at) => ({ send: [Buffer.concat([text('a'), cut.subarray(0, at)]), wait(1), cut.subarray(at)] }),
    ),
    expect: open(gets.text('a'), gets.text('a text that is cut')),
  },
  {
    id: 'split-at-each-byte-of-a-long-head',
    rule: '6455 5.2',
    each: each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], (at) => {
      const long = binary(bytes(70_000))
      return { send: [ping('x'), long.subarray(0, at), ping('').subarray(0, 0), long.subarray(at)] }
    }),
    expect: open(gets.pong('x'), gets.binary(bytes(70_000))),
  },
  {
    id: 'in-the-segment-of-the-handshake',
    rule: '6455 4.1',
    together: true,
    each: {
      message: echo('ahoy'),
      messages: {
        send: [text('a'), ping('b'), binary('c')],
        expect: open(gets.text('a'), gets.pong('b'), gets.binary('c')),
      },
      large: echoBinary(bytes(100_000)),
      half: {
        send: [cut.subarray(0, 3), wait(0), cut.subarray(3)],
        expect: open(gets.text('a text that is cut')),
      },
      unmasked: { send: text('a', { key: false }), expect: fails(PROTOCOL) },
      close: { send: close(1000), expect: fails(1000) },
    },
  },
  {
    id: 'http-behind-the-handshake',
    rule: '6455 5.1',
    send: [hello()],
    expect: fails(PROTOCOL),
  },
  {
    id: 'frame-that-is-cut-and-ended',
    rule: '6455 7.1.4',
    each: each([1, 2, 5, 6, 10], (at) => ({ send: [cut.subarray(0, at), end] })),
    expect: [ends(), fails(PROTOCOL)],
  },
  {
    id: 'frame-that-is-cut-behind-a-message',
    rule: '6455 7.1.4',
    send: [text('a'), wait(1), binary(bytes(70_000)).subarray(0, 5000), end],
    expect: [ends(gets.text('a')), fails(PROTOCOL, gets.text('a'))],
  },
  {
    id: 'key-is-applied-to-its-own-frame',
    rule: '6455 5.3',
    send: [
      frame(1, 'one ', { fin: false, key: Buffer.from([1, 2, 3, 4]) }),
      frame(0, 'message', { key: Buffer.from([9, 8, 7, 6]) }),
    ],
    expect: open(gets.text('one message')),
  },
]
