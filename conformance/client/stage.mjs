// The server of a case.

import { once } from 'node:events'
import { createServer } from 'node:net'

import { Conversation, turns, unscripted } from './conversation.mjs'

/** A case's server, on one port and on another, which plays the scripts in the order in which requests come. */
export class Stage {
  conversations = []
  whole
  /** How many asks have come to an end. */
  told = 0
  cue = () => {}
  port = 0
  other = 0
  #scripts
  #servers
  #wake = () => {}

  constructor(scripts, whole) {
    this.#scripts = scripts
    this.whole = whole
    this.#servers = [0, 1].map(() =>
      createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
        this.conversations.push(new Conversation(this, socket))
      }),
    )
  }

  async open(host) {
    for (const server of this.#servers) {
      server.listen(0, host)
      await once(server, 'listening')
    }
    ;[this.port, this.other] = this.#servers.map((server) => server.address().port)
    return this
  }

  /** The script for the next request, whatever connection it has come on. */
  next() {
    return this.#scripts.shift() ?? [unscripted]
  }

  /** The text with its `{port}` and `{other}` filled in. */
  fill(text) {
    return text.replaceAll('{port}', this.port).replaceAll('{other}', this.other)
  }

  poke() {
    this.#wake()
  }

  /** An ask has come to an end. */
  tell() {
    this.told++
    for (const one of this.conversations) one.poke()
  }

  /** When no script is writing, and what they have written has arrived. */
  async quiet() {
    await this.until(() => this.conversations.every(({ moving }) => !moving))
    await turns(4)
  }

  /** When `condition` holds, or `patience` milliseconds are over, which it tells. */
  async until(condition, patience = 2000) {
    if (condition()) return true
    return new Promise((resolve) => {
      const finish = (held) => {
        clearTimeout(timer)
        this.#wake = () => {}
        resolve(held)
      }
      const timer = setTimeout(finish, patience, false)
      this.#wake = () => condition() && finish(true)
    })
  }

  close() {
    for (const server of this.#servers) server.close()
    for (const one of this.conversations) one.destroy()
  }
}
