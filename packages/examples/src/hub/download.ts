import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

import { piecesOf } from '../files/pieces.ts'

/** A link is not followed, and opening a pipe does not wait for its writer. */
const careful = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** A regular file, open, with the size that it has now: exactly so much of it is sent. */
export class Download {
  readonly size: number
  readonly modified: Date
  readonly #file: FileHandle

  private constructor(file: FileHandle, size: number, modified: Date) {
    this.#file = file
    this.size = size
    this.modified = modified
  }

  /** Undefined for what is no regular file, or not there. Whoever opens it reads {@link body} or closes it. */
  static async open(path: string): Promise<Download | undefined> {
    const file = await open(path, careful).catch(() => undefined)
    if (file === undefined) return undefined
    // Asked of what is open: between a look and the opening the file could have become something else.
    const facts = await file.stat()
    if (facts.isFile()) return new Download(file, facts.size, facts.mtime)
    await file.close()
    return undefined
  }

  /** The content, read as the client takes it. A file that shrinks meanwhile breaks the stream. */
  body(): ReadableStream<Uint8Array> {
    const pieces = this.#pieces()
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { value, done } = await pieces.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        cancel: () => this.close(),
      },
      { highWaterMark: 0 },
    )
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void> {
    try {
      yield* piecesOf(this.#file, 0, this.size)
    } finally {
      await this.close()
    }
  }
}
