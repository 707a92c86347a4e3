import { BrokenError, type ByteConnection, type CloseReason, SocketError, TimeoutError } from '@fairlead/core'
import { Deadline, type DeadlineOwner, type InnerHandler } from '@fairlead/core/transport'

import { CodecError, type ResponseHead, ResponseParser } from '../../codec/index.ts'
import { HttpProtocolError } from '../../errors.ts'

/** What is asked of a proxy. */
export interface Wanted {
  /** Where to, for messages. */
  readonly authority: string
  /** Whether credentials go along. */
  readonly authorized: boolean
  /** The request, whole. */
  readonly head: string
  readonly timeout: number
}

/**
 * Sits in the handler slot of a connection to a proxy until its answer to CONNECT is there, or cannot be any more. The
 * time for it is one, however its bytes come. Of a refusal only the head is read.
 */
export class Handshake implements InnerHandler<Uint8Array>, DeadlineOwner {
  /** Rejects with what was wrong; the connection is then paused, and is the caller's to end. */
  readonly done: Promise<void>
  readonly #connection: ByteConnection
  readonly #wanted: Wanted
  readonly #deadline = new Deadline(this)
  readonly #parser: ResponseParser
  #final: ResponseHead | undefined
  /** What came behind the answer, between its end and the next handler. */
  #rest: Uint8Array | undefined
  #resolve!: () => void
  #reject!: (error: unknown) => void
  #settled = false

  constructor(connection: ByteConnection, wanted: Wanted) {
    this.#connection = connection
    this.#wanted = wanted
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#parser = new ResponseParser({
      onHead: (head) => this.#onHead(head),
      onBody: () => {},
      onEnd: () => {},
    })
    this.#parser.expect('CONNECT')
    connection.handle(this)
    try {
      connection.write(wanted.head, 'latin1')
      this.#deadline.set(wanted.timeout)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The tunnel is there: this handler has given its place up. */
  get retired(): boolean {
    return this.#rest !== undefined
  }

  onData(chunk: Uint8Array): void {
    if (this.#settled) return
    let consumed
    try {
      consumed = this.#parser.push(chunk)
    } catch (error) {
      return this.#fail(
        error instanceof CodecError
          ? this.#refused(`the proxy's answer: ${whyOf(error)}`, { cause: error })
          : error,
      )
    }
    const head = this.#final
    if (head === undefined) return
    if (!head.tunnel)
      return this.#fail(this.#refused(this.#answerOf(head), { retryable: mayPass(head.status) }))
    this.#settle()
    this.#leave(chunk.subarray(consumed))
    this.#resolve()
  }

  onEnd(): void {
    this.#fail(this.#broken('the proxy ended before it answered'))
  }

  /** What is closing is not heard any more. */
  onDeaf(reason: CloseReason = { kind: 'local' }): void {
    this.onClose(reason)
  }

  onClose(reason: CloseReason): void {
    if (reason.kind === 'error') this.#fail(this.#broken(reason.error.message, reason.error))
    else
      this.#fail(this.#broken(reason.kind === 'timeout' ? `${reason.phase} timeout` : 'connection is closed'))
  }

  onDeadline(): void {
    const { timeout } = this.#wanted
    this.#fail(
      new TimeoutError(`${this.#attempt}: no answer of the proxy within ${timeout} ms`, {
        phase: 'handshake',
        peer: this.#connection.remoteAddress,
      }),
    )
  }

  /** Whoever takes the slot has the bytes that are not the proxy's. */
  onReplaced(): readonly Uint8Array[] {
    this.#fail(this.#broken('another handler has the connection'))
    return this.#rest === undefined || this.#rest.byteLength === 0 ? [] : [this.#rest]
  }

  #onHead(head: ResponseHead): void {
    // Interim answers say nothing yet; 101 is final, and no tunnel.
    if (head.status < 200 && head.status !== 101) return
    this.#final = head
    // Bytes of a refusal's body are nobody's business.
    this.#parser.pause()
  }

  /** Empties the slot: iterating takes the place of a handler that has retired, and is left at once. */
  #leave(rest: Uint8Array): void {
    this.#rest = rest
    void this.#connection[Symbol.asyncIterator]().return?.()
  }

  get #attempt(): string {
    return `Cannot open tunnel to ${this.#wanted.authority}`
  }

  #answerOf({ status }: ResponseHead): string {
    if (status !== 407) return `the proxy answered ${status}`
    return this.#wanted.authorized
      ? 'the proxy answered 407, as it does not take these credentials'
      : 'the proxy answered 407, as it wants credentials'
  }

  #refused(why: string, facts: { cause?: unknown; retryable?: boolean }): HttpProtocolError {
    return new HttpProtocolError(`${this.#attempt}: ${why}`, {
      side: 'remote',
      code: 'ERR_FAIRLEAD_HTTP_PROXY',
      statusHint: 502,
      phase: 'handshake',
      peer: this.#connection.remoteAddress,
      ...facts,
    })
  }

  #broken(why: string, cause?: SocketError): BrokenError {
    return new BrokenError(`${this.#attempt}: ${why}`, {
      phase: 'handshake',
      peer: this.#connection.remoteAddress,
      ...(cause && { cause }),
    })
  }

  #fail(error: unknown): void {
    if (this.#settled) return
    this.#settle()
    this.#connection.pause()
    this.#reject(error)
  }

  #settle(): void {
    this.#settled = true
    this.#deadline.clear()
  }
}

function whyOf({ message }: CodecError): string {
  return message.replace('Cannot read message: ', '')
}

/** Whether a proxy may answer otherwise later: of 502 to 504 it is the target that cannot be had now. */
function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}
