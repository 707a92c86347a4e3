/**
 * Bytes waiting to become messages: appended at the end, consumed at the front. A chunk that comes when
 * nothing waits is adopted without a copy; growth is amortised, so one-byte chunks cost linear time.
 */
export class ByteBuffer {
  #bytes: Buffer = empty
  #start = 0
  #end = 0
  /** Whether `#bytes` was allocated here, with room to grow into. */
  #own = false

  get length(): number {
    return this.#end - this.#start
  }

  append(chunk: Uint8Array): void {
    if (this.#start === this.#end) {
      this.#bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      this.#start = 0
      this.#end = chunk.byteLength
      this.#own = false
      return
    }
    const needed = this.length + chunk.byteLength
    if (!this.#own || this.#end + chunk.byteLength > this.#bytes.length) this.#grow(needed)
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.byteLength
  }

  /** The index of `byte` counted from the front, or -1; looks from `from` on. */
  indexOf(byte: number, from: number): number {
    // What lies behind the end is room to grow into: searching it would take quadratic time.
    const bytes = this.#own ? this.#bytes.subarray(0, this.#end) : this.#bytes
    const found = bytes.indexOf(byte, this.#start + from)
    return found === -1 ? -1 : found - this.#start
  }

  at(index: number): number {
    return this.#bytes[this.#start + index] ?? 0
  }

  /** The first `length` bytes as text; they stay. */
  text(length: number): string {
    return this.#bytes.toString('utf8', this.#start, this.#start + length)
  }

  /** Drops `length` bytes at the front. */
  skip(length: number): void {
    this.#start += length
    if (this.#start < this.#end) return
    this.#bytes = empty
    this.#start = this.#end = 0
    this.#own = false
  }

  /** Takes everything out. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(this.#start, this.#end)
    this.skip(bytes.length)
    return bytes
  }

  #grow(needed: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(64, needed * 2))
    this.#bytes.copy(bytes, 0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
    this.#bytes = bytes
    this.#own = true
  }
}

const empty = Buffer.alloc(0)
