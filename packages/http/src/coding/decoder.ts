import type { Fields } from '../codec/index.ts'
import { Allowance, type DecoderLimits } from './allowance.ts'
import type { BodySink } from './body-sink.ts'
import { codingNamed } from './codings.ts'
import { Layer, type LayerHost } from './layer.ts'

export type { DecoderLimits } from './allowance.ts'
export { acceptedCodings, codingsOf } from './codings.ts'
export { decodeWhole, wholeLimit } from './whole.ts'

/** What a decoder asks of whoever feeds it. */
export interface DecoderHost {
  /** Encoded bytes are wanted from now on, or no longer are; not so before somebody wants decoded ones. */
  flow(wanted: boolean): void
  /** The body cannot be decoded: told once, and the sink was aborted with the same error. */
  fail(error: unknown): void
}

/**
 * Takes a body's encoded bytes, and gives the decoded ones to a sink. What is pushed must not be changed afterwards.
 * A body without a byte has no coding, and is empty.
 */
export interface Decoder extends BodySink {
  /** The reader of the decoded body wants bytes from now on, or no longer does. */
  flow(wanted: boolean): void
  /** Lets go of it; neither sink nor host hears anything after this. May be repeated. */
  destroy(): void
}

/**
 * A decoder for codings as `codingsOf` gives them. The sink hears `finish` or `abort`, once, unless it is destroyed
 * before. What cannot be decoded is an HttpProtocolError with the code `ERR_FAIRLEAD_HTTP_CONTENT_CODING`, what is
 * too much a LimitError for `expansion` or `maxBodySize`.
 *
 * @throws LimitError for more codings than are allowed, TypeError for one that there is not.
 */
export function decodeInto(
  codings: readonly string[],
  sink: BodySink,
  host: DecoderHost,
  limits: DecoderLimits,
): Decoder {
  return new Stack(codings, sink, host, new Allowance(codings, limits))
}

/** The layers of a body, the outermost first; each is fed by the one before. */
class Stack implements Decoder, LayerHost {
  readonly #layers: readonly Layer[]
  /** Bytes that each has decoded. */
  readonly #decoded: number[]
  readonly #sink: BodySink
  readonly #host: DecoderHost
  readonly #allowance: Allowance
  #trailers: Fields | undefined
  #stopped = false

  constructor(codings: readonly string[], sink: BodySink, host: DecoderHost, allowance: Allowance) {
    this.#sink = sink
    this.#host = host
    this.#allowance = allowance
    // Taken off in the reverse of the order in which they were applied (RFC 9110 section 8.4).
    this.#layers = codings.map((name) => new Layer(codingNamed(name), this)).toReversed()
    this.#decoded = this.#layers.map(() => 0)
  }

  push(chunk: Uint8Array): void {
    this.#allowance.count(chunk.byteLength)
    this.#layers[0]?.push(chunk)
  }

  finish(trailers: Fields | undefined): void {
    this.#trailers = trailers
    this.#layers[0]?.finish()
  }

  abort(error: unknown): void {
    if (this.#stopped) return
    this.destroy()
    this.#sink.abort(error)
  }

  flow(wanted: boolean): void {
    this.#layers.at(-1)?.flow(wanted)
  }

  destroy(): void {
    this.#stopped = true
    for (const layer of this.#layers) layer.destroy()
  }

  layerWants(layer: Layer, wanted: boolean): void {
    const at = this.#layers.indexOf(layer)
    if (at === 0) this.#host.flow(wanted)
    else this.#layers[at - 1]?.flow(wanted)
  }

  layerDecoded(layer: Layer, decoded: Uint8Array): void {
    const at = this.#layers.indexOf(layer)
    const next = this.#layers[at + 1]
    const total = (this.#decoded[at] ?? 0) + decoded.byteLength
    this.#decoded[at] = total
    try {
      this.#allowance.check(total, next === undefined)
      if (next === undefined) this.#sink.push(decoded)
      else next.push(decoded)
    } catch (error) {
      this.#fail(error)
    }
  }

  layerEnded(layer: Layer): void {
    const next = this.#layers[this.#layers.indexOf(layer) + 1]
    if (next !== undefined) {
      next.finish()
      return
    }
    this.#stopped = true
    this.#sink.finish(this.#trailers)
  }

  layerFailed(error: unknown): void {
    this.#fail(error)
  }

  #fail(error: unknown): void {
    if (this.#stopped) return
    this.abort(error)
    this.#host.fail(error)
  }
}
