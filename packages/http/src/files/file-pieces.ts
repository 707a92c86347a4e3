import type { PieceSource } from '../message/piece-source.ts'
import type { OpenFile } from './open-file.ts'

/** Bytes of a file from `start` up to, and without, `end`. */
interface Range {
  readonly start: number
  readonly end: number
}

/** A part of a body: text, or what stands in the file. */
export type Section = string | Range

/** What was read, and the memory it lies in. */
interface Piece {
  readonly bytes: Uint8Array
  readonly buffer: Buffer
}

/** Bytes read at a time at first; and once so many were sent that more will follow. */
const firstSize = 64 * 1024
const laterSize = 256 * 1024
const settledAfter = 1024 * 1024

/**
 * Reads the sections of a body out of a file, piece by piece. While a piece is sent the next is read; what it is read
 * into is used again once the piece before has left, so that a large file needs two buffers, however large it is.
 */
export class FilePieces implements PieceSource {
  readonly #file: OpenFile
  readonly #sections: readonly Section[]
  #at = 0
  /** Within the section. */
  #offset = 0
  #sent = 0
  #ahead: Promise<Piece> | undefined
  #free: Buffer[] = []
  /** Of what was handed out. */
  #given: Buffer[] = []

  constructor(file: OpenFile, sections: readonly Section[]) {
    this.#file = file
    this.#sections = sections
  }

  async next(): Promise<IteratorResult<Uint8Array | string, undefined>> {
    const section = this.#sections[this.#at]
    if (!this.#ahead && typeof section !== 'object') {
      if (section === undefined) this.#file.close()
      else this.#at++
      return section === undefined ? { value: section, done: true } : { value: section, done: false }
    }
    try {
      const { bytes, buffer } = await (this.#ahead ?? this.#read(section as Range))
      this.#given.push(buffer)
      this.#ahead = this.#readAhead()
      return { value: bytes, done: false }
    } catch (error) {
      this.cancel()
      throw error
    }
  }

  cancel(): void {
    this.#at = this.#sections.length
    this.#file.close()
  }

  reuse(): void {
    if (this.#given.length > 0) this.#free = this.#given.splice(0)
  }

  #readAhead(): Promise<Piece> | undefined {
    const section = this.#sections[this.#at]
    if (typeof section !== 'object') return undefined
    const ahead = this.#read(section)
    // Whoever asks next hears of it; nobody may.
    ahead.catch(() => {})
    return ahead
  }

  async #read({ start, end }: Range): Promise<Piece> {
    const from = start + this.#offset
    const most = this.#sent < settledAfter ? firstSize : laterSize
    const length = Math.min(most, end - from)
    this.#offset += length
    this.#sent += length
    if (from + length === end) {
      this.#at++
      this.#offset = 0
    }
    const buffer = this.#buffer(most, length)
    const bytes = buffer.length === length ? buffer : buffer.subarray(0, length)
    await this.#file.fill(bytes, from)
    return { bytes, buffer }
  }

  #buffer(size: number, length: number): Buffer {
    const free = this.#free.pop()
    if (free !== undefined && free.length >= length) return free
    return Buffer.allocUnsafeSlow(length < size ? length : size)
  }
}
