/**
 * Bytes waiting to become messages: appended at the end, consumed at the front.
 *
 * They lie in at most two pieces: the front, and behind it the chunk that came last. A chunk is adopted
 * without a copy as soon as the front is used up; only what straddles two chunks is copied. Growth is
 * amortised, so one-byte chunks cost linear time.
 */
export class ByteBuffer {
  #front: Buffer = empty
  /** Where `#front` lies: asking it for that costs more than making a message. */
  #memory: ArrayBufferLike = empty.buffer
  #offset = empty.byteOffset
  #start = 0
  #end = 0
  /** Whether `#front` was allocated here, with room to grow into. */
  #own = false
  #tail: Buffer = empty
  #length = 0

  get length(): number {
    return this.#length
  }

  append(chunk: Uint8Array): void {
    const added = chunk.byteLength
    if (this.#tail.length > 0) this.#gather(this.#length, (this.#length + added) * 2)
    this.#length += added
    const waiting = this.#end - this.#start
    if (waiting > 0 && added <= waiting) {
      // Little behind much, as byte by byte: it may as well be copied at once.
      if (!this.#own || this.#end + added > this.#front.length) this.#move((waiting + added) * 2)
      this.#front.set(chunk, this.#end)
      this.#end += added
      return
    }
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, added)
    if (waiting === 0) this.#adopt(bytes)
    else this.#tail = bytes
  }

  /** The index of `wanted`, a byte or some, counted from the front, or -1; looks from `from` on. */
  indexOf(wanted: number | Uint8Array, from: number): number {
    const size = this.#end - this.#start
    if (from < size) {
      // What lies behind the end is room to grow into: searching it would take quadratic time.
      const front = this.#own ? this.#front.subarray(0, this.#end) : this.#front
      const found = front.indexOf(wanted, this.#start + from)
      if (found !== -1) return found - this.#start
    }
    const tail = this.#tail
    if (tail.length === 0) return -1
    if (typeof wanted !== 'number' && wanted.byteLength > 1) {
      const seam = Math.max(Math.min(from, size), size - wanted.byteLength + 1)
      const found = this.#acrossSeam(wanted, seam)
      if (found !== -1) return seam + found
    }
    const found = tail.indexOf(wanted, Math.max(0, from - size))
    return found === -1 ? -1 : size + found
  }

  /** The byte at `index`, which must be below `length`. */
  at(index: number): number {
    const place = this.#start + index
    return (place < this.#end ? this.#front[place] : this.#tail[place - this.#end]) as number
  }

  /** The first `length` bytes as text; they stay. */
  text(length: number): string {
    this.#gather(length)
    return this.#front.toString('utf8', this.#start, this.#start + length)
  }

  /** The first `size` bytes as an unsigned integer; they stay. Beyond 2^53 it is only about right. */
  uint(size: number, littleEndian: boolean): number {
    if (this.#end - this.#start < size) this.#gather(size)
    const front = this.#front
    const start = this.#start
    // The most usual one, which the loop would make a tenth of the cost of a small message dearer.
    if (size === 4 && !littleEndian) {
      return (
        byteAt(front, start) * 2 ** 24 +
        ((byteAt(front, start + 1) << 16) | (byteAt(front, start + 2) << 8) | byteAt(front, start + 3))
      )
    }
    let value = 0
    if (littleEndian)
      for (let place = start + size; place-- > start;) value = value * 256 + byteAt(front, place)
    else for (let place = start; place < start + size; place++) value = value * 256 + byteAt(front, place)
    return value
  }

  /**
   * The bytes from `begin` to `end`, in their place when they lie in one chunk; all before `next` are dropped.
   * Nobody else writes to them.
   */
  cut(begin: number, end: number, next: number): Uint8Array {
    if (this.#end - this.#start < next) this.#gather(next)
    const bytes = new Uint8Array(this.#memory, this.#offset + this.#start + begin, end - begin)
    this.skip(next)
    return bytes
  }

  /** Drops `length` bytes at the front. */
  skip(length: number): void {
    this.#length -= length
    this.#start += length
    if (this.#start < this.#end) return
    const tail = this.#tail
    this.#adopt(this.#start === this.#end ? tail : tail.subarray(this.#start - this.#end))
  }

  /** Takes everything out. */
  take(): Uint8Array {
    return this.cut(0, this.#length, this.#length)
  }

  #adopt(bytes: Buffer): void {
    this.#lay(bytes, bytes.length, false)
    this.#tail = empty
  }

  #lay(bytes: Buffer, length: number, own: boolean): void {
    this.#front = bytes
    this.#memory = bytes.buffer
    this.#offset = bytes.byteOffset
    this.#start = 0
    this.#end = length
    this.#own = own
  }

  /** Sees to it that the first `length` bytes are in one piece; a new piece has room for `room`. */
  #gather(length: number, room = length): void {
    const missing = length - (this.#end - this.#start)
    if (missing <= 0) return
    if (!this.#own || this.#end + missing > this.#front.length) this.#move(room)
    this.#tail.copy(this.#front, this.#end, 0, missing)
    this.#end += missing
    this.#tail = missing < this.#tail.length ? this.#tail.subarray(missing) : empty
  }

  /** Copies the front to a piece of its own with room for `room` bytes. */
  #move(room: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(64, room))
    this.#lay(bytes, this.#front.copy(bytes, 0, this.#start, this.#end), true)
  }

  /** Where `wanted` begins in the front, counted from `seam`, and ends in the tail. */
  #acrossSeam(wanted: Uint8Array, seam: number): number {
    const behind = this.#tail.subarray(0, wanted.byteLength - 1)
    return Buffer.concat([this.#front.subarray(this.#start + seam, this.#end), behind]).indexOf(wanted)
  }
}

const empty = Buffer.alloc(0)

function byteAt(bytes: Uint8Array, place: number): number {
  return bytes[place] as number
}
