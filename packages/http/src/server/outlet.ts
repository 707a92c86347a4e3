import { type ByteConnection, TimeoutError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

import { AnswerStream, copySize, sliceSize } from './answer-stream.ts'
import type { Answer, AnswerBody } from './answer.ts'

/** The output of an HTTP connection: answers on their way out, and whether the peer takes them. */
export class Outlet {
  readonly #connection: ByteConnection
  readonly #writeTimeout: number
  readonly #writing = new Deadline({ onDeadline: () => this.#timedOut() })
  #stream: AnswerStream | undefined
  #congested = false
  #gathering = false

  constructor(connection: ByteConnection, writeTimeout: number) {
    this.#connection = connection
    this.#writeTimeout = writeTimeout
  }

  /** Whether the peer has to read before anything more is done for it. */
  get congested(): boolean {
    return this.#congested
  }

  /** Whether an answer is under way. */
  get busy(): boolean {
    return this.#stream !== undefined
  }

  /** Writes a small answer. @throws BrokenError or ClosedError when the connection is gone. */
  write({ head, framing }: Answer, body: string | Uint8Array | null): void {
    if (writeWhole(this.#connection, head, body, framing)) return
    this.#congested = true
    this.#writing.set(this.#writeTimeout)
  }

  /**
   * Begins to write a long answer; {@link AnswerStream.done} tells of its end.
   *
   * @throws what opening the body throws; nothing was written then.
   */
  stream(answer: Answer, body: Exclude<AnswerBody, null>, whole: (body: AnswerBody) => Answer): AnswerStream {
    const writeTimeout = this.#writeTimeout
    const writing = this.#writing
    const stream = new AnswerStream(answer, body, {
      connection: this.#connection,
      writing,
      writeTimeout,
      finish: (pieces) => {
        const answer = whole(pieces)
        this.write(answer, pieces)
        return answer.keepAlive
      },
    })
    this.#stream = stream
    return stream
  }

  /** The answer that was under way has left, or never will. */
  finish(): void {
    this.#stream = undefined
  }

  /** Lets what is written in this turn of the event loop leave together. */
  gather(): void {
    if (this.#gathering) return
    this.#gathering = true
    this.#connection.cork()
    process.nextTick(() => {
      this.#gathering = false
      this.#connection.uncork()
    })
  }

  /** The peer has read. False when nobody waited for it. */
  relieve(): boolean {
    if (!this.#congested) return false
    this.#congested = false
    this.#writing.clear()
    return true
  }

  /** HTTP is over on this connection: nothing is timed any more. */
  release(): void {
    this.#writing.clear()
  }

  /** The connection is gone. */
  cut(error: Error): void {
    this.release()
    this.#stream?.cut(error)
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

/** Writes head and body so that they leave together. False when the peer has to read first. */
function writeWhole(
  connection: ByteConnection,
  head: string,
  body: string | Uint8Array | null,
  framing: Answer['framing'],
): boolean {
  if (body === null || body.length === 0) return connection.write(head, 'latin1')
  // As many bytes as characters: it is ASCII, and needs no encoding of its own.
  if (typeof body === 'string' && body.length === framing) return connection.write(head + body, 'latin1')
  if (typeof body !== 'string' && body.length <= copySize) {
    const whole = Buffer.allocUnsafe(head.length + body.length)
    whole.write(head, 'latin1')
    whole.set(body, head.length)
    return connection.write(whole)
  }
  connection.cork()
  connection.write(head, 'latin1')
  const room = connection.write(body)
  connection.uncork()
  return room
}
