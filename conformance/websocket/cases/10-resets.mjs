import {
  begin,
  close,
  deflated,
  end,
  frame,
  hello,
  offer,
  ping,
  reset,
  squeezed,
  text,
  wait,
} from '../words.mjs'

const large = Buffer.alloc(2 ** 22, 'x')
/** Whatever came until then; what counts is what becomes of the server. */
const any = { anything: true }

/** A peer that is gone, in each phase: the next one is served, and nothing of the last is held. */
export const section = 'Resets'

export const cases = [
  { id: 'before-the-handshake', rule: '9112 9.6', unasked: true, ask: Buffer.alloc(0), send: [reset] },
  {
    id: 'inside-the-handshake',
    rule: '9112 9.6',
    unasked: true,
    ask: hello().subarray(0, 60),
    send: [reset],
  },
  { id: 'before-the-answer', rule: '6455 7.1.4', unasked: true, ask: hello(), send: [reset] },
  {
    id: 'with-frames-before-the-answer',
    rule: '6455 7.1.4',
    unasked: true,
    ask: Buffer.concat([hello(), text('a'), ping('b')]),
    send: [reset],
  },
  { id: 'behind-a-refusal', rule: '9112 9.6', ask: hello({ 'Sec-WebSocket-Version': '8' }), send: [reset] },
  { id: 'behind-the-answer', rule: '6455 7.1.4', send: [reset] },
  {
    id: 'inside-the-head-of-a-frame',
    rule: '6455 7.1.4',
    each: {
      1: { send: [text('hello').subarray(0, 1), reset] },
      2: { send: [text('hello').subarray(0, 2), reset] },
      5: { send: [text('hello').subarray(0, 5), reset] },
    },
  },
  { id: 'inside-a-payload', rule: '6455 7.1.4', send: [frame(2, large).subarray(0, 2 ** 20), reset] },
  { id: 'between-fragments', rule: '6455 7.1.4', send: [begin('a'), ping(''), wait(1), reset] },
  { id: 'behind-a-ping', rule: '6455 7.1.4', send: [ping('a'), reset] },
  { id: 'behind-a-message', rule: '6455 7.1.4', send: [text('a'), wait(1), reset] },
  { id: 'while-an-echo-comes', rule: '6455 7.1.4', send: [frame(2, large), reset] },
  {
    id: 'while-many-echoes-come',
    rule: '6455 7.1.4',
    send: [Buffer.concat(Array.from({ length: 5000 }, () => text('a'))), wait(1), reset],
  },
  {
    id: 'inside-a-compressed-message',
    rule: '6455 7.1.4',
    ask: offer('permessage-deflate'),
    send: [frame(2, deflated(large).subarray(0, 100), { reserved: 4, fin: false }), reset],
  },
  {
    id: 'while-messages-inflate',
    rule: '6455 7.1.4',
    ask: offer('permessage-deflate'),
    send: [
      Buffer.concat(Array.from({ length: 10 }, () => squeezed(Buffer.alloc(500_000), { opcode: 2 }))),
      reset,
    ],
  },
  { id: 'with-a-close-frame', rule: '6455 7.1.1', send: [close(1000), reset] },
  { id: 'behind-a-close-frame', rule: '6455 7.1.1', send: [close(1000), wait(1), reset] },
  { id: 'behind-a-failure', rule: '6455 7.1.7', send: [frame(3, 'a'), wait(1), reset] },
  { id: 'end-behind-the-answer', rule: '6455 7.1.4', send: [end] },
  { id: 'end-inside-a-payload', rule: '6455 7.1.4', send: [frame(2, large).subarray(0, 2 ** 20), end] },
].map((one) => ({ expect: any, alone: true, ...one }))
