import type { MemoryOptions } from './options.ts'
import type { Representation } from './representation.ts'

/** A file as it was when it was looked at last. */
export interface Kept {
  readonly file: Representation
  /** Undefined of one that is too large to be kept. */
  readonly bytes: Uint8Array | undefined
  /** It may be served until then, by a clock that only goes on. */
  readonly until: number
}

/** What is held beside the bytes of a file, about. */
const overhead = 1024

/** What is known of files that were asked for, those asked for last. */
export class Memory {
  readonly maxFileSize: number
  readonly #options: Required<MemoryOptions>
  readonly #files = new Map<string, Kept>()
  #size = 0

  constructor(options: Required<MemoryOptions>) {
    this.#options = options
    this.maxFileSize = options.maxFileSize
  }

  /** What may be served now. */
  fresh(key: string): Kept | undefined {
    const kept = this.#files.get(key)
    return kept !== undefined && performance.now() < kept.until ? kept : undefined
  }

  /** What was held is there no more, unless somebody has seen something else since. */
  forget(key: string, kept: Kept | undefined): void {
    if (kept !== undefined && this.#files.get(key) === kept) this.#delete(key)
  }

  /** What is held, however old it is; for {@link forget}. */
  held(key: string): Kept | undefined {
    return this.#files.get(key)
  }

  set(key: string, file: Representation, bytes: Uint8Array | undefined): void {
    this.#delete(key)
    const kept: Kept = { file, bytes, until: performance.now() + this.#options.revalidate }
    this.#files.set(key, kept)
    this.#size += costOf(key, kept)
    // A map remembers the order in which it was given what it holds.
    for (const oldest of this.#files.keys()) {
      if (this.#files.size <= this.#options.maxFiles && this.#size <= this.#options.maxSize) return
      this.#delete(oldest)
    }
  }

  #delete(key: string): void {
    const kept = this.#files.get(key)
    if (kept === undefined) return
    this.#files.delete(key)
    this.#size -= costOf(key, kept)
  }
}

function costOf(key: string, { bytes }: Kept): number {
  return key.length + overhead + (bytes?.byteLength ?? 0)
}
