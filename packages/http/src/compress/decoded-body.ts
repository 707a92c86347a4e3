import { type Decoder, decodeInto, type DecoderLimits } from '../coding/decoder.ts'
import { IncomingBody } from '../message/body.ts'
import { type PieceSource, sourceOf } from '../message/piece-source.ts'

/**
 * A body whose codings are taken off while somebody reads it. Nothing is asked of the encoded one before, and no more
 * than is read; it is let go of when the reader leaves, or when it cannot be decoded.
 */
export class DecodedBody {
  readonly stream: ReadableStream<Uint8Array>
  readonly #encoded: ReadableStream<Uint8Array>
  readonly #body: IncomingBody
  readonly #decoder: Decoder
  #source: PieceSource | undefined
  #pieces: AsyncIterator<Uint8Array, undefined> | undefined
  #wanted = false
  #feeding = false
  #over = false
  #failure: Error | undefined

  /** @throws TypeError for a coding that there is not, LimitError for more of them than are allowed. */
  constructor(encoded: ReadableStream<Uint8Array>, codings: readonly string[], limits: DecoderLimits) {
    this.#encoded = encoded
    this.#body = new IncomingBody({
      flow: (wanted) => this.#decoder.flow(wanted),
      fail: (error) => this.#stop(error),
    })
    const host = {
      flow: (wanted: boolean) => this.#flow(wanted),
      fail: (error: unknown) => {
        this.#failure = error as Error
        this.#stop(error)
      },
    }
    this.#decoder = decodeInto(codings, this.#body, host, limits)
    const source = {
      pull: (controller: ReadableStreamDefaultController<Uint8Array>) => this.#give(controller),
      cancel: (reason: unknown) => this.#stop(reason),
    }
    this.stream = new ReadableStream(source, { highWaterMark: 0 })
  }

  /** Why it could not be decoded: an HttpProtocolError for what is damaged, a LimitError for what is too much. */
  get failure(): Error | undefined {
    return this.#failure
  }

  async #give(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#pieces ??= this.#body[Symbol.asyncIterator]()
    const { done, value } = await this.#pieces.next()
    if (done) controller.close()
    else controller.enqueue(value)
  }

  #flow(wanted: boolean): void {
    this.#wanted = wanted
    if (wanted && !this.#feeding && !this.#over) void this.#feed()
  }

  async #feed(): Promise<void> {
    this.#feeding = true
    try {
      this.#source ??= sourceOf(this.#encoded)
      while (this.#wanted && !this.#over) {
        const { done, value } = await this.#source.next()
        if (this.#over) return
        if (done) {
          this.#over = true
          this.#decoder.finish(undefined)
        } else this.#decoder.push(value as Uint8Array)
      }
    } catch (error) {
      this.#over = true
      this.#decoder.abort(error)
    } finally {
      this.#feeding = false
    }
  }

  /** Nobody wants the rest. */
  #stop(reason: unknown): void {
    this.#decoder.destroy()
    if (this.#over) return
    this.#over = true
    this.#source ??= sourceOf(this.#encoded)
    this.#source.cancel(reason)
  }
}
