/** Pieces below this size are copied together. */
const small = 1024

const largestBlock = 64 * 1024

/**
 * Bytes that come in pieces, to be had in one. A piece is an object of a hundred bytes, whatever is in it: a sender of
 * one byte at a time would have a hundred times what it sends kept for it. So small pieces are copied together.
 */
export class Pieces {
  readonly #pieces: Uint8Array[] = []
  #block: Buffer | undefined
  /** Of the block: what stands among the pieces already, and what was copied. */
  #taken = 0
  #filled = 0
  #size = 0

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  push(piece: Uint8Array): void {
    const first = this.#size === 0
    this.#size += piece.byteLength
    // Most bodies are one piece.
    if (first || piece.byteLength >= small) {
      this.#settle()
      this.#pieces.push(piece)
      return
    }
    let block = this.#block
    if (block === undefined || block.length - this.#filled < piece.byteLength) {
      this.#settle()
      block = this.#block = Buffer.allocUnsafeSlow(Math.min(largestBlock, Math.max(small, this.#size)))
      this.#taken = this.#filled = 0
    }
    block.set(piece, this.#filled)
    this.#filled += piece.byteLength
  }

  /** All of it. */
  whole(): Uint8Array {
    this.#settle()
    const [first] = this.#pieces
    return this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces, this.#size)
  }

  /** What was copied takes its place behind what came before. */
  #settle(): void {
    if (this.#block === undefined || this.#filled === this.#taken) return
    this.#pieces.push(this.#block.subarray(this.#taken, this.#filled))
    this.#taken = this.#filled
  }
}
