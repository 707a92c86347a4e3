import { varintLength, VarintReader, writeVarint } from './varint.ts'

/** The type of the capsule that carries an HTTP datagram (RFC 9297 section 3.5). */
export const datagramType = 0

/** A capsule (RFC 9297 section 3.2). */
export interface Capsule {
  readonly type: number
  /** Bytes of the value, as the capsule says. */
  readonly length: number
  /** The value; of one longer than `maxValue` only its first {@link prefixLength} bytes. Nobody else writes to it. */
  readonly value: Uint8Array
}

/** How much of a capsule is kept, and how much is waited for. */
export interface CapsuleLimits {
  /** Bytes of the largest value that is kept. */
  readonly maxValue: number
  /** Bytes of the longest value that is skipped; a longer one is an error as soon as its length was read. */
  readonly maxSkipped: number
}

/** The peer did not speak the Capsule Protocol. */
export class CapsuleError extends Error {}

/** What is kept of a value that is too long: enough for the longest variable-length integer. */
export const prefixLength = 8

/** The least that is allocated for a value that comes in pieces. */
const leastRoom = 256

const nothing: Uint8Array = new Uint8Array(0)

/** One capsule as bytes. @throws RangeError when the type is no integer from 0 to 2^53 - 1. */
export function encodeCapsule(type: number, value: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(varintLength(type) + varintLength(value.length) + value.length)
  bytes.set(value, writeVarint(bytes, writeVarint(bytes, 0, type), value.length))
  return bytes
}

/**
 * Cuts capsules from a stream of bytes, without any I/O: the same ones for any split of the input. Capsules of types
 * that nobody wants are skipped as they come (RFC 9297 section 3.2), and memory is taken for what came, never for what a
 * length says.
 *
 * ```text
 *   type ──▶ length ──wanted──▶ value ──whole──▶ type
 *     ▲        └──not wanted──▶ skip ◀──too long──┘
 *     └──────────────────────────┘
 * ```
 */
export class CapsuleDecoder {
  /** Capsules that were skipped because of their type. */
  skipped = 0
  readonly #wanted: number
  readonly #limits: CapsuleLimits
  readonly #integer = new VarintReader()
  readonly #waiting: Uint8Array[] = []
  #chunk = nothing
  #at = 0
  #stage: 'type' | 'length' | 'value' | 'skip' = 'type'
  #type = 0
  #length = 0
  /** Bytes of the value that are kept, what came of them when they came in pieces, and how much that is. */
  #kept = 0
  #pieces = nothing
  #filled = 0
  /** Bytes that are still to be skipped. */
  #left = 0

  /** @param wanted the one type that is delivered. */
  constructor(wanted: number, limits: CapsuleLimits) {
    this.#wanted = wanted
    this.#limits = limits
  }

  /** Adds input; the decoder owns the bytes. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#at < this.#chunk.length) {
      this.#waiting.push(chunk)
    } else {
      this.#chunk = chunk
      this.#at = 0
    }
  }

  /** The next capsule of the wanted type, or undefined when more input is needed. @throws CapsuleError */
  next(): Capsule | undefined {
    while (true) {
      if (this.#stage === 'value') {
        const capsule = this.#take()
        if (capsule || this.#starved()) return capsule
      } else if (this.#starved()) {
        return undefined
      } else if (this.#stage === 'skip') {
        this.#skip()
      } else {
        this.#at = this.#integer.read(this.#chunk, this.#at)
        if (!this.#integer.begun) this.#advance()
      }
    }
  }

  /** The stream ended, and {@link next} gave all. @throws CapsuleError when that cut a capsule off. */
  end(): void {
    if (this.#stage === 'type' && !this.#integer.begun) return
    throw new CapsuleError('the stream ended within a capsule')
  }

  /** Whether there is nothing to read; takes the next chunk when the one before is used up. */
  #starved(): boolean {
    if (this.#at < this.#chunk.length) return false
    this.#chunk = this.#waiting.shift() ?? nothing
    this.#at = 0
    return this.#chunk.length === 0
  }

  /** An integer is whole. */
  #advance(): void {
    const { value } = this.#integer
    if (this.#stage === 'type') {
      this.#type = value
      this.#stage = 'length'
      return
    }
    const { maxValue, maxSkipped } = this.#limits
    this.#length = value
    if (value > Math.max(maxValue, maxSkipped)) {
      throw new CapsuleError(`a capsule of ${value} bytes is longer than ${Math.max(maxValue, maxSkipped)}`)
    }
    if (this.#type === this.#wanted) {
      this.#kept = value > maxValue ? prefixLength : value
      this.#stage = 'value'
    } else {
      this.skipped++
      this.#leave(value)
    }
  }

  /** The value, in its place when it lies in one chunk. */
  #take(): Capsule | undefined {
    const missing = this.#kept - this.#filled
    const end = Math.min(this.#at + missing, this.#chunk.length)
    // Always the same class: a Buffer writes itself as text in another way.
    const piece = new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + this.#at, end - this.#at)
    this.#at = end
    if (piece.length < missing) {
      this.#keep(piece)
      return undefined
    }
    let value = piece
    if (this.#filled > 0) {
      this.#keep(piece)
      value = this.#pieces.subarray(0, this.#filled)
      this.#pieces = nothing
      this.#filled = 0
    }
    this.#leave(this.#length - this.#kept)
    return { type: this.#type, length: this.#length, value }
  }

  /** Grows with what came, so that a value byte by byte costs linear time, and one that never comes no memory. */
  #keep(piece: Uint8Array): void {
    const filled = this.#filled + piece.length
    if (filled > this.#pieces.length) {
      const room = Math.min(this.#kept, Math.max(leastRoom, filled * 2))
      const pieces = new Uint8Array(room)
      pieces.set(this.#pieces.subarray(0, this.#filled))
      this.#pieces = pieces
    }
    this.#pieces.set(piece, this.#filled)
    this.#filled = filled
  }

  /** The rest of this capsule is of no use. */
  #leave(left: number): void {
    this.#left = left
    this.#stage = left > 0 ? 'skip' : 'type'
  }

  #skip(): void {
    const step = Math.min(this.#left, this.#chunk.length - this.#at)
    this.#at += step
    this.#leave(this.#left - step)
  }
}
