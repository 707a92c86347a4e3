import { openPieces, type PieceOpener, type PieceSource } from '../message/piece-source.ts'
import { type Content, readNow, type Reader } from '../web/content.ts'
import { Held } from '../web/held.ts'
import { runtime } from '../web/runtime.ts'
import { FilePieces, type Section } from './file-pieces.ts'
import type { OpenFile } from './open-file.ts'

/**
 * A body that lies in a file. It closes the file when it was sent, read, or cancelled; when it was let go of before; or
 * when nobody has it any more.
 */
export class FileBody extends Held implements PieceOpener {
  readonly #file: OpenFile
  readonly #sections: readonly Section[]
  #used = false

  constructor(file: OpenFile, sections: readonly Section[]) {
    super()
    this.#file = file
    this.#sections = sections
  }

  get bodyUsed(): boolean {
    return this.#used
  }

  /** Nobody will send or read it, unless somebody has begun to. */
  letGo(): void {
    if (!this.#used) this.#file.close()
  }

  async read(how: Reader, type: string | null): Promise<unknown> {
    const pieces: Uint8Array[] = []
    for await (const piece of this) pieces.push(piece)
    return readNow(Buffer.concat(pieces), how, type)
  }

  take(): AsyncIterable<Uint8Array> {
    return this
  }

  content(): Content {
    return new runtime.Response(this.#used ? spent() : this.#stream())
  }

  /** For whoever sends it: the memory of a piece is used again. */
  [openPieces](): PieceSource {
    this.#used = true
    return new FilePieces(this.#file, this.#sections)
  }

  /** For whoever reads it: each piece is the reader's. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const source = this[openPieces]()
    return {
      async next() {
        const { value, done } = await source.next()
        if (done) return { value: undefined, done }
        return { value: typeof value === 'string' ? Buffer.from(value) : value, done: false }
      },
      async return() {
        source.cancel(undefined)
        return { value: undefined, done: true }
      },
    }
  }

  /** Of bytes, as the runtime's are: two that a clone makes of it ask for nothing before somebody reads. */
  #stream(): ReadableStream<Uint8Array> {
    let pieces: AsyncIterator<Uint8Array, undefined> | undefined
    return new ReadableStream({
      type: 'bytes',
      pull: async (controller) => {
        pieces ??= this[Symbol.asyncIterator]()
        const { value, done } = await pieces.next()
        if (!done) return controller.enqueue(new Uint8Array(value))
        controller.close()
        // Who waits with a buffer of his own is told in his own way (Streams standard section 4.8.3).
        controller.byobRequest?.respond(0)
      },
      cancel: () => void (pieces ? pieces.return?.() : this.letGo()),
    })
  }
}

function spent(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>()
  void stream.cancel()
  return stream
}
