import { Backoff } from '@fairlead/core/reconnect'

import { type Frame, writeFrame } from './frames.ts'

/** Milliseconds that no wait is shorter than. RFC 8085 section 3.1.1 wants about a second while no round trip is known. */
const shortest = 500
/** How much longer the last waits may be. */
const cap = 4_000

/**
 * The client's side of source validation, once through:
 *
 * ```text
 *   HELLO ──▶ RETRY(cookie) ──▶ ANSWER(cookie) ──▶ WELCOME
 *     └── and ANSWER: repeated until answered       └─ or REFUSE
 * ```
 *
 * It sends nothing and holds no timer: whoever drives it asks what to send, and how long to wait.
 */
export class Handshake {
  readonly #nonce: string
  readonly #backoff: Backoff
  #cookie: Uint8Array | undefined
  #answered = false

  /** `random` gives numbers from 0 up to and without 1. */
  constructor(nonce: string, random: () => number) {
    this.#nonce = nonce
    this.#backoff = new Backoff({ base: shortest, cap, random })
  }

  /** What is to be sent now, for the first time or again. */
  datagram(): Uint8Array {
    if (!this.#cookie) return writeFrame('hello', this.#nonce)
    this.#answered = true
    return writeFrame('answer', this.#nonce, this.#cookie)
  }

  /** Milliseconds to wait for an answer before {@link datagram} is sent again: 500 to 1,000, later up to 4,500. */
  patience(): number {
    this.#answered = false
    return shortest + (this.#backoff.next() ?? cap)
  }

  /** What follows from a control datagram: send {@link datagram} now, the end, or nothing. */
  receive({ type, nonce, cookie }: Frame): 'send' | 'welcomed' | 'refused' | undefined {
    if (nonce !== this.#nonce) return undefined
    if (type === 'welcome') return 'welcomed'
    if (type === 'refuse') return 'refused'
    if (type !== 'retry') return undefined
    this.#cookie = cookie
    // Once in each wait: a server that likes no cookie would be answered as fast as the line is.
    return this.#answered ? undefined : 'send'
  }
}
