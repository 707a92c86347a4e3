import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A token that whoever wants in must know; of the letters that a person can type. */
export class Secret {
  readonly token: string
  readonly #digest: Buffer

  constructor(token: string = randomBytes(16).toString('hex')) {
    this.token = token
    this.#digest = digest(token)
  }

  /** Tells nothing by the time it takes. */
  matches(guess: string | undefined): boolean {
    return guess !== undefined && timingSafeEqual(digest(guess), this.#digest)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
