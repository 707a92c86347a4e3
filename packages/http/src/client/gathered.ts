import { type PieceSource, sourceOf } from '../message/piece-source.ts'
import type { RequestBody } from './options.ts'

/** The size up to which it is worth to know how long a body is. */
const atMost = 64 * 1024

/**
 * The body of a `Request`, of which only a stream is to be seen, whatever it was made of. What is over in this turn
 * of the event loop, as that of text is, comes back whole: its length is known then, and it can be sent again. All
 * else goes on as a stream. Rejects where the stream does.
 */
export function gather(stream: AsyncIterable<Uint8Array>): Promise<RequestBody> {
  const gathered = new Gathered(sourceOf(stream))
  return new Promise((resolve, reject) => {
    gathered.begin().then(resolve, reject)
    // A tick that is asked for in a microtask comes when no microtask is left: at the end of this turn.
    queueMicrotask(() => process.nextTick(() => resolve(gathered.stop())))
  })
}

/** What was taken of a stream, and the rest of it. */
class Gathered implements AsyncIterableIterator<Uint8Array | string, undefined> {
  readonly #source: PieceSource
  readonly #pieces: (Uint8Array | string)[] = []
  #pending: ReturnType<PieceSource['next']> | undefined
  #stopped = false

  constructor(source: PieceSource) {
    this.#source = source
  }

  async begin(): Promise<RequestBody> {
    let size = 0
    while (size <= atMost) {
      this.#pending = this.#source.next()
      const { done, value } = await this.#pending
      // Whoever reads on has it.
      if (this.#stopped) return this
      this.#pending = undefined
      if (done) return Buffer.concat(this.#pieces as Uint8Array[])
      this.#pieces.push(value)
      if (!(value instanceof Uint8Array)) break
      // Empty pieces count as well: of them there may be no end.
      size += value.byteLength + 1
    }
    return this.stop()
  }

  /** Nothing more is taken before somebody reads. */
  stop(): this {
    this.#stopped = true
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array | string, undefined>> {
    const piece = this.#pieces.shift()
    if (piece !== undefined) return { done: false, value: piece }
    const pending = this.#pending ?? this.#source.next()
    this.#pending = undefined
    const { done, value } = await pending
    return done ? { done: true, value: undefined } : { done: false, value }
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#source.cancel(undefined)
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
