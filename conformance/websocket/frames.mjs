// Reads what a server sent on a WebSocket, by RFC 6455 and RFC 7692 and by nothing of Fairlead's: the one that is
// examined is no witness in its own cause.

import { isUtf8 } from 'node:buffer'
import { constants, inflateRawSync } from 'node:zlib'

const kinds = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' }
const TAIL = Buffer.from([0, 0, 255, 255])
const largest = 2 ** 25

/** Codes that may stand in a Close frame: RFC 6455 section 7.4 and its registry. */
const mayBeSent = (code) =>
  (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)

/**
 * Takes bytes as they come. `events` has what was said (`{ kind, data }`, of a Close frame `code` and `text`), and
 * `trouble` what no server may send, after which nothing more is read.
 */
export class FrameReader {
  events = []
  trouble = undefined
  #rest = []
  #size = 0
  #wanted = 2
  #message
  #deflate
  #window = Buffer.alloc(0)

  /** `deflate`: the parameters of permessage-deflate where that was agreed on. */
  constructor(deflate) {
    this.#deflate = deflate
  }

  get over() {
    return this.trouble !== undefined || this.events.at(-1)?.kind === 'close'
  }

  /** Bytes of a frame that is not whole. */
  get left() {
    return this.#size
  }

  push(chunk) {
    this.#rest.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted || this.trouble !== undefined) return
    let bytes = this.#rest.length === 1 ? chunk : Buffer.concat(this.#rest, this.#size)
    for (;;) {
      const head = headOf(bytes)
      if (typeof head === 'string') {
        this.trouble = head
        return
      }
      this.#wanted = head.size
      if (head.payload === undefined || bytes.length < head.size) break
      this.trouble = this.events.at(-1)?.kind === 'close' ? 'a frame behind Close' : this.#take(head, bytes)
      if (this.trouble !== undefined) return
      bytes = bytes.subarray(head.size)
    }
    this.#rest = [bytes]
    this.#size = bytes.length
  }

  #take({ opcode, fin, reserved, payload, size }, bytes) {
    const data = bytes.subarray(payload, size)
    if (opcode >= 8) return this.#control({ opcode, fin, reserved, data })
    if (opcode > 2) return `opcode ${opcode}`
    if ((opcode === 0) !== (this.#message !== undefined)) return 'a message inside another, or a part of none'
    if (reserved !== 0 && !(reserved === 4 && opcode !== 0 && this.#deflate))
      return `reserved bits ${reserved}`
    this.#message ??= { kind: kinds[opcode], parts: [], compressed: reserved === 4 }
    this.#message.parts.push(data)
    return fin ? this.#finish(this.#message) : undefined
  }

  #finish({ kind, parts, compressed }) {
    this.#message = undefined
    let data = Buffer.concat(parts)
    try {
      if (compressed) data = this.#inflate(data)
    } catch (error) {
      return `it does not inflate: ${error.message}`
    }
    if (kind === 'text' && !isUtf8(data)) return 'a text that is not UTF-8'
    this.events.push({ kind, data, compressed })
    return undefined
  }

  #inflate(data) {
    const { bits, takeover } = this.#deflate
    const context = takeover && this.#window.length > 0 ? { dictionary: this.#window } : {}
    const options = {
      ...context,
      windowBits: bits,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: largest,
    }
    const out = inflateRawSync(Buffer.concat([data, TAIL]), options)
    this.#window = Buffer.concat([this.#window, out]).subarray(-(2 ** bits))
    return out
  }

  #control({ opcode, fin, reserved, data }) {
    const kind = kinds[opcode]
    if (kind === undefined) return `opcode ${opcode}`
    if (!fin || reserved !== 0 || data.length > 125) return `a ${kind} that is fragmented, marked or too long`
    if (kind !== 'close') {
      this.events.push({ kind, data })
      return undefined
    }
    if (data.length === 1) return 'a Close frame of one byte'
    const code = data.length > 0 ? data.readUInt16BE() : 1005
    if (data.length > 0 && !mayBeSent(code)) return `a Close frame of code ${code}`
    if (!isUtf8(data.subarray(2))) return 'a reason that is not UTF-8'
    this.events.push({ kind, code, text: data.toString('utf8', 2) })
    return undefined
  }
}

/** Where payload and frame end, as far as the bytes tell; or what is wrong. */
function headOf(bytes) {
  if (bytes.length < 2) return { size: 2 }
  const [first, second] = bytes
  if (second >= 128) return 'a server that masks'
  const long = { 126: 2, 127: 8 }[second] ?? 0
  if (bytes.length < 2 + long) return { size: 2 + long }
  const length = long === 0 ? second : long === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if ((long === 2 && length < 126) || (long === 8 && length < 65_536))
    return `a length of ${length} in ${long} bytes`
  if (length > largest) return `a length of ${length}`
  const payload = 2 + long
  return {
    opcode: first & 15,
    fin: first >= 128,
    reserved: (first >> 4) & 7,
    payload,
    size: payload + length,
  }
}
