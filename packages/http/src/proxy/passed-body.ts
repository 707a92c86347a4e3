import type { IncomingResponse } from '../client/response.ts'
import { begin, type Begun } from '../compress/begun.ts'
import { Pieces } from '../message/pieces.ts'
import type { Arriving } from '../web/received-source.ts'
import type { Presence } from './presence.ts'

/** The body of an answer on its way back; what breaks it is heard of here. */
export class PassedBody implements Arriving {
  readonly #response: IncomingResponse
  readonly #presence: Presence
  readonly #broken: (error: unknown) => void
  #begun!: Begun
  /** Nobody wants it, so that nothing of it can be missed. */
  #discarded = false

  private constructor(response: IncomingResponse, presence: Presence, broken: (error: unknown) => void) {
    this.#response = response
    this.#presence = presence
    this.#broken = broken
  }

  /**
   * Takes what has come with the head: an answer that is broken from its beginning is none, as long as nobody has been
   * told its status.
   *
   * @throws what broke it, of which `broken` does not hear then.
   */
  static async begin(
    response: IncomingResponse,
    presence: Presence,
    broken: (error: unknown) => void,
  ): Promise<PassedBody> {
    const body = new PassedBody(response, presence, broken)
    const pieces = response.body[Symbol.asyncIterator]()
    const source = { next: () => pieces.next(), cancel: () => response.discard() }
    body.#begun = await begin(source)
    if (body.complete) presence.over()
    return body
  }

  get complete(): boolean {
    return this.#begun.rest === undefined
  }

  get body(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#iterate() }
  }

  async bytes(): Promise<Uint8Array> {
    const pieces = new Pieces()
    for await (const piece of this.body) pieces.push(piece)
    return pieces.whole()
  }

  discard(): void {
    this.#discarded = true
    this.#presence.over()
    this.#response.discard()
  }

  #iterate(): AsyncIterator<Uint8Array, undefined> {
    const { bytes, rest } = this.#begun
    let first: Uint8Array | undefined = bytes.byteLength > 0 ? bytes : undefined
    return {
      next: () => {
        const value = first
        first = undefined
        const piece = value
          ? Promise.resolve({ value, done: false })
          : (rest?.next() ?? Promise.resolve(over))
        return (piece as Promise<IteratorResult<Uint8Array, undefined>>).then(this.#passed, this.#failed)
      },
      return: async () => {
        this.discard()
        return over
      },
    }
  }

  readonly #passed = (
    piece: IteratorResult<Uint8Array, undefined>,
  ): IteratorResult<Uint8Array, undefined> => {
    if (piece.done === true) this.#presence.over()
    else this.#presence.progress()
    return piece
  }

  readonly #failed = (error: unknown): never => {
    if (!this.#presence.gone && !this.#discarded) this.#broken(error)
    this.#presence.over()
    throw error
  }
}

const over = { value: undefined, done: true } as const
