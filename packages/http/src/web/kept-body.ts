import { type Content, readNow, type Reader } from './content.ts'
import { Held } from './held.ts'

/** Bytes that many answers share: each is sent them as they are, and whoever reads them has a copy. */
export class KeptBody extends Held {
  readonly #bytes: Uint8Array
  #used = false

  constructor(bytes: Uint8Array) {
    super()
    this.#bytes = bytes
  }

  get bodyUsed(): boolean {
    return this.#used
  }

  async read(how: Reader, type: string | null): Promise<unknown> {
    this.#used = true
    return readNow(this.#bytes, how, type)
  }

  take(): Uint8Array {
    this.#used = true
    return this.#bytes
  }

  content(): Content {
    // What `slice` of a Buffer gives would be the same memory.
    return new Uint8Array(this.#bytes)
  }
}
