import type { IncomingResponse } from '../client/response.ts'
import type { Arriving } from '../web/received-source.ts'

/** The body of an answer on its way back; what breaks it is heard of here. */
export class PassedBody implements Arriving {
  readonly #response: IncomingResponse
  readonly #broken: (error: unknown) => void

  constructor(response: IncomingResponse, broken: (error: unknown) => void) {
    this.#response = response
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
          next: () => pieces.next().catch((error: unknown) => this.#fail(error)),
          return: () => {
            this.discard()
            return Promise.resolve({ value: undefined, done: true })
          },
        }
      },
    }
  }

  bytes(): Promise<Uint8Array> {
    return this.#response.bytes(Infinity).catch((error: unknown) => this.#fail(error))
  }

  discard(): void {
    this.#response.discard()
  }

  #fail(error: unknown): never {
    this.#broken(error)
    throw error
  }
}
