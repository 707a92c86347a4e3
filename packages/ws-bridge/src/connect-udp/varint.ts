/** The largest number that is written or compared here; the format itself goes to 2^62 - 1. */
const most = Number.MAX_SAFE_INTEGER

/** Bytes of a variable-length integer, in its shortest form (RFC 9000 section 16). @throws RangeError */
export function varintLength(value: number): 1 | 2 | 4 | 8 {
  if (!(Number.isInteger(value) && value >= 0 && value <= most)) {
    throw new RangeError(`Cannot write integer: ${value} is not one from 0 to ${most}`)
  }
  if (value < 2 ** 6) return 1
  if (value < 2 ** 14) return 2
  return value < 2 ** 30 ? 4 : 8
}

/** Writes `value` at `at` in its shortest form, and answers where it ends. @throws RangeError */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  const length = varintLength(value)
  let left = value
  for (let place = at + length - 1; place >= at; place--) {
    bytes[place] = left % 256
    left = Math.floor(left / 256)
  }
  // The two highest bits say the length, as its logarithm.
  bytes[at] = (bytes[at] as number) | (Math.log2(length) << 6)
  return at + length
}

/**
 * Reads variable-length integers that may be cut anywhere; none needs its shortest form (RFC 9000 section 16). From
 * 2^53 on the value is only about right, which is exact enough for what is compared with a limit.
 */
export class VarintReader {
  /** The integer that was read last. */
  value = 0
  #missing = 0

  /** Whether it is in the middle of an integer. */
  get begun(): boolean {
    return this.#missing > 0
  }

  /** Reads on at `at`, and answers where it stopped: at the end of the integer, or of the bytes while {@link begun}. */
  read(bytes: Uint8Array, at: number): number {
    let place = at
    if (this.#missing === 0) {
      const first = bytes[place++] as number
      this.value = first & 0x3f
      this.#missing = (1 << (first >> 6)) - 1
    }
    for (; this.#missing > 0 && place < bytes.length; this.#missing--) {
      this.value = this.value * 256 + (bytes[place++] as number)
    }
    return place
  }
}
