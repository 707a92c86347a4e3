import type { IncomingResponse } from '../client/response.ts'
import type { Arriving } from '../web/received-source.ts'
import type { Presence } from './presence.ts'

/** The body of an answer on its way back; what breaks it is heard of here. */
export class PassedBody implements Arriving {
  readonly #response: IncomingResponse
  readonly #presence: Presence
  readonly #broken: (error: unknown) => void
  /** Nobody wants it, so that nothing of it can be missed. */
  #discarded = false

  constructor(response: IncomingResponse, presence: Presence, broken: (error: unknown) => void) {
    this.#response = response
    this.#presence = presence
    this.#broken = broken
  }

  get complete(): boolean {
    return this.#response.complete
  }

  get body(): AsyncIterable<Uint8Array> {
    const { body } = this.#response
    return {
      [Symbol.asyncIterator]: () => {
        const pieces = body[Symbol.asyncIterator]()
        return {
          next: () => pieces.next().then(this.#passed, this.#failed),
          return: () => {
            this.discard()
            return Promise.resolve({ value: undefined, done: true })
          },
        }
      },
    }
  }

  async bytes(): Promise<Uint8Array> {
    try {
      return await this.#response.bytes(Infinity)
    } catch (error) {
      return this.#failed(error)
    } finally {
      this.#presence.over()
    }
  }

  discard(): void {
    this.#discarded = true
    this.#presence.over()
    this.#response.discard()
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
