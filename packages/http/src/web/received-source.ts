import type { ReadableByteStreamController, UnderlyingByteSource } from 'node:stream/web'

import { bytesOf } from './content.ts'

/** What is asked of an answer that is on its way. */
export interface Arriving {
  /** Whether the end of its body has come, read or not. */
  readonly complete: boolean
  readonly body: AsyncIterable<Uint8Array>
  bytes(): Promise<Uint8Array>
  /** Nobody wants the body, or the rest of it. May be repeated. */
  discard(): void
}

/**
 * Where the stream of a fetched body comes from. Nothing is asked of the server before somebody reads, but for what
 * is there already; who cancels, or aborts, frees the connection at once.
 */
export class ReceivedSource implements UnderlyingByteSource {
  readonly type = 'bytes'
  /** Called once, when nothing more will come. */
  onOver: (() => void) | undefined = undefined
  readonly #arriving: Arriving
  readonly #failureOf: (error: unknown) => unknown
  #controller!: ReadableByteStreamController
  #pieces: AsyncIterator<Uint8Array> | undefined = undefined
  #over = false

  constructor(arriving: Arriving, failureOf: (error: unknown) => unknown) {
    this.#arriving = arriving
    this.#failureOf = failureOf
  }

  get over(): boolean {
    return this.#over
  }

  start(controller: ReadableByteStreamController): Promise<void> | undefined {
    this.#controller = controller
    return this.#arriving.complete ? this.#attempt(() => this.#giveAll()) : undefined
  }

  pull(): Promise<void> {
    return this.#attempt(() => this.#giveNext())
  }

  cancel(): void {
    this.#end()
    this.#arriving.discard()
  }

  abort(reason: unknown): void {
    if (!this.#end()) return
    this.#controller.error(reason)
    this.#arriving.discard()
  }

  /** An empty body is over before anybody reads, as the standard has it. */
  async #giveAll(): Promise<void> {
    this.#give(await this.#arriving.bytes())
    this.#close()
  }

  async #giveNext(): Promise<void> {
    this.#pieces ??= this.#arriving.body[Symbol.asyncIterator]()
    for (;;) {
      const { value, done } = await this.#pieces.next()
      if (done) return this.#close()
      if (this.#give(value)) return
    }
  }

  /** False for a piece without bytes, which is none for a stream of bytes. */
  #give(piece: Uint8Array): boolean {
    if (this.#over) return true
    if (piece.byteLength === 0) return false
    // A copy: the stream takes the whole buffer for itself, and others may have parts of it.
    this.#controller.enqueue(bytesOf(piece))
    return true
  }

  #close(): void {
    if (!this.#end()) return
    this.#controller.close()
    // Who waits with a buffer of his own is told in his own way (Streams standard section 4.8.3).
    this.#controller.byobRequest?.respond(0)
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (this.#end()) this.#controller.error(this.#failureOf(error))
    }
  }

  /** False when it was over before. */
  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.onOver?.()
    return true
  }
}
