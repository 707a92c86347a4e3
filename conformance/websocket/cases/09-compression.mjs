import { constants, deflateRawSync } from 'node:zlib'

import {
  accepted,
  at,
  binary,
  close,
  closes,
  deflated,
  each,
  fails,
  frame,
  gets,
  last,
  offer,
  open,
  ping,
  squeezed,
  text,
  wait,
} from '../words.mjs'

const PROTOCOL = 1002
const INVALID = [1002, 1007]
const TOO_BIG = 1009
const DEFLATE = 'permessage-deflate'
const asked = offer(DEFLATE)
const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex')
const words = 'the same words, and the same words again, '.repeat(50)
const noise = (size) => {
  const bytes = Buffer.alloc(size)
  for (let at = 0, seed = 1; at < size; at++) bytes[at] = (seed = (seed * 48_271) % 2_147_483_647) >> 8
  return bytes
}
/** Text of that many bytes, which shrinks as text does. */
const prose = (size) => {
  const vocabulary = noise(400)
    .toString('hex')
    .match(/.{4,9}/g)
  const chosen = noise(Math.ceil(size / 4))
  return Buffer.from(Array.from(chosen, (one) => vocabulary[one % vocabulary.length]).join(' ')).subarray(
    0,
    size,
  )
}
/** Repeats itself only after more than 300 and less than 512 bytes, so that a window of 256 does not hold it. */
const distant = Buffer.concat([noise(400), noise(400), noise(400)])
/** A server may have given up the client's context, which is then no more to be relied on (section 7.1.1.2). */
const unlessGivenUp = (...events) => [
  open(...events),
  accepted(
    { 'sec-websocket-extensions': /client_no_context_takeover/ },
    fails(INVALID, ...events.slice(0, -1)),
  ),
]
const back = (first, second) => [squeezed(first), squeezed(second, { context: first })]
const marked = (payload, options) => frame(1, payload, { reserved: 4, ...options })
const parts = (data, size, opcode = 1) => {
  const bytes = deflated(data)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    frame(at === 0 ? opcode : 0, bytes.subarray(at * size, (at + 1) * size), {
      reserved: at === 0 ? 4 : 0,
      fin: (at + 1) * size >= bytes.length,
    }),
  )
}
const bomb = deflated(Buffer.alloc(2 ** 24 + 1))

/** RFC 7692: messages that are deflated. */
export const section = 'Compression'

