import { close, closes, each, end, ends, fails, frame, gets, ping, text, wait } from '../words.mjs'

const PROTOCOL = 1002
const answered = (list) => each(list, (code) => ({ send: close(code), expect: closes(code) }))
const wrong = (list) => each(list, (code) => ({ send: close(code), expect: fails(PROTOCOL) }))
const hex = (digits) => Buffer.from(digits, 'hex')
const many = Array.from({ length: 200 }, (_, at) => `number ${at} ${'x'.repeat(500)}`)

/** RFC 6455 sections 5.5.1 and 7: the closing handshake, and its codes. */
export const section = 'Closing'

export const cases = [
  { id: 'normal', rule: '6455 7.1.2', send: close(1000), expect: closes(1000) },
  { id: 'without-a-code', rule: '6455 7.1.5', send: close(), expect: closes([1005, 1000]) },
  {
    id: 'with-a-reason',
    rule: '6455 7.1.6',
    each: {
      short: { send: close(1000, 'bye') },
      longest: { send: close(1000, 'x'.repeat(123)) },
      'not ASCII': { send: close(1000, 'auf Wiedersehen, schöne Grüße 𝄞') },
    },
    expect: closes(1000),
  },
  {
    id: 'codes-of-the-rfc',
    rule: '6455 7.4.1',
    each: answered([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011]),
  },
  { id: 'codes-registered-since', rule: '6455 11.7', each: answered([1012, 1013, 1014]) },
  { id: 'codes-of-libraries', rule: '6455 7.4.2', each: answered([3000, 3001, 3999]) },
  { id: 'codes-of-applications', rule: '6455 7.4.2', each: answered([4000, 4001, 4999]) },
  { id: 'codes-below-1000', rule: '6455 7.4.2', each: wrong([0, 1, 999]) },
  { id: 'code-1004', rule: '6455 7.4.1', each: wrong([1004]) },
  { id: 'codes-never-on-the-wire', rule: '6455 7.4.1', each: wrong([1005, 1006, 1015]) },
  {
    id: 'codes-of-no-meaning-yet',
    rule: '6455 7.4.2',
    each: each([1016, 1100, 2000, 2999], (code) => ({
      send: close(code),
      expect: [fails(PROTOCOL), closes(code)],
    })),
  },
  { id: 'codes-above-4999', rule: '6455 7.4.2', each: wrong([5000, 10_000, 65_535]) },
  { id: 'one-byte', rule: '6455 5.5.1', send: frame(8, 'x'), expect: fails(PROTOCOL) },
  {
    id: 'reason-that-is-not-utf-8',
    rule: '6455 8.1',
    each: each(['ff', 'c080', 'eda080', 'e282'], (digits) => ({ send: close(1000, hex(digits)) })),
    expect: fails([1007, PROTOCOL]),
  },
  {
    id: 'nothing-is-read-behind-it',
    rule: '6455 5.5.1',
    send: [Buffer.concat([close(1000), text('late'), frame(3, 'worse')])],
    expect: closes(1000),
  },
  {
    id: 'twice',
    rule: '6455 5.5.1',
    send: [Buffer.concat([close(1000), close(1001)])],
    expect: closes(1000),
  },
  {
    id: 'behind-a-message',
    rule: '6455 7.1.2',
    send: [Buffer.concat([text('last words'), close(1000)])],
    expect: closes(1000, gets.text('last words')),
  },
  {
    id: 'behind-many-messages',
    rule: '6455 5.5.1',
    send: [Buffer.concat([...many.map((one) => text(one)), close(1000)])],
    expect: closes(1000, ...many.map((one) => gets.text(one))),
  },
  {
    id: 'behind-a-ping',
    rule: '6455 5.5.2',
    send: [Buffer.concat([ping('a'), close(1000)])],
    expect: [closes(1000, gets.pong('a')), closes(1000)],
  },
  {
    id: 'the-server-ends-first',
    rule: '6455 7.1.1',
    send: [text('a'), wait(1), close(3000)],
    expect: closes(3000, gets.text('a')),
  },
  { id: 'and-then-the-end', rule: '6455 7.1.1', send: [close(1000), end], expect: closes(1000) },
  { id: 'at-once', rule: '6455 7.1.2', together: true, send: close(1001), expect: closes(1001) },
  {
    id: 'end-without-it',
    rule: '6455 7.1.5',
    each: {
      idle: { send: [end], expect: [ends(), fails(1002)] },
      'behind a message': {
        send: [text('a'), wait(1), end],
        expect: [ends(gets.text('a')), fails(1002, gets.text('a'))],
      },
    },
  },
  {
    id: 'message-before-the-end',
    rule: '6455 7.1.4',
    send: [Buffer.concat([text('a'), close(1000)]), end],
    expect: closes(1000, gets.text('a')),
  },
  {
    id: 'half-of-it-and-the-end',
    rule: '6455 7.1.5',
    send: [close(1000, 'bye').subarray(0, 5), end],
    expect: [ends(), fails(PROTOCOL)],
  },
  {
    id: 'answered-once-when-it-failed',
    rule: '6455 7.1.7',
    send: [Buffer.concat([frame(3, 'a'), close(1000)])],
    expect: fails(PROTOCOL),
  },
  {
    id: 'nothing-comes-back-once-it-failed',
    rule: '6455 7.1.7',
    send: [Buffer.concat([text('a'), frame(3, 'b'), text('c'), ping('d')])],
    expect: fails(PROTOCOL, gets.text('a')),
  },
]
