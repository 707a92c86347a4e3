/** Bytes of a buffer: a larger one is hardly faster. The first is smaller, for most bodies are. */
const size = 256 * 1024
const firstSize = 64 * 1024

/** Bytes on their way to a file: one buffer is filled while the other is written. */
export class Gathered {
  #buffer: Buffer | undefined
  #filled = 0
  /** One that was written. */
  #spare: Buffer | undefined
  #next: number
  /** What came when there was no room, though it was asked to wait. */
  #rest: Uint8Array[] = []

  /** @param total how many bytes will come, where that is known. */
  constructor(total: number | undefined) {
    this.#next = total === undefined ? firstSize : Math.max(1, Math.min(total, size))
  }

  /** Whether there is as much as is written at once. */
  get full(): boolean {
    return this.#buffer !== undefined && this.#filled === this.#buffer.length
  }

  add(bytes: Uint8Array): void {
    if (this.#rest.length > 0) {
      this.#rest.push(bytes)
      return
    }
    const rest = this.#fill(bytes)
    if (rest) this.#rest.push(rest)
  }

  /** Takes out what a buffer holds; undefined where there is nothing. */
  take(): Buffer | undefined {
    if (this.#filled === 0) return undefined
    const taken = this.#buffer!.subarray(0, this.#filled)
    this.#buffer = undefined
    this.#filled = 0
    const rest = this.#rest
    this.#rest = []
    for (const bytes of rest) this.add(bytes)
    return taken
  }

  /** What was taken is written. */
  giveBack(taken: Buffer): void {
    if (taken.length === size) this.#spare = taken
  }

  clear(): void {
    this.#filled = 0
    this.#rest = []
  }

  /** @returns what there is no room for. */
  #fill(bytes: Uint8Array): Uint8Array | undefined {
    const buffer = (this.#buffer ??= this.#unused())
    const count = Math.min(buffer.length - this.#filled, bytes.byteLength)
    buffer.set(count === bytes.byteLength ? bytes : bytes.subarray(0, count), this.#filled)
    this.#filled += count
    return count === bytes.byteLength ? undefined : bytes.subarray(count)
  }

  #unused(): Buffer {
    const buffer = this.#spare ?? Buffer.allocUnsafeSlow(this.#next)
    this.#spare = undefined
    this.#next = size
    return buffer
  }
}
