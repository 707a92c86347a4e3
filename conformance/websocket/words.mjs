// What cases are written with. A case has
//
//   id      a name, once in the whole list
//   rule    what it cites: `6455 5.2` is section 5.2 of RFC 6455; `security: ...` tells of an attack
//   ask     the handshake, as bytes; `hello()` without it
//   send    what follows once it is answered: bytes, or steps of it: bytes; `wait(n)` for that many messages, Pongs and
//           Close frames; `apart`; `end` for a half-close; `reset`
//   expect  an outcome, or several of which one must come
//   each    several of the above by name, for one rule: what a variant lacks, its case gives
//
// `unasked` is a case whose handshake breaks off, so that no answer is waited for; `before` the number of requests that
// stand before it; `together` one whose frames come in the segment of the handshake.
//
// `heavy` is one that takes its time; `npm test` sends it in one way only. `own` has a server of its own; `only` names the
// columns that can be asked; `alone` comes behind the others, and then the server may hold no connection.
//
// After the steps a last message is sent, and a Close frame. They tell a connection that goes on from one that failed,
// and one that is in step from one that is not, without a wait. A handshake that was refused is followed by a request
// that asks to close.

import { constants, deflateRawSync } from 'node:zlib'

const CRLF = '\r\n'
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d])

/** A head: its request line, these fields, the empty line. */
export const head = (line, ...fields) => Buffer.from([line, ...fields, '', ''].join(CRLF), 'latin1')

const usual = {
  Host: 'a.example',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': KEY,
}

/** A handshake with these fields in the place of the usual ones: several, or `null` for none. */
export function hello(fields = {}, line = 'GET /ws HTTP/1.1') {
  const lines = Object.entries({ ...usual, ...fields }).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}`),
  )
  return head(line, ...lines)
}

/** The same that offers these extensions. */
export const offer = (...extensions) => hello({ 'Sec-WebSocket-Extensions': extensions })

/** One that offers these subprotocols. */
export const speaks = (...protocols) => hello({ 'Sec-WebSocket-Protocol': protocols })

/** For another path. */
export const at = (path, fields) => hello(fields, `GET ${path} HTTP/1.1`)

function masked(payload, key) {
  const out = Buffer.from(payload)
  if (key.readUInt32BE() === 0) return out
  for (let at = 0; at < out.length; at++) out[at] ^= key[at & 3]
  return out
}

/** The length as a frame has it, in 1, 3 or 9 bytes, by default the shortest way. */
function lengthOf(size, mark, width = size < 126 ? 1 : size < 65_536 ? 3 : 9) {
  const bytes = Buffer.alloc(width)
  bytes[0] = mark | (width === 1 ? Number(size) : width === 3 ? 126 : 127)
  if (width === 3) bytes.writeUInt16BE(Number(size), 1)
  if (width === 9) bytes.writeBigUInt64BE(BigInt(size), 1)
  return bytes
}

/** A frame. `size` is told in the place of the payload's; `key` false leaves it unmasked. */
export function frame(opcode, data = '', { fin = true, reserved = 0, key = MASK, size, width } = {}) {
  const payload = Buffer.from(data)
  const first = Buffer.from([(fin ? 128 : 0) | (reserved << 4) | opcode])
  const length = lengthOf(size ?? payload.length, key ? 128 : 0, width)
  return Buffer.concat(key ? [first, length, key, masked(payload, key)] : [first, length, payload])
}

export const text = (data, options) => frame(1, data, options)
export const binary = (data, options) => frame(2, data, options)
export const ping = (data, options) => frame(9, data, options)
export const pong = (data, options) => frame(10, data, options)

/** The first part of a message, one in the middle, and the last. */
export const begin = (data, options) => frame(1, data, { fin: false, ...options })
export const more = (data, options) => frame(0, data, { fin: false, ...options })
export const last = (data, options) => frame(0, data, options)

export function close(code, reason = '', options) {
  if (code === undefined) return frame(8, '', options)
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason)])
  payload.writeUInt16BE(code)
  return frame(8, payload, options)
}

/** Cuts a message into frames of `size` bytes each. */
export function fragments(data, size, opcode = 1) {
  const payload = Buffer.from(data)
  const frames = []
  for (let at = 0; at < payload.length; at += size) {
    const fin = at + size >= payload.length
    frames.push(frame(at === 0 ? opcode : 0, payload.subarray(at, at + size), { fin }))
  }
  return Buffer.concat(frames)
}

/** Deflated as RFC 7692 section 7.2.1 has it: to a byte's end, without the four bytes every message ends with. */
export function deflated(data, { level = 9, bits = 15, context } = {}) {
  const dictionary = context === undefined ? {} : { dictionary: Buffer.from(context) }
  const options = { level, windowBits: bits, finishFlush: constants.Z_SYNC_FLUSH, ...dictionary }
  return deflateRawSync(Buffer.from(data), options).subarray(0, -4)
}

/** A frame marked as compressed. */
export const squeezed = (data, options = {}) =>
  frame(options.opcode ?? 1, deflated(data, options), { reserved: 4, ...options.frame })

export const wait = (events) => ({ wait: events })
/** What stands before it and behind it comes in segments of their own. */
export const apart = { turns: 3 }
export const end = { end: true }
export const reset = { reset: true }

/** What comes: messages and Pongs. */
export const gets = {
  text: (data) => ({ kind: 'text', data: Buffer.from(data) }),
  binary: (data) => ({ kind: 'binary', data: Buffer.from(data) }),
  pong: (data = '') => ({ kind: 'pong', data: Buffer.from(data) }),
}

/** These events, and the connection goes on. */
export const open = (...events) => ({ events, after: 'open' })

/** These events, then a Close frame of one of these codes, and the end. */
export const fails = (codes, ...events) => ({ events, after: [codes].flat() })

/** Our Close frame is answered with this code. */
export const closes = (codes, ...events) => fails(codes, ...events)

/** These events, and the end without a Close frame. */
export const ends = (...events) => ({ events, after: 'end' })

/** The handshake is accepted with these fields (`null`: must not be there), and what `outcome` says. */
export const accepted = (headers = {}, outcome = open()) => ({ ...outcome, headers })

/** An answer that says no, with one of these statuses (400) and fields. */
export const refused = (statuses = 400, headers = {}) => ({ statuses: [statuses].flat(), headers })

/** No answer, and the end. */
export const nothing = { nothing: true }

/** Sent and expected to come back. */
export const echo = (data) => ({ send: text(data), expect: open(gets.text(data)) })
export const echoBinary = (data) => ({ send: binary(data), expect: open(gets.binary(data)) })

/** One variant of a case for each of `list`. */
export const each = (list, of) => Object.fromEntries(list.map((one, at) => [nameOf(one, at), of(one, at)]))

const nameOf = (one, at) => (['string', 'number', 'bigint'].includes(typeof one) ? String(one) : String(at))
