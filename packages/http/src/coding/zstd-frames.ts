import { damageError } from './damage.ts'

type Phase = 'magic' | 'skippable' | 'descriptor' | 'block' | 'checksum'

/** Bytes of the number that a phase begins with. */
const widths: Readonly<Record<Phase, number>> = {
  magic: 4,
  skippable: 4,
  descriptor: 1,
  block: 3,
  checksum: 4,
}

/** Bytes of the fields of a frame's header, by their two bits in its descriptor. */
const dictionaryWidths = [0, 1, 2, 4] as const
const contentSizeWidths = [0, 2, 4, 8] as const

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50

/**
 * Finds where the frames of a zstd stream end (RFC 8878 section 3.1), without decoding them. The runtimes differ in
 * what they make of a stream that is cut off, which Node before 24.21, Bun and Deno take for a whole one, of a second
 * frame in the same write, and of bytes that are no frame. Fed with a frame's own bytes and nothing else, they agree.
 */
export class ZstdFrames {
  #phase: Phase = 'magic'
  #collected = 0
  #value = 0
  #skip = 0
  #checksum = false

  /** Whether the bytes so far are whole frames. */
  get complete(): boolean {
    return this.#phase === 'magic' && this.#collected === 0 && this.#skip === 0
  }

  /**
   * How many of `bytes` belong to the present frame: all of them, unless it ends before.
   *
   * @throws HttpProtocolError where a frame should begin, and does not.
   */
  take(bytes: Uint8Array): number {
    let at = 0
    while (at < bytes.byteLength) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.byteLength - at)
        this.#skip -= skipped
        at += skipped
      } else {
        this.#value += bytes[at++]! * 256 ** this.#collected++
        if (this.#collected === widths[this.#phase]) this.#step()
      }
      if (this.complete) return at
    }
    return at
  }

  #step(): void {
    const value = this.#value
    this.#value = this.#collected = 0
    switch (this.#phase) {
      case 'magic':
        this.#phase = phaseOf(value)
        break
      case 'skippable':
        this.#skip = value
        this.#phase = 'magic'
        break
      case 'descriptor':
        this.#checksum = (value & 4) !== 0
        this.#skip = headerSize(value)
        this.#phase = 'block'
        break
      case 'block': {
        // One byte, repeated, is a block of type 1, whatever its size.
        const repeated = ((value >> 1) & 3) === 1
        this.#skip = repeated ? 1 : value >>> 3
        if ((value & 1) !== 0) this.#phase = this.#checksum ? 'checksum' : 'magic'
        break
      }
      case 'checksum':
        this.#phase = 'magic'
    }
  }
}

function phaseOf(magic: number): Phase {
  if (magic === frameMagic) return 'descriptor'
  if (magic - (magic % 16) === skippableMagic) return 'skippable'
  throw damageError('its zstd is damaged: no frame where one should begin')
}

/** Of the fields behind the descriptor: window, dictionary, content size (RFC 8878 section 3.1.1.1). */
function headerSize(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0
  const contentSize = contentSizeWidths[(descriptor >> 6) as 0 | 1 | 2 | 3]
  return (
    (single ? 0 : 1) +
    dictionaryWidths[(descriptor & 3) as 0 | 1 | 2 | 3] +
    (single ? Math.max(1, contentSize) : contentSize)
  )
}
