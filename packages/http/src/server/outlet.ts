import { type ByteConnection, ClosedError, TimeoutError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

import { AnswerStream, copySize, type LongAnswer, sliceSize } from './answer-stream.ts'
import type { Answer, AnswerBody } from './answer.ts'
import type { Counters } from './stats.ts'

/**
 * The output of an HTTP connection: answers on their way out, and whether the peer takes them.
 *
 * Small answers are kept as text of one character a byte while more may come in the same turn, and leave in one
 * write: joining text costs next to nothing, and each write of a socket a microsecond.
 */
export class Outlet {
  readonly #connection: ByteConnection
  readonly #writeTimeout: number
  readonly #counters: Counters
  readonly #writing = new Deadline({ onDeadline: () => this.#timedOut() })
  #stream: AnswerStream | undefined
  #text = ''
  #gathering = false
  #turning = false
  #congested = false
  #written = 0

  constructor(connection: ByteConnection, writeTimeout: number, counters: Counters) {
    this.#connection = connection
    this.#writeTimeout = writeTimeout
    this.#counters = counters
  }

  /** Whether the peer has to read before anything more is done for it. */
  get congested(): boolean {
    return this.#congested
  }

  /** Whether a long answer is under way. */
  get busy(): boolean {
    return this.#stream !== undefined
  }

  /** Whether something of it was written. */
  get begun(): boolean {
    return this.#stream?.begun === true
  }

  /** Bytes of all answers so far. */
  get written(): number {
    return this.#written
  }

  /** Writes a small answer. @throws BrokenError or ClosedError when the connection is gone. */
  write({ head, framing }: Answer, body: string | Uint8Array | null): void {
    if (body === null || body.length === 0) this.say(head)
    // As many bytes as characters: it is ASCII, and needs no encoding of its own.
    else if (typeof body === 'string' && body.length === framing) this.say(head + body)
    else this.#writeBytes(head, typeof body === 'string' ? Buffer.from(body) : body)
  }

  /** Writes text of one character a byte. @throws BrokenError or ClosedError when the connection is gone. */
  say(text: string): void {
    if (!this.#gathering) {
      if (!this.#connection.write(text, 'latin1')) this.congest()
      this.#count(text.length)
      return
    }
    // Whoever writes now would hear of it; who gathers has to look.
    if (this.#connection.state !== 'open') throw new ClosedError('Cannot write: connection is closed')
    this.#count(text.length)
    this.#text += text
    if (this.#text.length > sliceSize) this.#send()
  }

  /**
   * Begins to write a long answer; {@link AnswerStream.done} tells of its end.
   *
   * @throws what opening the body throws; nothing was written then.
   */
  stream(answer: LongAnswer): AnswerStream {
    const stream = new AnswerStream(answer, {
      connection: this.#connection,
      writing: this.#writing,
      writeTimeout: this.#writeTimeout,
      flush: () => this.#send(),
      count: (bytes) => this.#count(bytes),
      congest: () => this.congest(),
      write: (whole, body) => this.write(whole, body),
    })
    this.#stream = stream
    return stream
  }

  /** The answer that was under way has left, or never will. */
  finish(): void {
    this.#stream = undefined
  }

  /** Keeps small answers until {@link flush}. */
  gather(): void {
    this.#gathering = true
  }

  /** Keeps small answers until this turn of the event loop ends, so that they leave together. */
  gatherTurn(): void {
    if (this.#turning) return
    this.#gathering = this.#turning = true
    process.nextTick(() => {
      this.#turning = false
      this.flush()
    })
  }

  /** Writes what was gathered, unless the turn is not over. */
  flush(): void {
    if (this.#turning) return
    this.#gathering = false
    if (this.#text === '') return
    try {
      this.#send()
    } catch {
      // The connection is gone, and tells so itself.
    }
  }

  /** Writes what was gathered, because something else is written behind it. */
  flushNow(): void {
    this.#turning = false
    this.flush()
  }

  /** The peer does not take what it is given: it has its time from now on. */
  congest(): void {
    if (this.#congested) return
    this.#congested = true
    this.#writing.set(this.#writeTimeout)
  }

  /** The peer has read. False when nobody waited for it. */
  relieve(): boolean {
    if (!this.#congested) return false
    this.#congested = false
    this.#writing.clear()
    return true
  }

  /** HTTP is over on this connection: what was gathered leaves, and nothing is timed any more. */
  release(): void {
    this.flushNow()
    this.#writing.release()
  }

  /** The connection is gone. */
  cut(error: Error): void {
    this.#text = ''
    this.#writing.release()
    this.#stream?.cut(error)
  }

  #writeBytes(head: string, body: Uint8Array): void {
    if (body.length <= copySize) return this.say(head + asBuffer(body).toString('latin1'))
    this.#count(head.length + body.length)
    const connection = this.#connection
    connection.cork()
    connection.write(this.#text + head, 'latin1')
    this.#text = ''
    const room = connection.write(body)
    connection.uncork()
    if (!room) this.congest()
  }

  #send(): void {
    const text = this.#text
    this.#text = ''
    if (text !== '' && !this.#connection.write(text, 'latin1')) this.congest()
  }

  #count(bytes: number): void {
    this.#written += bytes
    this.#counters.bytesOut += bytes
  }

  #timedOut(): void {
    this.#connection.destroy(new TimeoutError('Cannot write: the peer takes nothing', { phase: 'write' }))
  }
}

/** Whether a body may be written without a look at what the peer takes. */
export function isSmall(body: AnswerBody): body is string | Uint8Array | null {
  return (
    body === null || ((typeof body === 'string' || body instanceof Uint8Array) && body.length <= sliceSize)
  )
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
