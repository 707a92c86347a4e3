import type { CookieJar } from './cookie.ts'
import { readFrame, staleSize, writeFrame } from './frames.ts'

/** Who is at the door: as the carrier names him, and the nonce of his session, if he has one. */
export interface Caller {
  readonly host: string
  readonly port: number
  readonly nonce: string | undefined
}

/** Something to send back. */
export interface Answer {
  readonly act: 'answer'
  readonly data: Uint8Array
  /** Whether it brings a cookie. */
  readonly cookie?: true
  /** Why the caller gets no session for what he sent, if that is to be counted. */
  readonly cause?: 'cookie' | 'suspended'
  readonly lost?: true
}

/** What to do about a datagram. An answer never has more octets than what it answers. */
export type Verdict =
  | { readonly act: 'deliver'; readonly lost?: never }
  /** `lost`: it was the application's, and there is no session for it. */
  | { readonly act: 'drop'; readonly lost?: true }
  | Answer
  | { readonly act: 'admit'; readonly nonce: string; readonly lost?: never }

const drop: Verdict = { act: 'drop' }
const lose: Verdict = { act: 'drop', lost: true }
const deliver: Verdict = { act: 'deliver' }
const stale: Answer = { act: 'answer', data: writeFrame('stale'), lost: true }

/**
 * The server's side of source validation: keeps nothing about anybody who has not shown a cookie. It is asked
 * about datagrams of senders without a session, and about those that look like control datagrams.
 */
export class Doorkeeper {
  readonly #jar: CookieJar

  constructor(jar: CookieJar) {
    this.#jar = jar
  }

  /** `open`: whether new sessions are made. */
  judge(data: Uint8Array, caller: Caller, open: boolean, now: number): Verdict {
    const frame = readFrame(data)
    if (!frame) {
      if (caller.nonce !== undefined) return deliver
      return open && data.byteLength >= staleSize ? stale : lose
    }
    const { type, nonce, cookie } = frame
    const asks = type === 'hello' || type === 'answer'
    // Never an answer to what servers say: two of them would talk for ever.
    if (nonce === caller.nonce) return asks ? welcome(nonce) : drop
    if (!asks) return caller.nonce === undefined ? drop : deliver
    if (!open) return { ...refuse(nonce), cause: 'suspended' }
    const holder = { host: caller.host, port: caller.port, nonce }
    if (type === 'answer' && this.#jar.knows(cookie, holder, now)) return { act: 'admit', nonce }
    const retry = writeFrame('retry', nonce, this.#jar.make(holder, now))
    return { act: 'answer', data: retry, cookie: true, ...(type === 'answer' && { cause: 'cookie' }) }
  }
}

/** The session is there; said again as often as it is asked. */
export function welcome(nonce: string): Answer {
  return { act: 'answer', data: writeFrame('welcome', nonce) }
}

/** There will be no session now. */
export function refuse(nonce: string): Answer {
  return { act: 'answer', data: writeFrame('refuse', nonce) }
}
