import {
  type Address,
  BrokenError,
  type ByteConnection,
  ClosedError,
  ConnectError,
  SocketError,
  TimeoutError,
} from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

import type { Fields, ResponseHead } from '../codec/index.ts'
import type { BodySink } from '../coding/body-sink.ts'
import { codingsOf, type DecoderLimits } from '../coding/decoder.ts'
import { type Abortable, unwatch, watch } from './abort-watch.ts'
import { BodyIntake, type IntakeHost } from './body-intake.ts'
import type { ClientConnection } from './connection.ts'
import { clientChannels, type RequestRecord } from './diagnostics.ts'
import { RequestError } from './errors.ts'
import type { InformationalResponse, RequestOptions } from './options.ts'
import type { Pool } from './pool.ts'
import type { PreparedRequest } from './prepared-request.ts'
import { readAhead, ResponseBody, type ResponseSource } from './response-body.ts'
import { IncomingResponse, type ResponseFacts } from './response.ts'
import type { Limits, Shared } from './settings.ts'

/** Who finds a connection for a call. */
export interface CallHost {
  readonly limits: Limits
  /** It is to be sent again, on a connection that nobody has used. */
  again(call: Call): void
  /** It is over: answered to the last byte, or failed. */
  ended(call: Call, failed: boolean): void
}

/** What a call needs of what its caller said. */
export interface CallOptions {
  readonly signal: AbortSignal | undefined
  readonly onInform: RequestOptions['onInform'] | undefined
  readonly onDownload: RequestOptions['onDownload'] | undefined
  readonly onUpload: RequestOptions['onUpload'] | undefined
  readonly trailers: RequestOptions['trailers'] | undefined
  readonly shared: Shared
  /** When it has to be over, by the clock of deadlines. */
  readonly until: number
}

/** What came of an upgrade: the connection, or the answer that declined. */
export interface Outcome {
  readonly response: IncomingResponse
  /** The caller's own from now on, and what came behind the 101; undefined with any other answer. */
  readonly connection: ByteConnection | undefined
  readonly head: Uint8Array | undefined
}

const none: readonly never[] = Object.freeze([])

/**
 * One request on its way to its answer, over as many connections as it takes: all but the last of them must have
 * been lost before the server can have done anything.
 *
 * ```text
 *   waiting ──begin──▶ sent ──head──▶ answered ──end──▶ over
 *      ▲                │                │                ▲
 *      └─────again──────┴──────fail──────┴────────────────┘
 * ```
 */
export class Call implements Abortable, ResponseSource, ResponseFacts, IntakeHost {
  readonly request: PreparedRequest
  readonly shared: Shared
  /** Who has, or looks for, a connection for it. */
  pool: Pool
  readonly #options: CallOptions
  readonly #host: CallHost
  readonly #resolve: (outcome: Outcome) => void
  readonly #reject: (error: unknown) => void
  readonly #total: Deadline | undefined
  /** Milliseconds since the process began, for diagnostics. */
  readonly startedAt: number
  attempts = 0
  reused = false
  /** Only a connection that nobody has used will do. */
  fresh = false
  bytesWritten = 0
  informational: readonly InformationalResponse[] = none
  /** The one that it is on, or was on last. */
  #on: ClientConnection | undefined
  #phase = 'connect'
  #body: ResponseBody | undefined
  #intake: BodyIntake | undefined
  /** The codings of the body, which are taken off. */
  #codings: readonly string[] | undefined
  #response: IncomingResponse | undefined
  /** The answer is there, whole. */
  #ended = false
  /** Some of the request is still on its way, or some of the answer is not decoded yet. */
  #uploading = false
  #decoding = false
  #over = false
  #record: RequestRecord | undefined
  #received = 0
  /** When it began to wait for a connection, by the clock of deadlines. */
  queuedAt: number

  constructor(
    request: PreparedRequest,
    options: CallOptions,
    pool: Pool,
    host: CallHost,
    resolve: (outcome: Outcome) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request
    this.shared = options.shared
    this.#options = options
    this.pool = pool
    this.#host = host
    this.#resolve = resolve
    this.#reject = reject
    this.startedAt = this.queuedAt = Deadline.now()
    if (options.signal) watch(options.signal, this)
    const { until } = options
    if (until !== Infinity) {
      this.#total = new Deadline({ onDeadline: () => this.#timedOut() })
      this.#total.set(Math.max(0, until - this.startedAt))
    }
  }

  get url(): string {
    return this.request.target.href
  }

  get connection(): ClientConnection['connection'] | undefined {
    return this.#on?.connection
  }

