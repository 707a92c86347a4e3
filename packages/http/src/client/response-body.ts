import { BusyError, LimitError, SocketError } from '@fairlead/core'
import { rejected } from '@fairlead/core/transport'

import type { Fields } from '../codec/index.ts'
import type { BodySink } from '../coding/body-sink.ts'
import { IncomingBody } from '../message/body.ts'
import { Pieces } from '../message/pieces.ts'

/** Whoever the bytes of an answer come from. */
export interface ResponseSource {
  /** More bytes are wanted from now on, or none. */
  flow(wanted: boolean): void
  /** Nobody wants the rest: `error` is what the reader threw, if it did. */
  cancel(error?: unknown): void
}

/** Bytes of a body that are read from the connection before anybody asks for them: it may be free then. */
export const readAhead = 64 * 1024

/** Bytes that `bytes` and `text` take unless told otherwise. */
const defaultLimit = 64 * 1024 * 1024

interface Collector {
  readonly limit: number
  resolve(bytes: Uint8Array): void
  reject(error: unknown): void
}

/**
 * The body of an answer. It is kept until somebody asks, up to {@link readAhead}; then it is collected, or goes
 * through an {@link IncomingBody}, which is made for that. Most bodies are there, whole, before anybody asks.
 *
 * ```text
 *   kept ──collect──▶ collected
 *     └────reader───▶ read
 * ```
 */
export class ResponseBody implements BodySink {
  readonly #source: ResponseSource
  readonly #brief: boolean
  /** What came so far: the one piece that most bodies are, or more of them. */
  #kept: Uint8Array | Pieces | undefined
  #reader: IncomingBody | undefined
  /** What those see who come when somebody reads it, or nobody wants it: a body that has a reader. */
  #taken: IncomingBody | undefined
  #collector: Collector | undefined
  #used = false
  #dropped = false
  #complete = false
  #failure: { readonly error: unknown } | undefined
  #trailers: Fields | undefined
  /** Undefined: whoever reads it now has not said. */
  #flowing: boolean | undefined = true

  /** @param brief whether it is known to be short: waiting for the rest costs less than another connection. */
  constructor(source: ResponseSource, brief = false) {
    this.#source = source
    this.#brief = brief
  }

  get complete(): boolean {
    return this.#complete
  }

  /** Whether somebody asked for it. */
  get used(): boolean {
    return this.#used
  }

  get trailers(): Fields | undefined {
    return this.#trailers
  }

  /** As it comes, for one reader. */
  get reader(): IncomingBody {
    if (!this.#reader && this.#used) return (this.#taken ??= this.#lent())
    return (this.#reader ??= this.#open())
  }

  /**
   * All of it, in one piece.
   *
   * @throws LimitError beyond `limit`, which cancels it; what it failed with; BusyError where it has a reader.
   */
  collect(limit = defaultLimit): Promise<Uint8Array> {
    if (!(limit >= 0)) return rejected(new RangeError(`Invalid limit: ${limit} is not a number of bytes`))
    if (this.#used)
      return this.#reader?.taken === false ? this.#reader.bytes(limit) : rejected(secondReader())
    this.#used = true
    const size = this.#size
    if (size > limit) {
      this.#kept = undefined
      if (!this.#complete) this.#source.cancel()
      return rejected(tooLarge(limit, size))
    }
    if (this.#complete) return Promise.resolve(this.#take())
    if (this.#failure) return rejected(this.#failure.error)
    return new Promise((resolve, reject) => {
      this.#collector = { limit, resolve, reject }
      this.#flow(true)
    })
  }

  /** Nobody wants it: a connection with the rest of it is closed, unless that is known to be short. */
  discard(): void {
    this.#used = true
    this.#kept = undefined
    if (this.#failure) return
    if (this.#complete || this.#reader || this.#collector || !this.#brief) this.#source.cancel()
    else this.#dropped = true
  }

  push(chunk: Uint8Array): void {
    if (this.#dropped) return
    if (this.#reader) return this.#reader.push(chunk)
    const size = this.#size + chunk.byteLength
    const collector = this.#collector
    if (collector && size > collector.limit) {
      this.#collector = this.#kept = undefined
      collector.reject(tooLarge(collector.limit, size))
      this.#source.cancel()
      return
    }
    if (this.#kept === undefined) this.#kept = chunk
    else {
      if (this.#kept instanceof Uint8Array) this.#kept = piecesOf(this.#kept)
      this.#kept.push(chunk)
    }
    if (!collector && size > readAhead) this.#flow(false)
  }

  finish(trailers: Fields | undefined): void {
    if (this.#failure) return
    this.#complete = true
    this.#trailers = trailers
    this.#reader?.finish(trailers)
    this.#taken?.finish(trailers)
    const collector = this.#collector
    this.#collector = undefined
    collector?.resolve(this.#take())
  }

  abort(error: unknown): void {
    if (this.#complete || this.#failure) return
    this.#failure = { error }
    if (this.#reader) end(this.#reader, error)
    if (this.#taken) end(this.#taken, error)
    this.#collector?.reject(error)
    this.#collector = undefined
  }

  get #size(): number {
    const kept = this.#kept
    return kept === undefined ? 0 : kept instanceof Uint8Array ? kept.byteLength : kept.size
  }

  #take(): Uint8Array {
    const kept = this.#kept
    this.#kept = undefined
    if (kept === undefined) return new Uint8Array()
    return kept instanceof Uint8Array ? kept : kept.whole()
  }

  #flow(wanted: boolean): void {
    if (this.#flowing === wanted) return
    this.#flowing = wanted
    this.#source.flow(wanted)
  }

  #open(): IncomingBody {
    this.#used = true
    const reader = new IncomingBody({
      flow: (wanted) => {
        if (!this.#complete && !this.#failure) this.#flow(wanted)
      },
      fail: (error) => this.#source.cancel(error),
    })
    // That there is a reader is news, be it one that wants nothing yet.
    this.#flowing = undefined
    if (this.#kept !== undefined) reader.push(this.#take())
    return this.#ended(reader)
  }

  #lent(): IncomingBody {
    const body = new IncomingBody({ flow() {}, fail() {} })
    body.handle({ onData() {} })
    return this.#ended(body)
  }

  /** `body`, which has heard of the end if that has come. */
  #ended(body: IncomingBody): IncomingBody {
    if (this.#complete) body.finish(this.#trailers)
    if (this.#failure) end(body, this.#failure.error)
    return body
  }
}

/** What a signal was aborted with is told as it is. */
function end(reader: IncomingBody, error: unknown): void {
  if (SocketError.is(error)) reader.abort(error)
  else reader.cancel(error)
}

function piecesOf(first: Uint8Array): Pieces {
  const pieces = new Pieces()
  pieces.push(first)
  return pieces
}

function secondReader(): BusyError {
  return new BusyError('Cannot read body: it has, or had, a reader already', { phase: 'body' })
}

function tooLarge(limit: number, value: number): LimitError {
  return new LimitError(`Cannot read body: more than ${limit} bytes`, {
    limit: 'limit',
    value,
    phase: 'body',
  })
}
