// A connection to a server: the answer to the handshake, the frames behind it, and how it ended.

import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { readAnswers } from '../http/answers.mjs'
import { FrameReader } from './frames.mjs'
import { hello } from './words.mjs'

/** Milliseconds without anything, after which nothing will come. Nobody waits for a server that is right. */
export const patience = 10_000

/** Larger steps go in pieces even byte by byte, or they would take their time. */
const bytewise = 5_000
const pieceOf = (length) => (length > bytewise ? Math.max(997, Math.ceil(length / 100)) : 1)

/** Turns of the event loop for a byte to leave in a packet of its own. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A connection to a server, plain or over TLS. */
function dial({ port, secure }) {
  const where = { host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true }
  return secure ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where)
}

/** What was said on one connection: the answer to the handshake, the frames behind it, and how it ended. */
export class Talk {
  over = false
  ending = 'end'
  answers = []
  trouble = undefined
  reader = undefined
  #one
  #socket
  #bytes = Buffer.alloc(0)
  #wake = () => {}

  constructor(server, one) {
    this.#one = one
    this.#socket = dial(server)
    this.gone = new Promise((resolve) => {
      const finish = (how) => {
        if (!this.over) this.ending = how
        this.over = true
        this.#socket.destroy()
        this.#wake()
        resolve()
      }
      this.#socket.on('end', () => finish('end'))
      this.#socket.on('error', () => finish('reset'))
      this.#socket.on('close', () => finish('end'))
      this.#socket.setTimeout(patience, () => finish('silence'))
    })
    this.#socket.on('data', (chunk) => {
      this.#take(chunk)
      this.#wake()
    })
  }

  get settled() {
    return this.over || this.reader?.over === true
  }

  async until(holds) {
    while (!this.over && !holds()) await new Promise((resolve) => (this.#wake = resolve))
  }

  async write(bytes, whole) {
    if (whole) {
      this.#socket.write(bytes)
      return
    }
    const size = pieceOf(bytes.length)
    let at = 0
    // Once the server has said enough, the rest is no more than what a Close frame has to stand behind.
    for (; at < bytes.length && !this.settled; at += size) {
      this.#socket.write(bytes.subarray(at, at + size))
      await turn()
    }
    if (at < bytes.length && !this.over) this.#socket.write(bytes.subarray(at))
  }

  async wait(turns) {
    for (let left = turns; left > 0; left--) await turn()
  }

  /** Over TLS, Node loses records that came in the same segment as the one that is being read. */
  async end() {
    await turn()
    this.#socket.end()
  }

  /** What was written is on its way before the reset. */
  async reset() {
    await turn()
    this.ending = 'end'
    this.over = true
    if (this.#socket.resetAndDestroy && !this.#socket.encrypted) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  #take(chunk) {
    if (this.reader) {
      this.reader.push(chunk)
      return
    }
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const { methods, ask = hello() } = this.#one
    const { answers, trouble } = readAnswers(this.#bytes.toString('latin1'), methods, false)
    const at = answers.findIndex(({ status }) => status === 101)
    this.answers = at < 0 ? answers : answers.slice(0, at + 1)
    this.trouble = at < 0 ? trouble : undefined
    if (at < 0) return
    const { headers, stop } = answers[at]
    const asked = ask.toString('latin1')
    this.trouble = wrongIn(headers, asked)
    this.reader = new FrameReader(deflateOf(headers['sec-websocket-extensions']))
    if (stop < this.#bytes.length) this.reader.push(this.#bytes.subarray(stop))
  }
}

/** What may not stand in a 101 (RFC 6455 section 4.2.2, RFC 9110 section 8.6). */
function wrongIn(headers, asked) {
  const key = /^Sec-WebSocket-Key:[\t ]*(\S+)/im.exec(asked)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  if (headers['sec-websocket-accept'] !== accept)
    return `Sec-WebSocket-Accept is ${headers['sec-websocket-accept']}`
  if (!/^websocket$/i.test(headers.upgrade)) return `Upgrade is ${headers.upgrade}`
  if (!/(^|[ ,])upgrade([ ,]|$)/i.test(headers.connection)) return `Connection is ${headers.connection}`
  if ('content-length' in headers || 'transfer-encoding' in headers) return 'a 101 with a length'
  const offered = [...asked.matchAll(/^Sec-WebSocket-(?:Protocol|Extensions):(.*)$/gim)].join(',')
  for (const name of ['sec-websocket-protocol', 'sec-websocket-extensions']) {
    const [token] = (headers[name] ?? '').split(';')
    if (!offered.includes(token)) return `${name} is ${headers[name]}, which was not offered`
  }
  return undefined
}

/** How the server's messages inflate. */
function deflateOf(extensions) {
  if (!/^permessage-deflate\b/.test(extensions ?? '')) return undefined
  const bits = Number(/server_max_window_bits="?(\d+)/.exec(extensions)?.[1] ?? 15)
  return { bits, takeover: !extensions.includes('server_no_context_takeover') }
}
