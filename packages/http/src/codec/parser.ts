import { ChunkDecoder } from './chunked.ts'
import type { CycleState } from './cycle.ts'
import { Cycle } from './cycle.ts'
import { CodecError } from './errors.ts'
import type { Fields } from './fields.ts'
import type { Framing } from './framing.ts'
import type { Head, HeadReader } from './head.ts'
import type { CodecLimits } from './limits.ts'
import { checkLimit, withDefaults } from './limits.ts'
import type { RequestHead } from './request.ts'
import { RequestReader } from './request.ts'
import type { ResponseHead } from './response.ts'
import { ResponseReader } from './response.ts'
import { Section } from './section.ts'

/**
 * What a parser calls, from within `push` and `end`, for each message: `onHead` once, `onBody` as often as bytes
 * come, `onEnd` once. None of them may call `push` or `end`; what they throw comes out of those.
 */
export interface MessageHandler<H extends Head> {
  onHead(head: H): void
  /** A view of the chunk that was pushed, never empty: whoever pushed must not write there again. */
  onBody(chunk: Uint8Array): void
  /** Trailer fields that may be merged or looked at; undefined when none came. Not called for interim responses. */
  onEnd(trailers: Fields | undefined): void
}

/**
 * A push parser of HTTP/1.1 messages, one after the other, in one direction of one connection. It does no I/O,
 * keeps no chunk, and gives the same events however its input is split (but for the boundaries of `onBody`).
 *
 * ```js
 * const parser = new RequestParser({
 *   onHead: (head) => console.log(head.method, head.target),
 *   onBody: (chunk) => console.log(chunk.length),
 *   onEnd: () => console.log('end'),
 * })
 * parser.push(Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n'))
 * ```
 */
class Parser<H extends Head> {
  readonly #reader: HeadReader<H>
  readonly #handler: MessageHandler<H>
  readonly #limits: CodecLimits
  readonly #section: Section
  readonly #cycle = new Cycle()
  #chunks: ChunkDecoder | undefined
  #framing: Framing = 'none'
  /** Of the body, or of the chunk of it at hand: bytes to come, and bytes of the body told so far. */
  #remaining = 0
  #received = 0
  #bodyBytes: number
  #paused = false
  #pushing = false
  #failure: { readonly error: unknown } | undefined

  constructor(reader: HeadReader<H>, handler: MessageHandler<H>, limits: CodecLimits) {
    this.#reader = reader
    this.#handler = handler
    this.#limits = limits
    this.#bodyBytes = limits.bodyBytes
    const { headBytes: bytes, fieldCount: fields } = limits
    this.#section = new Section({ bytes, name: 'headBytes', fields, tooLarge: 'HEAD_TOO_LARGE' }, reader)
  }

  /** Where the cycle of messages stands: `offered` and `waiting` mean that {@link push} rests. */
  get state(): CycleState {
    return this.#cycle.state
  }

