import { BusyError, type ConnectionHandler, LimitError, SocketError } from '@fairlead/core'
import { ChunkIterator, HandlerSlot } from '@fairlead/core/transport'

import type { Fields } from '../codec/index.ts'
import { Pieces } from './pieces.ts'

/** What a body asks of the connection that its bytes come from. */
export interface BodySource {
  /** The reader wants bytes from now on, or no longer does. */
  flow(wanted: boolean): void
  /** The reader threw. */
  fail(error: unknown): void
}

/** An error that the client is to blame for, and the status that it gets unless somebody catches it. */
export interface Refused {
  readonly error: unknown
  readonly status: number
}

/** Bytes that a reader by iteration may hold before the connection is told to wait. */
const iterationLimit = 64 * 1024

/** Bytes that a piece takes beside its own. */
const overhead = 64

/**
 * The body of a message while it arrives. Nothing is read from the connection before somebody handles, iterates
 * or collects it, and there is one reader. Iteration throws when the message is cut off.
 */
export class IncomingBody implements AsyncIterable<Uint8Array> {
  readonly #slot: HandlerSlot<Uint8Array>
  #complete = false
  #taken = false
  #aborted = false
  #trailers: Fields | undefined
  #refused: Refused | undefined

  constructor(source: BodySource) {
    this.#slot = new HandlerSlot<Uint8Array>({
      flow: (wanted) => source.flow(wanted),
      answerEnd: () => {},
      closeForShutdown: () => {},
      fail: (error) => source.fail(error),
    })
  }

  /** A body without bytes. */
  static empty(): IncomingBody {
    const body = new IncomingBody({ flow() {}, fail() {} })
    body.finish()
    return body
  }

  /** Whether its end has arrived, read or not. */
  get complete(): boolean {
    return this.#complete
  }

  /**
   * The fields behind the body, once its end has come, if there were any; those that must not stand there were
   * dropped (RFC 9110 section 6.5.1). They may say what the head did not: nobody has to believe them.
   */
  get trailers(): Fields | undefined {
    return this.#trailers
  }

  /** Whether it has, or had, a reader. */
  get taken(): boolean {
    return this.#taken
  }

  /** What a reader threw because of what the client sent, and the status that says so to it. */
  get refused(): Refused | undefined {
    return this.#refused
  }

  /** A reader is about to throw because of what the client sent. The first time counts. */
  refuse(error: unknown, status: number): void {
    this.#refused ??= { error, status }
  }

  /** The hot path: `onData` for each piece, `onEnd` after the last, `onClose` with an error when it is cut off. */
  handle(handler: ConnectionHandler<Uint8Array>): void {
    if (this.#slot.occupied) throw new BusyError('Cannot handle: the body has a reader already')
    this.#taken = true
    this.#slot.install(handler)
  }

  /** Stops delivery to the handler; a client that sends on has to wait. */
  pause(): void {
    this.#slot.pause()
  }

  resume(): void {
    this.#slot.resume()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    this.#taken = true
    return new ChunkIterator(this.#slot, iterationLimit, (chunk) => chunk.byteLength + overhead)
  }

  /**
   * All of it, in one piece.
   *
   * @param limit the most bytes to keep. Default 1 MiB.
   * @throws LimitError beyond that, which the client of a server gets 413 for unless somebody catches it; SocketError when the message is cut off, BusyError for a second reader.
   */
  async bytes(limit = 1024 * 1024): Promise<Uint8Array> {
    const pieces = new Pieces()
    for await (const chunk of this) {
      const value = pieces.size + chunk.byteLength
      if (value > limit) {
        const error = new LimitError(`Cannot read body: more than ${limit} bytes`, { limit: 'limit', value })
        this.refuse(error, 413)
        throw error
      }
      pieces.push(chunk)
    }
    return pieces.whole()
  }

  /** All of it as UTF-8 text; see {@link bytes}. */
  async text(limit?: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(limit))
  }

  /** Bytes came. */
  push(chunk: Uint8Array): void {
    if (!this.#aborted) this.#slot.push(chunk)
  }

  /** The end came. */
  finish(trailers?: Fields): void {
    this.#complete = true
    this.#trailers = trailers
    if (!this.#aborted) this.#slot.pushEnd()
  }

  /** The message was cut off, or is none of the reader's business any more. */
  abort(error: unknown): void {
    this.#cut(SocketError.from(error, 'Cannot read body'))
  }

  /** A signal of the reader's ended it: the reader is told the signal's own reason, whatever that is. */
  cancel(reason: unknown): void {
    this.#cut(reason as SocketError)
  }

  #cut(error: SocketError): void {
    if (this.#complete || this.#aborted) return
    this.#aborted = true
    this.#slot.close({ kind: 'error', error })
  }
}

// Who builds this package may rename a class that names itself.
Object.defineProperty(IncomingBody, 'name', { value: 'IncomingBody', configurable: true })