  /** What diagnostics call it. */
  get record(): RequestRecord {
    const { method, target } = this.request
    return (this.#record ??= { method, url: target.display, origin: target.origin.key })
  }

  get trailers(): RequestOptions['trailers'] {
    return this.#options.trailers
  }

  get decoded(): boolean {
    return this.#codings !== undefined
  }

  /** Whether somebody reads the answer's body, or has. */
  get read(): boolean {
    return this.#body?.used ?? false
  }

  /** Whether any answer came, be it not the final one. */
  get begun(): boolean {
    return this.answered || this.informational.length > 0
  }

  /** Whether the final head has come. */
  get answered(): boolean {
    return this.#response !== undefined
  }

  get over(): boolean {
    return this.#over
  }

  /** It goes out on `connection` now. */
  begin(connection: ClientConnection, reused: boolean): void {
    this.attempts++
    this.#on = connection
    this.#phase = 'write'
    this.reused = reused
    this.bytesWritten = 0
    this.informational = none
  }

  /** All of it is written. */
  sent(): void {
    if (this.#phase === 'write') this.#phase = 'headers'
    this.#uploading = false
    this.#settleEnd()
  }

  /** So many bytes of its body are on their way. */
  uploaded(bytes: number): void {
    const { onUpload } = this.#options
    if (onUpload) this.#tell(() => onUpload({ bytes, total: this.request.body?.length }))
  }

  /** An answer came that is not the final one. */
  inform(head: ResponseHead): void {
    const informational = { status: head.status, headers: head.fields }
    this.informational = [...this.informational, informational]
    const { onInform } = this.#options
    if (onInform) this.#tell(() => onInform(informational))
  }

  /** The final head came. */
  answer(head: ResponseHead, bodiless: boolean): void {
    const { framing } = head
    const brief = this.#phase !== 'write' && typeof framing === 'number' && framing <= readAhead
    this.#phase = 'body'
    const body = (this.#body = new ResponseBody(this, brief))
    const codings = this.shared.decode && !bodiless ? codingsOf(head.fields) : undefined
    const { onDownload } = this.#options
    const sink = onDownload ? this.#reporting(body, onDownload, codings ? undefined : framing) : body
    this.#intake = new BodyIntake(sink, codings, this)
    this.#codings = codings
    this.#response = new IncomingResponse(head, this, body)
    if (clientChannels.response.hasSubscribers) {
      clientChannels.response.publish({ request: this.record, response: this.#response })
    }
    this.#resolve({ response: this.#response, connection: undefined, head: undefined })
  }

  data(chunk: Uint8Array): void {
    this.#intake!.push(chunk)
  }

  /** What one read brought is done. @throws LimitError for more codings than are allowed. */
  settle(): void {
    this.#intake?.settle()
  }

  /** The last byte of the answer came. */
  end(trailers: Fields | undefined, uploading: boolean): void {
    const intake = this.#intake!
    this.#ended = true
    // The server may well want the rest of what it has answered already.
    this.#uploading = uploading
    this.#decoding = intake.lasts
    this.#settleEnd()
    if (clientChannels.end.hasSubscribers) {
      clientChannels.end.publish({
        request: this.record,
        response: this.#response!,
        duration: this.#duration,
      })
    }
    intake.finish(trailers)
  }

  /** The server goes on with another protocol; `head` is what it sent of that already. */
  switched(answer: ResponseHead, head: Uint8Array): void {
    const body = new ResponseBody(this)
    body.finish(undefined)
    this.#finish(false)
    this.#resolve({ response: new IncomingResponse(answer, this, body), connection: this.connection, head })
  }

  /**
   * Its connection was lost, or could not be had. `begun`: bytes of an answer to it came before.
   *
   * It is sent again where the server cannot have done anything with it: none of it was written, or it may come twice
   * without harm and was lost on a connection that the server may have been closing already (RFC 9112 section 9.3.1).
   */
  fail(error: unknown, begun: boolean): void {
    if (this.#over) return
    // It has its answer, whatever becomes of the rest of its body.
    this.#uploading = false
    if (this.#ended) return this.#settleEnd()
    const { request, shared } = this
    const untouched = this.bytesWritten === 0
    const retryable = untouched || (request.idempotent && !begun)
    const connected = this.#phase !== 'connect'
    const again = retryable && connected && !this.fresh && !this.answered && (untouched || this.reused)
    if (again && shared.retry && isLoss(error) && (request.body?.replayable ?? true)) {
      this.fresh = true
      this.#phase = 'connect'
      if (clientChannels.retry.hasSubscribers) clientChannels.retry.publish({ request: this.record, error })
      this.queuedAt = Deadline.now()
      this.#host.again(this)
      return
    }
    this.#end(this.#errorOf(error, retryable))
  }

  /** The signal was aborted. */
  aborted(): void {
    this.#cut(this.#options.signal?.reason)
  }

  flow(wanted: boolean): void {
    this.#intake?.flow(wanted)
  }

  flowEncoded(wanted: boolean): void {
    this.#on?.flow(this, wanted)
  }

  decodingFailed(error: unknown): void {
    this.#cut(this.known(error))
  }

  wasDecoded(): void {
    this.#decoding = false
    this.#settleEnd()
  }

  /** The reader wants no more. */
  cancel(error?: unknown): void {
    const why = error ?? new SocketError('Cannot read body: it was discarded')
    if (!this.#ended) return this.#cut(why)
    this.#intake?.abortDecoding(why)
    if (this.#over) return
    // Whoever wants no more of the answer does not send the rest of the request, either.
    this.#finish(false)
    this.#on?.abandon(this)
  }

  get decoderLimits(): DecoderLimits {
    const { codec, contentCodings, expansion } = this.#host.limits
    return { contentCodings, expansion, bodyBytes: codec.bodyBytes }
  }

  /** An error as it is told of this request, if it is one of ours. */
  known(error: unknown): unknown {
    return error instanceof RequestError || !SocketError.is(error) ? error : this.#errorOf(error, false)
  }

  #reporting(
    body: BodySink,
    onDownload: NonNullable<RequestOptions['onDownload']>,
    framing: ResponseHead['framing'] | undefined,
  ): BodySink {
    const total = typeof framing === 'number' ? framing : undefined
    return {
      push: (chunk) => {
        this.#received += chunk.byteLength
        body.push(chunk)
        this.#tell(() => onDownload({ bytes: this.#received, total }))
      },
      finish: (trailers) => body.finish(trailers),
      abort: (error) => body.abort(error),
    }
  }

  #timedOut(): void {
    const total = this.shared.times.total
    const error = new TimeoutError(`it took more than ${total} ms`, { phase: 'total' })
    this.#cut(this.#errorOf(error, this.bytesWritten === 0 || (this.request.idempotent && !this.begun)))
  }

  /** Ends at once, whatever it is at, and the connection with it. */
  #cut(reason: unknown): void {
    if (this.#over) return
    const on = this.#on
    const waiting = this.#phase === 'connect'
    this.#end(reason)
    if (waiting) this.pool.forget(this)
    else on?.abandon(this)
  }

  #end(error: unknown): void {
    this.#finish(true)
    if (clientChannels.error.hasSubscribers) {
      clientChannels.error.publish({ request: this.record, error, duration: this.#duration })
    }
    if (this.#response) this.#intake!.abort(error)
    else this.#reject(error)
  }

  /** The answer has come, and nothing is left to do for it: until then a signal ends what is. */
  #settleEnd(): void {
    if (this.#ended && !this.#uploading && !this.#decoding && !this.#over) this.#finish(false)
  }

  #finish(failed: boolean): void {
    this.#over = true
    this.#total?.clear()
    if (this.#options.signal) unwatch(this.#options.signal, this)
    this.#host.ended(this, failed)
  }

  /** What a callback of the caller's throws, or rejects with, costs this request. */
  #tell(callback: () => unknown): void {
    try {
      const told = callback()
      if (isThenable(told)) told.then(undefined, (error: unknown) => this.#refuse(error))
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Of an encoded body the last bytes are told of when the connection has nothing to do with it any more. */
  #refuse(error: unknown): void {
    if (!this.#over) return this.#cut(error)
    this.#intake?.refuse(error)
  }

  get #duration(): number {
    return Deadline.now() - this.startedAt
  }

  #errorOf(error: unknown, retryable: boolean): RequestError {
    const { request, reused, bytesWritten, attempts } = this
    const beneath = beneathOf(error, this.#phase === 'write' ? 'Cannot send body' : 'It failed')
    const peer: Address | undefined = beneath.peer ?? this.connection?.remoteAddress ?? triedLast(beneath)
    const phase = this.#phase === 'connect' ? (beneath.phase ?? this.#phase) : this.#phase
    const url = request.target.display
    return new RequestError(beneath, {
      method: request.method,
      url,
      phase: beneath instanceof TimeoutError ? beneath.phase : phase,
      peer,
      reused,
      bytesWritten,
      attempts,
      retryable,
      begun: this.begun,
    })
  }
}

/** What is said already of what was attempted is not said twice. */
function beneathOf(error: unknown, attempt: string): SocketError {
  const told = error instanceof Error && error.message.startsWith(`${attempt}: `)
  return told ? new BrokenError(error.message, { cause: error }) : SocketError.from(error, attempt)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function'
}

/** Of the addresses that a name has, the one that was tried last. */
function triedLast(error: SocketError): Address | undefined {
  if (error instanceof ConnectError) return error.attempts.at(-1)?.address
  return SocketError.is(error.cause) ? triedLast(error.cause) : undefined
}

/** Whether a connection was lost, as any may be; what a server said wrongly, or not in time, it may say again. */
function isLoss(error: unknown): boolean {
  return error instanceof BrokenError || error instanceof ClosedError
}