  /** Whether a message has begun of which the head is not complete: what a head's deadline looks at. */
  get inHead(): boolean {
    return this.#section.begun
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Stops `push` before the next byte, from within a callback too. An end that takes no byte is still told. */
  pause(): void {
    this.#paused = true
  }

  /** Undoes `pause`. What `push` did not consume is the caller's to push again. */
  resume(): void {
    this.#paused = false
  }

  /** The offer of another protocol is declined: HTTP goes on, with the bytes that were not consumed. */
  decline(): void {
    if (this.state === 'offered' || this.state === 'waiting') this.#cycle.take('decline')
  }

  /** No message begins after the one at hand: bytes that follow it are consumed and dropped. */
  last(): void {
    this.#cycle.take('last')
  }

  /** The limit for the body of the message at hand, called in `onHead` or while paused since. May be repeated. */
  limitBody(bytes: number): void {
    checkLimit('bodyBytes', bytes)
    this.#bodyBytes = bytes
  }

  /**
   * Takes the next bytes of the stream and returns how many it consumed: all of them, unless it was paused, or
   * stands behind the head of an Upgrade or a CONNECT. What it did not consume belongs to the caller: to be
   * pushed again once it is resumed, or to be given to the next protocol.
   *
   * @throws CodecError for bytes that are refused, and whatever a handler throws. It throws the same again on
   * every later call: framing is lost. TypeError for what is no bytes.
   */
  push(chunk: Uint8Array): number {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#pushing) throw new Error('Cannot push: a callback of this parser is running')
    const bytes = asBuffer(chunk)
    this.#pushing = true
    try {
      return this.#consume(bytes)
    } catch (error) {
      this.#failure = { error }
      throw error
    } finally {
      this.#pushing = false
    }
  }

  /**
   * The stream has ended, and everything before its end was pushed. Ends a body that lasts until the close.
   *
   * @throws CodecError TRUNCATED in the middle of a message, or with requests unanswered; see {@link push}.
   */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    try {
      this.#close()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  #consume(chunk: Buffer): number {
    let at = 0
    if (this.#cycle.state === 'body' && !this.#paused) this.#checkSize()
    while (at < chunk.length && !this.#paused) {
      switch (this.#cycle.state) {
        case 'idle':
          at = this.#section.read(chunk, at)
          this.#begin(this.#section.take())
          break
        case 'body':
          if (this.#framing === 'chunked' && this.#remaining === 0) at = this.#readChunk(chunk, at)
          else at = this.#readBody(chunk, at)
          break
        case 'offered':
        case 'waiting':
        case 'switched':
          return at
        case 'done':
        case 'closed':
          return chunk.length
      }
    }
    return at
  }

  #begin(raw: readonly string[] | undefined): void {
    if (raw === undefined) return
    const head = this.#reader.head(raw)
    const turn = this.#reader.turn(head)
    this.#cycle.take(turn, head.keepAlive || turn === 'interim')
    if (turn === 'head' || turn === 'offer') this.#open(head.framing)
    this.#handler.onHead(head)
    if (turn === 'interim' || turn === 'switch') return
    if (head.framing === 'none' || head.framing === 0) this.#finish(undefined)
    else if (!this.#paused) this.#checkSize()
  }

  #open(framing: Framing): void {
    this.#framing = framing
    this.#remaining = typeof framing === 'number' ? framing : framing === 'until-close' ? Infinity : 0
    this.#received = 0
    this.#bodyBytes = this.#limits.bodyBytes
    if (framing === 'chunked') (this.#chunks ??= new ChunkDecoder(this.#limits)).begin()
  }

  #readChunk(chunk: Buffer, at: number): number {
    const chunks = this.#chunks!
    const stop = chunks.read(chunk, at)
    this.#remaining = chunks.announced
    if (chunks.complete) this.#finish(chunks.trailers)
    else this.#checkSize()
    return stop
  }

  #readBody(chunk: Buffer, at: number): number {
    const stop = at + Math.min(this.#remaining, chunk.length - at, this.#bodyBytes - this.#received)
    if (stop <= at) throw bodyTooLarge()
    this.#received += stop - at
    this.#remaining -= stop - at
    this.#handler.onBody(stop - at === chunk.length ? chunk : chunk.subarray(at, stop))
    if (this.#remaining === 0 && this.#framing !== 'chunked') this.#finish(undefined)
    return stop
  }

  /** Refuses what is announced before any of it is told; of what is not announced, #readBody counts the bytes. */
  #checkSize(): void {
    if (this.#framing !== 'until-close' && this.#received + this.#remaining > this.#bodyBytes)
      throw bodyTooLarge()
  }

  #finish(trailers: Fields | undefined): void {
    this.#cycle.take('end')
    this.#handler.onEnd(trailers)
  }

  #close(): void {
    const state = this.#cycle.state
    if (state === 'switched') return
    if (state === 'idle' && (this.#section.begun || this.#reader.outstanding)) throw truncated('none', 0)
    if (state === 'offered' || (state === 'body' && this.#framing !== 'until-close')) {
      throw truncated(this.#framing, this.#received)
    }
    if (state === 'body') this.#finish(undefined)
    this.#cycle.take('eof')
  }
}

/** Reads requests: the server's side. */
export class RequestParser extends Parser<RequestHead> {
  readonly #reader: RequestReader

  /** @throws RangeError for a limit that is none. */
  constructor(handler: MessageHandler<RequestHead>, limits?: Partial<CodecLimits>) {
    const all = withDefaults(limits)
    const reader = new RequestReader(all)
    super(reader, handler, all)
    this.#reader = reader
  }

  /**
   * Of the request that began last, once its request line was read: there is no content in an answer to HEAD, be it
   * one to a head that was refused (RFC 9110 section 9.3.2).
   */
  get method(): string | undefined {
    return this.#reader.method
  }
}

/** Reads responses: the client's side. It refuses bytes that answer no request: tell it of each with `expect`. */
export class ResponseParser extends Parser<ResponseHead> {
  readonly #reader: ResponseReader

  /** @throws RangeError for a limit that is none. */
  constructor(handler: MessageHandler<ResponseHead>, limits?: Partial<CodecLimits>) {
    const all = withDefaults(limits)
    const reader = new ResponseReader(all)
    super(reader, handler, all)
    this.#reader = reader
  }

  /** A request with this method is being sent: one more response may come. Responses answer in order. */
  expect(method: string): void {
    this.#reader.expect(method)
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  if (!(chunk instanceof Uint8Array)) throw new TypeError('Cannot push: not a Uint8Array')
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function bodyTooLarge(): CodecError {
  return new CodecError('BODY_TOO_LARGE', 'the body exceeds bodyBytes')
}

function truncated(framing: Framing, received: number): CodecError {
  const where =
    typeof framing === 'number' && framing > 0
      ? `after ${received} of ${framing} bytes of the body`
      : 'in the middle of a message'
  return new CodecError('TRUNCATED', `the stream ended ${where}`)
}
