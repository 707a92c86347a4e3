import type { Fields } from '../codec/index.ts'
import type { BodySink } from '../coding/body-sink.ts'
import { type Decoder, decodeInto, type DecoderLimits, decodeWhole, wholeLimit } from '../coding/decoder.ts'
import { Pieces } from '../message/pieces.ts'

/** What is asked and told of the call whose answer's body it is. */
export interface IntakeHost {
  readonly decoderLimits: DecoderLimits
  /** More of what is encoded is wanted, or none for now. */
  flowEncoded(wanted: boolean): void
  /** It cannot be decoded. */
  decodingFailed(error: unknown): void
  /** What came last is decoded. */
  wasDecoded(): void
  /** What is told of a failure. */
  known(error: unknown): unknown
}

/**
 * The way of an answer's body from the connection to its reader. What is encoded is kept until it is known whether one
 * read brought all of it: then it is decoded in one go.
 *
 * ```text
 *   keeping ──settle──▶ decoding ──finish──▶ ...the decoder's time... ──▶ over
 *      └──finish──▶ over
 * ```
 */
export class BodyIntake {
  readonly #sink: BodySink
  /** Undefined: it comes as it is. */
  readonly #codings: readonly string[] | undefined
  readonly #host: IntakeHost
  #encoded: Pieces | undefined
  #decoder: Decoder | undefined
  /** Whether the reader has room for more. */
  #wanted = true
  #finished = false

  constructor(sink: BodySink, codings: readonly string[] | undefined, host: IntakeHost) {
    this.#sink = sink
    this.#codings = codings
    this.#host = host
  }

  push(chunk: Uint8Array): void {
    if (this.#codings === undefined || this.#decoder) (this.#decoder ?? this.#sink).push(chunk)
    else (this.#encoded ??= new Pieces()).push(chunk)
  }

  /** What one read brought is done. @throws LimitError for more codings than are allowed. */
  settle(): void {
    if (this.#codings === undefined || this.#decoder || this.#finished) return
    this.#decoder = this.#open(this.#codings)
    const encoded = this.#encoded
    this.#encoded = undefined
    if (encoded) this.#decoder.push(encoded.whole())
  }

  /** Whether decoding goes on behind the last byte. */
  get lasts(): boolean {
    return this.#codings !== undefined && (this.#decoder !== undefined || this.#size > wholeLimit)
  }

  /** The last byte came. */
  finish(trailers: Fields | undefined): void {
    this.#finished = true
    if (this.#codings === undefined) return this.#sink.finish(trailers)
    if (this.#decoder) return this.#decoder.finish(trailers)
    const encoded = this.#encoded?.whole() ?? new Uint8Array()
    try {
      if (encoded.byteLength <= wholeLimit) {
        const decoded = decodeWhole(this.#codings, encoded, this.#host.decoderLimits)
        if (decoded.byteLength > 0) this.#sink.push(decoded)
        this.#sink.finish(trailers)
      } else {
        this.#decoder = this.#open(this.#codings)
        this.#decoder.push(encoded)
        this.#decoder.finish(trailers)
      }
    } catch (error) {
      this.#sink.abort(this.#host.known(error))
    }
  }

  flow(wanted: boolean): void {
    this.#wanted = wanted
    if (this.#decoder) this.#decoder.flow(wanted)
    else if (!this.#finished) this.#host.flowEncoded(wanted)
  }

  /** Nothing more comes, or is wanted. */
  abort(error: unknown): void {
    ;(this.#decoder ?? this.#sink).abort(error)
  }

  /** As {@link abort}, of what is not decoded yet. */
  abortDecoding(error: unknown): void {
    this.#decoder?.abort(error)
  }

  /** The reader hears of the error, though what came is being decoded. */
  refuse(error: unknown): void {
    this.#decoder?.destroy()
    this.#sink.abort(error)
  }

  get #size(): number {
    return this.#encoded?.size ?? 0
  }

  #open(codings: readonly string[]): Decoder {
    const host = this.#host
    const sink: BodySink = {
      push: (chunk) => this.#sink.push(chunk),
      finish: (trailers) => {
        host.wasDecoded()
        this.#sink.finish(trailers)
      },
      abort: (error) => this.#sink.abort(host.known(error)),
    }
    const decoder = decodeInto(
      codings,
      sink,
      {
        flow: (wanted) => {
          if (!this.#finished) host.flowEncoded(wanted)
        },
        fail: (error) => host.decodingFailed(error),
      },
      host.decoderLimits,
    )
    decoder.flow(this.#wanted)
    return decoder
  }
}
