import type { ByteConnection } from '@fairlead/core'
import type { Deadline } from '@fairlead/core/transport'

import type { Framing } from '../codec/index.ts'
import { framedLength, sliceSize, writePiece } from '../message/framed-piece.ts'
import { type PieceSource, sourceOf } from '../message/piece-source.ts'
import type { Answer, AnswerBody } from './answer.ts'

export { copySize, sliceSize } from '../message/framed-piece.ts'

/**
 * An answer that goes out in its own time. What it says of the connection is decided when its head leaves, and not
 * when it is given: by then somebody may have begun to read the request's body, or the server to close.
 */
export interface LongAnswer {
  readonly body: Exclude<AnswerBody, null>
  readonly framing: Framing
  /** Its head leaves, whatever is still to come. */
  begin(): Answer
  /** It leaves in one piece, since its body turned out to be whole. Undefined: in chunks, come what may. */
  readonly whole: ((body: Uint8Array) => Answer) | undefined
  /** What ends the body in chunks: the last one, with trailers if there are any. */
  readonly last: () => string
}

/** How an {@link AnswerStream} reaches its peer. */
export interface AnswerStreamOptions {
  readonly connection: ByteConnection
  /** Set while the peer has to read. */
  readonly writing: Deadline
  readonly writeTimeout: number
  /** Writes what is to leave before. */
  flush(): void
  /** Bytes were written. */
  count(bytes: number): void
  /** The peer does not take the end of it. */
  congest(): void
  /** Writes an answer in one piece. */
  write(answer: Answer, body: Uint8Array): void
}

/**
 * An answer that goes out piece by piece, no faster than the peer reads.
 *
 * The pieces that come in the turn of the event loop in which it began leave together with the head; if that was
 * all, the answer gets a Content-Length. So text that was wrapped in a stream goes out as text does, and a stream
 * that has to wait for something does not hold its head back.
 */
export class AnswerStream {
  /**
   * Resolves with whether the connection outlives it. Rejects with what the source threw, TypeError when it is not
   * as long as its Content-Length says, BrokenError or ClosedError when the peer is gone.
   */
  readonly done: Promise<boolean>
  readonly #answer: LongAnswer
  readonly #options: AnswerStreamOptions
  readonly #source: PieceSource
  readonly #declared: number | undefined
  readonly #gathered: Uint8Array[] = []
  #size = 0
  #begun = false
  #keepAlive = false
  #ended = false
  #room = true
  #reject!: (error: unknown) => void

  /** @throws what opening the body throws. */
  constructor(answer: LongAnswer, options: AnswerStreamOptions) {
    this.#answer = answer
    this.#options = options
    this.#source = sourceOf(answer.body)
    this.#declared = typeof answer.framing === 'number' ? answer.framing : undefined
    this.done = new Promise((resolve, reject) => {
      this.#reject = reject
      this.#run().then(resolve, (error: unknown) => this.cut(error))
    })
    // A tick that is asked for in a microtask comes when no microtask is left: at the end of this turn.
    queueMicrotask(() => process.nextTick(() => this.#turnOver()))
  }

  /** Whether anything of it was written. */
  get begun(): boolean {
    return this.#begun
  }

  /** The peer is gone, or the answer failed. */
  cut(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#source.cancel(error)
    this.#reject(error)
  }

  async #run(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#source.next()
      if (this.#ended) return false
      if (done) break
      await this.#take(bytesOf(value))
    }
    if (this.#declared !== undefined && this.#size < this.#declared) throw lengthError('shorter')
    const keepAlive = this.#finish()
    this.#ended = true
    return keepAlive
  }

  async #take(bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength === 0) return
    this.#size += bytes.byteLength
    if (this.#declared !== undefined && this.#size > this.#declared) throw lengthError('longer')
    if (!this.#begun && this.#size <= sliceSize) {
      this.#gathered.push(bytes)
      return
    }
    this.#begin()
    for (let at = 0; at < bytes.byteLength; at += sliceSize) {
      this.#write(bytes.length <= sliceSize ? bytes : bytes.subarray(at, at + sliceSize))
      if (!this.#room) await this.#drained()
    }
    if (this.#options.connection.buffered === 0) this.#source.reuse?.()
  }

  #turnOver(): void {
    if (this.#ended) return
    try {
      this.#begin()
    } catch (error) {
      this.cut(error)
    }
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    const { connection, flush, count } = this.#options
    const { head, keepAlive } = this.#answer.begin()
    this.#keepAlive = keepAlive
    flush()
    count(head.length)
    connection.cork()
    connection.write(head, 'latin1')
    for (const bytes of this.#gathered.splice(0)) this.#write(bytes)
    connection.uncork()
  }

  #finish(): boolean {
    const { connection, write, count, congest } = this.#options
    const { framing, whole, last } = this.#answer
    if (!this.#begun && whole) {
      this.#begun = true
      const pieces = this.#gathered
      const body = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
      const answer = whole(body)
      write(answer, body)
      return answer.keepAlive
    }
    this.#begin()
    if (framing === 'chunked') {
      const end = last()
      count(end.length)
      this.#room = connection.write(end, 'latin1')
    }
    if (!this.#room) congest()
    return this.#keepAlive
  }

  #write(bytes: Uint8Array): void {
    const { connection, count } = this.#options
    const chunked = this.#answer.framing === 'chunked'
    count(framedLength(bytes, chunked))
    this.#room = writePiece(connection, bytes, chunked)
  }

  async #drained(): Promise<void> {
    const { connection, writing, writeTimeout } = this.#options
    writing.set(writeTimeout)
    await connection.drained()
    writing.clear()
    this.#room = true
  }
}

/** A piece of a body as it is sent. @throws TypeError for what is neither text nor bytes. */
export function bytesOf(piece: unknown): Uint8Array {
  if (typeof piece === 'string') return Buffer.from(piece)
  if (piece instanceof Uint8Array) return piece
  throw new TypeError('Cannot respond: a piece of the body is neither text nor bytes')
}

function lengthError(how: 'longer' | 'shorter'): TypeError {
  return new TypeError(`Cannot respond: the body is ${how} than its Content-Length`)
}
