import { ClosedError } from '@fairlead/core'

import type { RequestHead } from '../codec/index.ts'
import { type BodySource, IncomingBody } from '../message/body.ts'

/** What an intake asks of the connection that it is filled from. */
export interface IntakeHost {
  /** The reader wants bytes from now on, or no longer does. */
  flow(intake: Intake, wanted: boolean): void
  /** The reader threw. */
  fail(intake: Intake, error: unknown): void
}

/** Bytes of a body that are read and dropped after an early answer, so as to keep the connection. */
const dropLimit = 64 * 1024

/** Bytes that earn a slow sender another body timeout: one at a time would do for ever. */
const progress = 1024

/**
 * The body of one request on its way in: read because somebody wants it, left where it is because nobody does,
 * or dropped because the request was answered without it.
 */
export class Intake implements BodySource {
  readonly body: IncomingBody
  readonly #head: RequestHead
  readonly #host: IntakeHost
  #wanted = false
  #read = false
  #asked = false
  #dropping = false
  #received = 0
  #dropped = 0
  #earned = 0

  constructor(head: RequestHead, host: IntakeHost) {
    this.#head = head
    this.#host = host
    this.body = new IncomingBody(this)
  }

  /** Whether its end has arrived. */
  get ended(): boolean {
    return this.body.complete
  }

  /** Whether bytes may come now. */
  get open(): boolean {
    return this.#wanted || this.#dropping
  }

  /** Whether somebody has begun to read it. */
  get read(): boolean {
    return this.#read
  }

  /** Whether what is left will come, and is little enough to be read for the sake of the connection. */
  get worthDropping(): boolean {
    if (this.ended) return true
    const { framing, expectContinue } = this.#head
    // A client that was not told to continue may or may not send the body (RFC 9110 section 10.1.1).
    if (expectContinue && !this.#asked) return false
    return typeof framing !== 'number' || framing - this.#received <= dropLimit
  }

  /** Whether nobody has asked for it yet; asking makes it so. */
  ask(): boolean {
    const first = !this.#asked
    this.#asked = true
    return first
  }

  /** Whether enough came since the last time to earn its sender more time. What is dropped earns none. */
  earned(): boolean {
    if (this.#earned < progress || this.#dropping) return false
    this.#earned = 0
    return true
  }

  /** Counts what is about to be pushed. */
  count(bytes: number): void {
    this.#received += bytes
    this.#earned += bytes
  }

  /** Bytes came. False when it is too much to drop. */
  push(chunk: Uint8Array): boolean {
    if (this.#dropping) return (this.#dropped += chunk.byteLength) <= dropLimit
    this.body.push(chunk)
    return true
  }

  /** The request was answered: the rest is dropped as it comes. */
  drop(): void {
    this.#dropping = true
    this.body.abort(answeredError())
  }

  flow(wanted: boolean): void {
    if (this.#dropping) return
    this.#wanted = wanted
    this.#read ||= wanted
    this.#host.flow(this, wanted)
  }

  fail(error: unknown): void {
    this.#host.fail(this, error)
  }
}

/** What the reader of a body hears that is still there when the request was answered. */
export function answeredError(): ClosedError {
  return new ClosedError('Cannot read body: the request was answered')
}
