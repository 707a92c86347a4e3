import type { UnderlyingSource } from 'node:stream/web'

import type { SentCoding } from '../coding/negotiation.ts'
import type { PieceSource } from '../message/piece-source.ts'
import { Pieces } from '../message/pieces.ts'
import { bytesOf } from '../server/answer-stream.ts'
import { createEncoder, type Encoder, flush } from './encoders.ts'

/** What is to be encoded, and how. */
export interface Encoding {
  readonly coding: SentCoding
  readonly level: number
  /** Whether it is open for long, with little in it. */
  readonly quiet: boolean
  /** What came of it already. */
  readonly first?: Uint8Array
  /** Bytes that it has to have. */
  readonly declared?: number | undefined
}

/** Bytes that wait at most for the encoder before no more are asked for. */
const highWater = 64 * 1024

/** Bytes that leave though more will come in this moment; less than this is in the encoder's own buffer. */
const worthSending = 4 * 1024

/** A stream of pieces, encoded as they come. Nothing is asked for, nor an encoder made, before somebody reads. */
export function encodedStream(source: PieceSource, encoding: Encoding): ReadableStream<Uint8Array> {
  return new ReadableStream(new EncodedSource(source, encoding), { highWaterMark: 0 })
}

/**
 * The encoder between a source and whoever reads. What waits is written in one piece as soon as the encoder has taken
 * the piece before; where nothing waits then, since the source has nothing at hand, the encoder gives what it has. So a
 * file is encoded as it would be in one go, and an event leaves at once.
 *
 * Of the source nothing is asked while nobody reads.
 *
 * ```text
 *   (lazy) ──read──▶ open ──the source ends──▶ ending ──all was read──▶ over
 *      │              ├──the source fails, or the encoder──────────────▶ over (and so fails the stream)
 *      └──────────────┴──cancel────────────────────────────────────────▶ over (and the source is cancelled)
 * ```
 */
class EncodedSource implements UnderlyingSource<Uint8Array> {
  readonly #source: PieceSource
  readonly #encoding: Encoding
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #encoder: Encoder | undefined
  #waiting: Pieces | undefined
  #size = 0
  /** A reader waits. */
  #wanted = false
  #reading = false
  #writing = false
  /** The encoder holds back what was written. */
  #dirty = false
  /** The source came to its end. */
  #whole = false
  #ending = false
  #over = false

  constructor(source: PieceSource, encoding: Encoding) {
    this.#source = source
    this.#encoding = encoding
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller
  }

  pull(): void {
    this.#wanted = true
    try {
      if (this.#encoder === undefined) this.#open()
      else this.#give()
      void this.#read()
    } catch (error) {
      this.#fail(error)
    }
  }

  cancel(reason: unknown): void {
    if (this.#over) return
    this.#release()
    this.#source.cancel(reason)
  }

  #open(): void {
    const { coding, level, quiet, first } = this.#encoding
    const encoder = (this.#encoder = createEncoder(coding, level, quiet))
    encoder.on('readable', () => this.#give())
    encoder.on('end', () => this.#close())
    encoder.on('error', (error) => this.#fail(error))
    if (first !== undefined) this.#take(first)
    this.#pump()
  }

  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.#hungry) {
        const { done, value } = await this.#source.next()
        if (this.#over) return
        if (done) this.#finish()
        else this.#take(bytesOf(value))
        this.#pump()
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#reading = false
    }
  }

  get #hungry(): boolean {
    return this.#wanted && !this.#over && !this.#whole && (this.#waiting?.size ?? 0) < highWater
  }

  #take(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#size += bytes.byteLength
    const { declared } = this.#encoding
    if (declared !== undefined && this.#size > declared) throw lengthError('longer')
    this.#waiting ??= new Pieces()
    this.#waiting.push(bytes)
  }

  #finish(): void {
    const { declared } = this.#encoding
    // Nobody else can tell when it is encoded, and a part of it must not look like all.
    if (declared !== undefined && this.#size < declared) throw lengthError('shorter')
    this.#whole = true
  }

  /** Does the next thing that the encoder has to do. */
  #pump(): void {
    const encoder = this.#encoder
    if (this.#writing || this.#over || encoder === undefined) return
    const idle = this.#waiting === undefined
    if (idle && this.#whole) this.#end(encoder)
    // Of a source that is never idle, events would wait for a long time.
    else if (this.#dirty && (idle || this.#encoding.quiet)) this.#flush(encoder)
    else if (!idle) this.#write(encoder)
  }

  #write(encoder: Encoder): void {
    const chunk = this.#waiting!.whole()
    this.#waiting = undefined
    this.#writing = this.#dirty = true
    encoder.write(chunk, (error) => this.#written(error))
  }

  #flush(encoder: Encoder): void {
    this.#writing = true
    flush(this.#encoding.coding, encoder, () => {
      this.#dirty = false
      this.#written()
    })
  }

  #end(encoder: Encoder): void {
    if (this.#ending) return
    this.#ending = true
    this.#dirty = false
    encoder.end()
    this.#give()
  }

  #written(error?: Error | null): void {
    // Of an error its own event tells.
    if (error || this.#over) return
    this.#writing = false
    this.#give()
    this.#pump()
    void this.#read()
  }

  #give(): void {
    const encoder = this.#encoder!
    if (!this.#wanted || this.#over) return
    // The beginning of a format is no reason for a packet.
    if (this.#dirty && encoder.readableLength < worthSending) return
    const encoded = encoder.read() as Uint8Array | null
    if (encoded === null) return
    this.#wanted = false
    this.#controller.enqueue(encoded)
  }

  #close(): void {
    if (this.#over) return
    this.#release()
    this.#controller.close()
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#release()
    this.#source.cancel(error)
    this.#controller.error(error)
  }

  #release(): void {
    this.#over = true
    this.#waiting = undefined
    this.#encoder?.destroy()
  }
}

function lengthError(how: 'longer' | 'shorter'): TypeError {
  return new TypeError(`Cannot compress: the body is ${how} than its Content-Length`)
}
