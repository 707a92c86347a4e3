// A connection of a case's server: it plays a script of exact bytes to each request, and writes down what came.

import { RequestReader } from './requests.mjs'

/** The target of the request that follows every case, and the body of its answer. */
export const LAST = '/the-last-of-this-case'
export const LAST_BODY = 'the last of this case'
const last = `HTTP/1.1 200 OK\r\nContent-Length: ${LAST_BODY.length}\r\nConnection: close\r\n\r\n${LAST_BODY}`

/** To a request that no script has an answer for. */
export const unscripted =
  'HTTP/1.1 500 Unscripted\r\nContent-Length: 10\r\nConnection: close\r\n\r\nunscripted'

/** Behind so many bytes a step goes in pieces, even byte by byte, or it would take its time. */
const bytewise = 1000
const piece = 997

/** Turns of the event loop for a byte to leave in a packet of its own, and to be read. */
const turn = () => new Promise((resolve) => setImmediate(resolve))
export const turns = async (count) => {
  for (let left = count; left > 0; left--) await turn()
}

export class Conversation {
  reader = new RequestReader()
  /** Its script is writing, or about to. */
  moving = true
  /** How the client ended it, if it did. */
  ending
  /** The last request came here. */
  last = false
  trouble
  #stage
  #socket
  #wake = () => {}

  constructor(stage, socket) {
    this.#stage = stage
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text) => {
      this.reader.push(text)
      this.#answerLast()
      this.poke()
    })
    socket.on('drain', () => this.poke())
    socket.on('end', () => this.#ended('end'))
    socket.on('error', () => this.#ended('reset'))
    socket.on('close', () => this.#ended('end'))
    void this.#play()
  }

  /** All requests but the last one. */
  get requests() {
    return this.reader.requests.filter(({ target }) => !target.endsWith(LAST))
  }

  /** Something has happened that its script may be waiting for. */
  poke() {
    this.#wake()
  }

  destroy() {
    this.#socket.destroy()
  }

  #ended(how) {
    this.ending ??= how
    if (!this.#socket.writableEnded) this.#socket.end()
    this.poke()
    this.#stage.poke()
  }

  #answerLast() {
    const request = this.reader.requests.at(-1)
    if (this.last || !request?.whole || !request.target.endsWith(LAST)) return
    this.last = true
    this.#socket.write(last)
  }

  async #until(condition) {
    if (!condition()) {
      this.moving = false
      this.#stage.poke()
      await new Promise((resolve) => {
        this.#wake = () => {
          if (!condition()) return
          this.moving = true
          this.#wake = () => {}
          resolve()
        }
      })
    }
  }

  async #play() {
    for (let at = 0; ; at++) {
      await this.#until(() => at in this.requests)
      const steps = this.#stage.next()
      if (steps[0]?.act !== 'begun') await this.#until(() => this.requests[at].whole)
      for (const step of steps) await this.#take(step)
    }
  }

  /** Bytes, what makes bytes or further steps of the request, or something else to do. */
  async #take(step) {
    if (typeof step === 'string') await this.#write(step)
    else if (typeof step === 'function')
      for (const next of [step(this.requests.at(-1))].flat()) await this.#take(next)
    else await this.#act(step)
  }

  async #act({ act, value }) {
    switch (act) {
      case 'begun':
        return
      case 'rest':
        return this.#until(() => this.requests.at(-1).whole)
      case 'still': {
        await turns(10)
        const { body } = this.requests.at(-1)
        if (body !== '') this.trouble = `${body.length} bytes of the body came before they were asked for`
        return
      }
      case 'raw':
        return this.reader.raw()
      case 'bytes':
        return this.#until(() => this.reader.tunnel.includes(value) || this.ending !== undefined)
      case 'told':
        return this.#until(() => this.#stage.told >= value)
      case 'cue':
        await turns(4)
        return this.#stage.cue()
      case 'gone':
        return this.#until(() => this.ending !== undefined)
      case 'deaf':
        this.#socket.pause()
        return
      case 'hear':
        this.#socket.resume()
        return
      case 'pause':
        return new Promise((resolve) => setTimeout(resolve, value))
      case 'fin':
        this.#socket.end()
        return
      case 'reset':
        await turns(4)
        this.#socket.resetAndDestroy()
        return
      default:
        throw new Error(`no such step: ${act}`)
    }
  }

  async #write(text) {
    const bytes = this.#stage.fill(text)
    if (this.#stage.whole) {
      this.#socket.write(bytes, 'latin1')
      return
    }
    for (let at = 0; at < bytes.length && this.#socket.writable;) {
      const from = at
      at += at < bytewise ? 1 : piece
      this.#socket.write(bytes.slice(from, at), 'latin1')
      await this.#until(() => !this.#socket.writableNeedDrain || !this.#socket.writable)
      await turn()
    }
  }
}
