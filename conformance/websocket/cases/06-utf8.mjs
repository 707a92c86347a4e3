import { begin, binary, each, fails, fragments, gets, last, more, open, ping, text } from '../words.mjs'

const INVALID = 1007
const hex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex')
const around = (digits) => Buffer.concat([Buffer.from('before '), hex(digits), Buffer.from(' behind')])
const invalid = (list) => each(list, (digits) => ({ send: text(around(digits)) }))
const comes = (data) => ({ send: text(data), expect: open(gets.text(data)) })
const mixed = Buffer.from('κόσμε £ € 𝄞 \u{10ffff}')

/** RFC 6455 section 8.1 and RFC 3629: text is UTF-8, and whoever sends something else is failed. */
export const section = 'UTF-8'

export const cases = [
  { id: 'one-to-four-bytes', rule: '3629 3', each: each(['$', '£', '€', '𝄞', 'κόσμε'], comes) },
  {
    id: 'first-and-last-of-each-length',
    rule: '3629 3',
    each: each(['00', '7f', 'c280', 'dfbf', 'e0a080', 'efbfbf', 'f0908080', 'f48fbfbf'], (digits) =>
      comes(hex(digits)),
    ),
  },
  {
    id: 'around-surrogates',
    rule: '3629 3',
    each: each(['ed9fbf', 'ee8080', 'efbfbd'], (digits) => comes(hex(digits))),
  },
  {
    id: 'not-characters',
    rule: '3629 3',
    each: each(['efbfbe', 'efb790', 'f09fbfbe', 'f48fbfbe'], (digits) => comes(hex(digits))),
  },
  {
    id: 'byte-order-mark-stays',
    rule: '6455 5.6',
    each: { first: comes(hex('efbbbf61')), alone: comes(hex('efbbbf')), twice: comes(hex('efbbbfefbbbf')) },
  },
  {
    id: 'lone-continuation',
    rule: '6455 8.1',
    each: invalid(['80', 'bf', '8080', '80bf80bf', '41 bf']),
    expect: fails(INVALID),
  },
  {
    id: 'lone-start',
    rule: '6455 8.1',
    each: invalid(['c2', 'df', 'e0', 'ef', 'f0', 'f4', 'c2c2', 'c2 41']),
    expect: fails(INVALID),
  },
  {
    id: 'never-a-byte',
    rule: '3629 3',
    each: invalid(['c0', 'c1', 'f5', 'f8', 'fc', 'fe', 'ff', 'fe ff']),
    expect: fails(INVALID),
  },
  {
    id: 'cut-in-the-middle',
    rule: '3629 4',
    each: invalid(['e282', 'e2', 'f09d', 'f09d84', 'f48f', 'efbf']),
    expect: fails(INVALID),
  },
  {
    id: 'cut-at-the-end',
    rule: '6455 8.1',
    each: each(['c2', 'e2', 'e282', 'f0', 'f09d', 'f09d84'], (digits) => ({
      send: text(hex(`6f6b${digits}`)),
    })),
    expect: fails(INVALID),
  },
  {
    id: 'overlong',
    rule: '3629 10',
    each: invalid([
      'c080',
      'c1bf',
      'c0af',
      'e08080',
      'e09fbf',
      'e080af',
      'f0808080',
      'f08fbfbf',
      'f08080af',
      'f888808080',
      'fc8480808080',
    ]),
    expect: fails(INVALID),
  },
  {
    id: 'surrogates',
    rule: '3629 3',
    each: invalid(['eda080', 'edafbf', 'edb080', 'edbfbf', 'eda080 edb080', 'edb080 eda080']),
    expect: fails(INVALID),
  },
  {
    id: 'beyond-10ffff',
    rule: '3629 3',
    each: invalid(['f4908080', 'f4bfbfbf', 'f5808080', 'f7bfbfbf']),
    expect: fails(INVALID),
  },
  {
    id: 'longer-than-four-bytes',
    rule: '3629 3',
    each: invalid(['fbbfbfbfbf', 'fdbfbfbfbfbf', 'f880808080']),
    expect: fails(INVALID),
  },
  {
    id: 'split-at-each-byte',
    rule: '6455 5.4',
    each: each(
      Array.from({ length: mixed.length - 1 }, (_, at) => at + 1),
      (at) => ({ send: [begin(mixed.subarray(0, at)), last(mixed.subarray(at))] }),
    ),
    expect: open(gets.text(mixed)),
  },
  { id: 'split-everywhere', rule: '6455 5.4', send: fragments(mixed, 1), expect: open(gets.text(mixed)) },
  {
    id: 'split-around-a-ping',
    rule: '6455 5.4',
    send: [begin(hex('f09d')), ping(hex('84')), more(''), last(hex('849e'))],
    expect: open(gets.pong(hex('84')), gets.text('𝄞')),
  },
  {
    id: 'broken-by-a-fragment',
    rule: '6455 8.1',
    each: {
      'half a character at the end': { send: [begin(hex('61')), last(hex('e282'))] },
      'the rest is missing': { send: [begin(hex('e282')), last('a')] },
      'two halves that do not fit': { send: [begin(hex('f09d')), last(hex('a0'))] },
      'in the second': { send: [begin('fine'), last(hex('ff'))] },
      'in the first': { send: [begin(hex('ff')), last('fine')] },
    },
    expect: fails(INVALID),
  },
  {
    // Who does not look before a message is whole sees the next one begin inside it.
    id: 'told-before-the-message-is-whole',
    rule: '6455 8.1',
    each: { begun: { send: begin(around('eda080')) }, later: { send: [begin('fine'), more(hex('c0af'))] } },
    expect: fails([INVALID, 1002]),
  },
  {
    id: 'behind-good-messages',
    rule: '6455 8.1',
    send: [text('a'), text(hex('ff')), text('b')],
    expect: fails(INVALID, gets.text('a')),
  },
  {
    id: 'in-a-large-text',
    rule: '6455 8.1',
    send: text(Buffer.concat([Buffer.alloc(70_000, 'a'), hex('ed a0 80')])),
    expect: fails(INVALID),
  },
  { id: 'large-and-valid', rule: '6455 8.1', ...comes(Buffer.from('€𝄞'.repeat(20_000))) },
  {
    id: 'not-of-binary',
    rule: '6455 5.6',
    each: {
      whole: { send: binary(hex('ff fe c0 80')), expect: open(gets.binary(hex('fffec080'))) },
      fragments: {
        send: fragments(hex('eda080edb080'), 2, 2),
        expect: open(gets.binary(hex('eda080edb080'))),
      },
    },
  },
  {
    id: 'each-message-for-itself',
    rule: '6455 8.1',
    send: [text(hex('e282')), text(hex('ac'))],
    expect: fails(INVALID),
  },
]
