import type { ByteConnection } from '@fairlead/core'

import { lastChunk } from '../../codec/index.ts'
import { type FieldsInit, rawFields } from '../../message/fields-init.ts'
import { framedLength, sliceSize, writePiece } from '../../message/framed-piece.ts'
import type { PieceSource } from '../../message/piece-source.ts'
import { viewOf } from './outgoing-body.ts'

/** Who sends a body, and hears how it goes. After `finished`, `failed` or {@link BodyWriter.stop} nothing more comes. */
export interface BodyHost {
  /** Bytes were given to the connection, with what frames them. */
  wrote(bytes: number): void
  /** So many bytes of the body, since its beginning, were taken from us. */
  progress(bytes: number): void
  /** The peer has to read before more is written; or has. */
  blocked(yes: boolean): void
  /** All of it was written, and there is room for more. */
  finished(): void
  /** It cannot be sent to its end: what the source threw, or the connection. */
  failed(error: unknown): void
}

/** What is sent, and how its end is told (RFC 9112 section 6). */
export interface BodyToSend {
  readonly source: PieceSource
  /** Its Content-Length, or in chunks. */
  readonly framing: number | 'chunked'
  /** Asked at the end of a body in chunks. */
  readonly trailers?: (() => FieldsInit | Promise<FieldsInit>) | undefined
}

/** Bytes that are written before others get a turn of the event loop: an answer may have come that wants no more. */
const bytesATurn = 1024 * 1024

/** What a piece counts for beside its bytes, be it empty. */
const pieceWeight = 4096

/**
 * Sends a body piece by piece, no faster than the peer reads: who owns the connection tells it of room by
 * {@link drain}. The pieces that come in the turn of the event loop in which it starts leave in one write with the
 * head; when it fails in that turn, nothing was written.
 */
export class BodyWriter {
  readonly #connection: ByteConnection
  readonly #body: BodyToSend
  readonly #host: BodyHost
  readonly #chunked: boolean
  readonly #declared: number
  #head = ''
  readonly #gathered: Uint8Array[] = []
  #begun = false
  #over = false
  /** Bytes of the body: taken from its source, written, and told of. */
  #taken = 0
  #written = 0
  #told = 0
  #streak = 0
  /** The peer has to read first. */
  #full = false
  #resume: (() => void) | undefined

  constructor(connection: ByteConnection, body: BodyToSend, host: BodyHost) {
    this.#connection = connection
    this.#body = body
    this.#host = host
    this.#chunked = body.framing === 'chunked'
    this.#declared = body.framing === 'chunked' ? Infinity : body.framing
  }

  /** Whether anything was written, so that a connection that it fails on can carry nothing else. */
  get begun(): boolean {
    return this.#begun
  }

  /** Begins, once. `head` leaves in front, in latin1; none where it has left before. */
  start(head = ''): void {
    this.#head = head
    this.#run().catch((error: unknown) => this.#fail(error))
    // A tick that is asked for in a microtask comes when no microtask is left: at the end of this turn.
    queueMicrotask(() => process.nextTick(() => this.#turnOver()))
  }

  /** There is room again: for the owner's `onDrain`. */
  drain(): void {
    if (!this.#full || this.#over) return
    this.#full = false
    try {
      this.#host.blocked(false)
      this.#tell()
    } catch (error) {
      this.#fail(error)
    }
    this.#resume?.()
  }

  /**
   * Lets go of the source, whatever it is at: for an abort, and for the owner's `onClose`. Nothing more is written;
   * what was, may be a part of a body.
   */
  stop(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#body.source.cancel(reason)
  }

  async #run(): Promise<void> {
    const { source } = this.#body
    while (!this.#over) {
      const { done, value } = await source.next()
      if (this.#over) return
      if (done === true) return this.#finish()
      await this.#take(bytesOf(value))
      await this.#pause()
    }
  }

  async #take(bytes: Uint8Array): Promise<void> {
    this.#streak += pieceWeight
    if (bytes.byteLength === 0) return
    this.#taken += bytes.byteLength
    if (this.#taken > this.#declared) throw lengthError('longer')
    let at = 0
    if (!this.#begun) {
      at = Math.min(bytes.byteLength, bytes.byteLength + sliceSize - this.#taken)
      this.#gathered.push(bytes.subarray(0, at))
      if (this.#taken < sliceSize) return
      this.#begin()
      this.#tell()
    }
    for (; at < bytes.byteLength; at += sliceSize) {
      await this.#pause()
      if (this.#over) return
      this.#write(bytes.subarray(at, at + sliceSize))
      this.#tell()
    }
  }

  async #finish(): Promise<void> {
    if (this.#taken < this.#declared && !this.#chunked) throw lengthError('shorter')
    const { trailers } = this.#body
    // A function that is asynchronous is waited for: nobody else would hear what it rejects with.
    const end = this.#chunked ? lastChunk(trailers && rawFields(await trailers())) : ''
    if (this.#over) return
    this.#connection.cork()
    this.#begin()
    if (end !== '') this.#say(end)
    this.#connection.uncork()
    this.#tell()
    await this.#pause()
    if (this.#over) return
    this.#host.finished()
    this.#over = true
  }

  #turnOver(): void {
    if (this.#over || this.#begun) return
    try {
      this.#begin()
      this.#tell()
    } catch (error) {
      this.#fail(error)
    }
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#connection.cork()
    if (this.#head !== '') this.#say(this.#head)
    for (const bytes of this.#gathered.splice(0)) this.#write(bytes)
    this.#connection.uncork()
  }

  #write(bytes: Uint8Array): void {
    const room = writePiece(this.#connection, bytes, this.#chunked)
    this.#written += bytes.byteLength
    this.#streak += bytes.byteLength
    this.#host.wrote(framedLength(bytes, this.#chunked))
    if (!room) this.#fill()
  }

  #say(text: string): void {
    const room = this.#connection.write(text, 'latin1')
    this.#host.wrote(text.length)
    if (!room) this.#fill()
  }

  #fill(): void {
    if (this.#full) return
    this.#full = true
    this.#host.blocked(true)
  }

  /** What the peer has to read first is not told of yet. */
  #tell(): void {
    if (this.#full || this.#told === this.#written || this.#over) return
    this.#told = this.#written
    this.#host.progress(this.#told)
  }

  /** Waits for room, and now and then for others; never again once it was stopped. */
  async #pause(): Promise<void> {
    if (this.#full) await new Promise<void>((resolve) => (this.#resume = resolve))
    else if (this.#streak >= bytesATurn) await new Promise((resolve) => setImmediate(resolve))
    else return
    this.#streak = 0
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.stop(error)
    this.#host.failed(error)
  }
}

/** A piece of a body as it is sent. @throws TypeError for what is neither text nor bytes. */
function bytesOf(piece: unknown): Uint8Array {
  if (typeof piece === 'string') return Buffer.from(piece)
  if (ArrayBuffer.isView(piece)) return viewOf(piece)
  throw new TypeError('Cannot send body: a piece of it is neither text nor bytes')
}

function lengthError(how: 'longer' | 'shorter'): TypeError {
  return new TypeError(`Cannot send body: it is ${how} than its Content-Length`)
}