export const cases = [
  { id: 'text', rule: '7692 7.2.2', send: squeezed(words), expect: open(gets.text(words)) },
  {
    id: 'binary',
    rule: '7692 7.2.2',
    send: squeezed(noise(5000), { opcode: 2 }),
    expect: open(gets.binary(noise(5000))),
  },
  {
    id: 'the-example',
    rule: '7692 7.2.3.1',
    send: marked(hex('f2 48 cd c9 c9 07 00')),
    expect: open(gets.text('Hello')),
  },
  {
    id: 'the-example-in-fragments',
    rule: '7692 7.2.3.1',
    send: [marked(hex('f2 48 cd'), { fin: false }), last(hex('c9 c9 07 00'))],
    expect: open(gets.text('Hello')),
  },
  {
    id: 'the-example-of-takeover',
    rule: '7692 7.2.3.2',
    send: [marked(hex('f2 48 cd c9 c9 07 00')), marked(hex('f2 00 11 00 00'))],
    expect: unlessGivenUp(gets.text('Hello'), gets.text('Hello')),
  },
  {
    id: 'a-block-without-compression',
    rule: '7692 7.2.3.3',
    send: marked(hex('00 05 00 fa ff 48 65 6c 6c 6f 00')),
    expect: open(gets.text('Hello')),
  },
  {
    id: 'a-final-block',
    rule: '7692 7.2.3.4',
    send: [marked(hex('f3 48 cd c9 c9 07 00 00')), text('on')],
    expect: open(gets.text('Hello'), gets.text('on')),
  },
  {
    id: 'two-blocks',
    rule: '7692 7.2.3.5',
    send: marked(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00')),
    expect: open(gets.text('Hello')),
  },
  {
    id: 'of-each-size',
    rule: '7692 7.2.2',
    each: each([1, 64, 125, 126, 1024, 65_535, 65_536, 131_072, 2 ** 20], (size) => ({
      send: squeezed(prose(size), { opcode: 2 }),
      expect: open(gets.binary(prose(size))),
    })),
  },
  {
    id: 'empty',
    rule: '7692 7.2.3.6',
    each: {
      deflated: { send: marked(hex('00')) },
      'of no bytes': { send: marked('') },
      fragments: { send: [marked('', { fin: false }), last(hex('00'))] },
    },
    expect: open(gets.text('')),
  },
  {
    id: 'not-compressed-all-the-same',
    rule: '7692 6',
    send: [text('plain'), squeezed(words), binary('plain')],
    expect: open(gets.text('plain'), gets.text(words), gets.binary('plain')),
  },
  {
    id: 'what-does-not-shrink',
    rule: '7692 7.2.1',
    send: squeezed(noise(100_000), { opcode: 2 }),
    expect: open(gets.binary(noise(100_000))),
  },
  {
    id: 'many-in-a-row',
    heavy: true,
    rule: '7692 7.2.2',
    send: Array.from({ length: 1000 }, (_, index) => squeezed(`number ${index}`)),
    expect: open(...Array.from({ length: 1000 }, (_, index) => gets.text(`number ${index}`))),
  },
  {
    id: 'in-order-with-plain-ones',
    rule: '6455 5.4',
    send: [squeezed(prose(200_000), { opcode: 2 }), text('behind it'), ping('p'), squeezed('and last')],
    expect: open(gets.binary(prose(200_000)), gets.text('behind it'), gets.text('and last'), gets.pong('p')),
  },
  { id: 'in-fragments-of-a-byte', rule: '7692 6.1', send: parts(words, 1), expect: open(gets.text(words)) },
  {
    id: 'ping-inside',
    rule: '7692 5',
    send: [marked(hex('f2 48 cd'), { fin: false }), ping('now'), wait(1), last(hex('c9 c9 07 00'))],
    expect: open(gets.pong('now'), gets.text('Hello')),
  },
  {
    id: 'takeover',
    rule: '7692 7.1.1',
    send: back(words, words),
    expect: unlessGivenUp(gets.text(words), gets.text(words)),
  },
  {
    id: 'takeover-over-a-plain-message',
    rule: '7692 7.2.2',
    send: [squeezed(words), text('plain'), squeezed(words, { context: words })],
    expect: unlessGivenUp(gets.text(words), gets.text('plain'), gets.text(words)),
  },
  {
    id: 'takeover-of-the-server-given-up',
    rule: '7692 7.1.1.1',
    ask: offer(`${DEFLATE}; server_no_context_takeover`),
    send: back(words, words),
    expect: unlessGivenUp(gets.text(words), gets.text(words)),
  },
  {
    id: 'takeover-of-the-client-given-up',
    rule: '7692 7.1.1.2',
    ask: offer(`${DEFLATE}; client_no_context_takeover`),
    send: [squeezed(words), squeezed(words)],
    expect: open(gets.text(words), gets.text(words)),
  },
  {
    id: 'window-of-the-server',
    rule: '7692 7.1.2.1',
    each: each([9, 10, 11, 14, 15], (bits) => ({ ask: offer(`${DEFLATE}; server_max_window_bits=${bits}`) })),
    send: squeezed(prose(40_000), { opcode: 2 }),
    expect: open(gets.binary(prose(40_000))),
  },
  {
    id: 'window-of-256-bytes',
    rule: '7692 7.1.2.1',
    ask: offer(`${DEFLATE}; server_max_window_bits=8`),
    send: [binary(distant), binary(distant)],
    expect: open(gets.binary(distant), gets.binary(distant)),
  },
  {
    id: 'window-of-the-client',
    rule: '7692 7.1.2.2',
    each: each([9, 10, 15], (bits) => ({
      ask: offer(`${DEFLATE}; client_max_window_bits=${bits}`),
      send: squeezed(prose(40_000), { opcode: 2, bits }),
    })),
    expect: open(gets.binary(prose(40_000))),
  },
  {
    id: 'bit-without-agreement',
    rule: '6455 5.2',
    ask: undefined,
    send: squeezed('hello'),
    expect: fails(PROTOCOL),
  },
  {
    id: 'bit-of-a-declined-offer',
    rule: '7692 7.1',
    ask: offer('x-foo'),
    send: squeezed('hello'),
    expect: fails(PROTOCOL),
  },
  {
    id: 'bit-of-a-continuation',
    rule: '7692 6.1',
    each: {
      compressed: {
        send: [marked(hex('f2 48 cd'), { fin: false }), last(hex('c9 c9 07 00'), { reserved: 4 })],
      },
      plain: { send: [text('a', { fin: false }), last('b', { reserved: 4 })] },
    },
    expect: fails(PROTOCOL),
  },
  {
    id: 'bit-of-a-control-frame',
    rule: '7692 6.1',
    each: { ping: { send: ping('a', { reserved: 4 }) }, close: { send: close(1000, '', { reserved: 4 }) } },
    expect: fails(PROTOCOL),
  },
  {
    id: 'other-reserved-bits',
    rule: '7692 6',
    each: each([1, 2, 5, 6], (reserved) => ({ send: text(deflated('a'), { reserved }) })),
    expect: fails(PROTOCOL),
  },
  {
    id: 'does-not-inflate',
    rule: '7692 7.2.2',
    each: {
      'a block of no kind': { send: marked(hex('ff ff ff ff')) },
      'a length that lies': { send: marked(hex('00 05 00 00 00 48 65 6c 6c 6f')) },
      noise: { send: marked(noise(500)) },
      'codes of no tree': { send: marked(hex('05 ff ff ff ff ff')) },
    },
    expect: fails(INVALID),
  },
  {
    id: 'cut',
    rule: '7692 7.2.2',
    each: {
      stored: { send: marked(hex('00 05 00 fa ff 48 65')) },
      // zlib cannot tell that there should be more: whoever uses it sees an empty message.
      'within a tree': {
        send: marked(deflateRawSync(noise(300).toString('hex')).subarray(0, 12)),
        expect: [fails(INVALID), open(gets.text(''))],
      },
    },
    expect: fails(INVALID),
  },
  {
    id: 'reaches-behind-the-beginning',
    rule: '1951 2',
    each: {
      first: { send: marked(hex('f2 00 11 00 00')) },
      later: {
        send: [text('Hello'), marked(hex('f2 00 11 00 00'))],
        expect: fails(INVALID, gets.text('Hello')),
      },
    },
    expect: fails(INVALID),
  },
  {
    id: 'not-utf-8-when-inflated',
    rule: '6455 8.1',
    each: { whole: { send: squeezed(hex('ff')) }, fragments: { send: parts(hex('e282'), 1) } },
    expect: fails(1007),
  },
  {
    id: 'utf-8-split-over-fragments',
    rule: '7692 6.2',
    send: parts(Buffer.from('κόσμε 𝄞'.repeat(20)), 3),
    expect: open(gets.text('κόσμε 𝄞'.repeat(20))),
  },
  {
    id: 'bomb',
    heavy: true,
    rule: 'security: a message that grows a thousandfold',
    each: {
      whole: { send: marked(bomb, {}) },
      binary: { send: frame(2, bomb, { reserved: 4 }) },
      fragments: {
        send: [frame(2, bomb.subarray(0, 100), { reserved: 4, fin: false }), last(bomb.subarray(100))],
      },
    },
    expect: fails(TOO_BIG),
  },
  {
    id: 'bomb-of-a-small-limit',
    rule: '6455 10.4',
    ask: at('/ws/limited', { 'Sec-WebSocket-Extensions': DEFLATE }),
    send: squeezed('x'.repeat(1001)),
    expect: fails(TOO_BIG),
  },
  {
    id: 'closing',
    rule: '7692 5',
    send: [Buffer.concat([squeezed(words), close(1000)])],
    expect: closes(1000, gets.text(words)),
  },
  {
    id: 'closing-behind-large-messages',
    heavy: true,
    rule: '7692 5',
    send: [...Array.from({ length: 5 }, () => squeezed(prose(200_000), { opcode: 2 })), close(1000)],
    expect: closes(1000, ...Array.from({ length: 5 }, () => gets.binary(prose(200_000)))),
  },
  {
    id: 'failing-behind-messages',
    rule: '7692 5',
    send: [squeezed(words), squeezed(words, { frame: { reserved: 6 } })],
    expect: fails(PROTOCOL, gets.text(words)),
  },
  {
    id: 'stored-blocks-of-level-none',
    rule: '7692 7.2.1',
    send: squeezed(noise(70_000), { opcode: 2, level: 0 }),
    expect: open(gets.binary(noise(70_000))),
  },
  {
    id: 'full-flush',
    rule: '7692 7.2.1',
    send: marked(deflateRawSync(words, { finishFlush: constants.Z_FULL_FLUSH }).subarray(0, -4)),
    expect: open(gets.text(words)),
  },
].map((one) => ('ask' in one || one.each?.[9]?.ask ? one : { ...one, ask: asked }))
