/** Larger sections are not remembered: a connection that only waits should hold next to nothing. */
const longest = 1024

/** Sections in a row that came but once, after which a peer is taken for one that does not repeat itself. */
const patience = 4

/**
 * The field lines that came last. Most clients send the same ones with every request of a connection, and comparing
 * bytes costs a fraction of reading them.
 */
export class Repeat {
  #bytes = Buffer.alloc(0)
  #length = 0
  #raw: readonly string[] = []
  #missed = 0

  /** The field lines, name and value in turn. Frozen: every message that repeats them shares them. */
  get raw(): readonly string[] {
    return this.#raw
  }

  /** The length of the section, if the bytes from `at` to `stop` begin with it, else 0. */
  matches(bytes: Buffer, at: number, stop: number): number {
    const end = at + this.#length
    if (this.#length === 0 || end > stop) return 0
    if (!equal(this.#bytes, bytes, at, this.#length)) return 0
    this.#missed = 0
    return this.#length
  }

  /** A section that was read, empty line and all. */
  remember(bytes: Buffer, from: number, to: number, raw: readonly string[]): void {
    if (this.#missed > patience) return
    const length = to - from
    this.#missed++
    this.#length = 0
    if (length > longest || this.#missed > patience) {
      this.#raw = []
      return
    }
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length)
    bytes.copy(this.#bytes, 0, from, to)
    this.#length = length
    this.#raw = Object.freeze(raw)
  }
}

/** Up to so many bytes, looking at each costs less than leaving for the runtime. */
const few = 128

/** Whether `bytes` has from `at` on what `known` begins with. */
function equal(known: Buffer, bytes: Buffer, at: number, length: number): boolean {
  // Not the other way round: Deno measures the range of the argument by the length of what compares.
  if (length > few) return bytes.compare(known, 0, length, at, at + length) === 0
  for (let i = 0; i < length; i++) {
    if (known[i] !== bytes[at + i]) return false
  }
  return true
}
