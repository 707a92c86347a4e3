import { LimitError } from '@fairlead/core'

/** What a server may make a decoder hold or do. */
export interface DecoderLimits {
  /** Codings on top of each other. Default 3. */
  readonly contentCodings: number
  /** Decoded bytes for each encoded one, of any of the codings, once 1 MiB has been decoded. Default 250. */
  readonly expansion: number
  /** Bytes of the decoded body. Default `Infinity`. */
  readonly bodyBytes: number
}

/** Decoded for nothing: zeros in deflate are 1,030 for each byte, and in brotli many more. */
const free = 1024 * 1024

/** How much may be decoded from what has come. */
export class Allowance {
  readonly #limits: DecoderLimits
  #encoded = 0

  /** @throws LimitError for too many codings. */
  constructor(codings: readonly unknown[], limits: DecoderLimits) {
    this.#limits = limits
    const value = codings.length
    const most = limits.contentCodings
    if (value <= most) return
    throw new LimitError(`Cannot decode body: ${value} content codings, where ${most} are allowed`, {
      limit: 'contentCodings',
      value,
    })
  }

  /** Encoded bytes came. */
  count(bytes: number): void {
    this.#encoded += bytes
  }

  /** Bytes that may have been decoded by now: of the body itself, or of a coding beneath another. */
  most(body: boolean): number {
    return body ? Math.min(this.#expanded, this.#limits.bodyBytes) : this.#expanded
  }

  /** @throws LimitError when `decoded` bytes are more than may have been. */
  check(decoded: number, body: boolean): void {
    if (decoded <= this.most(body)) return
    const { bodyBytes, expansion } = this.#limits
    if (body && decoded > bodyBytes) {
      throw new LimitError(`Cannot decode body: more than ${bodyBytes} bytes`, {
        limit: 'maxBodySize',
        value: decoded,
      })
    }
    throw new LimitError(`Cannot decode body: more than ${expansion} bytes for each encoded one`, {
      limit: 'expansion',
      value: Math.floor(decoded / this.#encoded),
    })
  }

  get #expanded(): number {
    return Math.max(free, this.#limits.expansion * this.#encoded)
  }
}
