import type { ByteBuffer } from '../byte-buffer.ts'
import { malformed } from './limits.ts'

/** How the length of a message is written in front of it. */
export interface LengthHeader {
  /** Bytes of the header of a message of `length` bytes. */
  sizeFor(length: number): number
  /** Writes the header of a message of `length` bytes at the front of `bytes`. */
  write(bytes: Uint8Array, length: number): void
  /** Bytes of the header at the front of `buffer`, or 0 when it is not whole yet. */
  sizeIn(buffer: ByteBuffer): number
  /** The length of the message behind the header; beyond 2^53 only about right, which is far too long anyway. */
  read(buffer: ByteBuffer, size: number): number
}

/** An unsigned integer of `size` bytes. */
export class FixedHeader implements LengthHeader {
  readonly #size: number
  readonly #little: boolean
  /** What the length says beyond the message's own: the header, or nothing. */
  readonly #counted: number

  constructor(size: number, little: boolean, counted: number) {
    this.#size = size
    this.#little = little
    this.#counted = counted
  }

  sizeFor(): number {
    return this.#size
  }

  write(bytes: Uint8Array, length: number): void {
    let left = length + this.#counted
    for (let place = 0; place < this.#size; place++) {
      bytes[this.#little ? place : this.#size - 1 - place] = left % 256
      left = Math.floor(left / 256)
    }
  }

  sizeIn(buffer: ByteBuffer): number {
    return buffer.length < this.#size ? 0 : this.#size
  }

  read(buffer: ByteBuffer): number {
    const value = buffer.uint(this.#size, this.#little)
    if (value < this.#counted) throw malformed(`length ${value} is less than its header`)
    return value - this.#counted
  }
}

/** Protocol Buffers' limit: 64 bits, seven a byte. */
const maxVarintSize = 10

/** A base 128 varint: seven bits a byte, the lowest first, and the eighth set on all but the last. */
export class VarintHeader implements LengthHeader {
  sizeFor(length: number): number {
    let size = 1
    for (let left = length; left >= 128; left = Math.floor(left / 128)) size++
    return size
  }

  write(bytes: Uint8Array, length: number): void {
    let left = length
    let place = 0
    for (; left >= 128; left = Math.floor(left / 128)) bytes[place++] = (left % 128) | 128
    bytes[place] = left
  }

  sizeIn(buffer: ByteBuffer): number {
    const most = Math.min(buffer.length, maxVarintSize)
    for (let place = 0; place < most; place++) if (buffer.at(place) < 128) return place + 1
    if (most === maxVarintSize) throw malformed(`length is a varint of more than ${maxVarintSize} bytes`)
    return 0
  }

  read(buffer: ByteBuffer, size: number): number {
    let value = 0
    for (let place = size - 1; place >= 0; place--) value = value * 128 + (buffer.at(place) & 127)
    return value
  }
}
