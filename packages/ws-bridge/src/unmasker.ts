import type { Duplex } from 'node:stream'

/** Bytes of a payload from which on it is worth it; below, `ws` is as fast. */
const least = 512

/**
 * Takes the mask off large payloads before `ws` sees them (RFC 6455 section 5.3), four bytes at a time, and makes it a mask
 * of zeros, which `ws` passes over: byte by byte, as it does it, is half of what a message of 64 KiB costs.
 *
 * Chunks are changed where they are, as `ws` does it, too. A frame whose mask does not come in one piece is left to `ws`.
 */
export class Unmasker {
  /** Made when something comes: most connections are idle. */
  #header: Uint8Array | undefined
  #have = 0
  #need = 2
  /** Bytes of the frame's payload that are still to come. */
  #payload = 0
  /** The mask as it applies to the next byte, and the same as one word; made for the first large payload. */
  #mask: Uint8Array | undefined
  #word: Uint32Array | undefined
  /** Whether the payload under way is to be unmasked. */
  #masked = false
  #over = false

  attach(socket: Duplex): void {
    socket.prependListener('data', (chunk: Uint8Array) => this.read(chunk))
  }

  read(chunk: Uint8Array): void {
    let at = 0
    const end = chunk.byteLength
    const header = (this.#header ??= new Uint8Array(14))
    while (at < end && !this.#over) {
      if (this.#payload > 0) {
        const to = Math.min(end, at + this.#payload)
        this.#payload -= to - at
        if (this.#masked) this.#unmask(chunk, at, to)
        at = to
        continue
      }
      const byte = chunk[at++] as number
      header[this.#have++] = byte
      if (this.#have === 2) this.#need = headerSize(byte)
      if (this.#have === this.#need) this.#frame(header, chunk, at)
    }
  }

  /** A header is whole, and ends at `end` of `chunk`. */
  #frame(header: Uint8Array, chunk: Uint8Array, end: number): void {
    const second = header[1] as number
    const key = this.#have - 4
    this.#have = 0
    this.#need = 2
    this.#payload = payloadSize(header, second & 127)
    this.#masked = false
    // What `ws` refuses is not followed any further.
    if (!Number.isSafeInteger(this.#payload)) this.#over = true
    if (this.#over || second < 128 || this.#payload < least || end < 4) return
    this.#masked = true
    const mask = (this.#mask ??= new Uint8Array(4))
    this.#word ??= new Uint32Array(mask.buffer)
    mask.set(header.subarray(key, key + 4))
    chunk.fill(0, end - 4, end)
  }

  #unmask(chunk: Uint8Array, from: number, to: number): void {
    const mask = this.#mask as Uint8Array
    let at = from
    // To where words begin.
    while (at < to && ((chunk.byteOffset + at) & 3) !== 0) {
      ;(chunk[at] as number) ^= mask[(at - from) & 3] as number
      at++
    }
    this.#turn(at - from)
    const words = (to - at) >> 2
    if (words > 0) {
      const view = new Uint32Array(chunk.buffer, chunk.byteOffset + at, words)
      const word = this.#word?.[0] as number
      for (let index = 0; index < words; index++) (view[index] as number) ^= word
      at += words * 4
    }
    const rest = to - at
    for (let index = 0; index < rest; index++) (chunk[at + index] as number) ^= mask[index] as number
    this.#turn(rest)
  }

  /** So many bytes of the mask were used. */
  #turn(count: number): void {
    const mask = this.#mask as Uint8Array
    const [a, b, c, d] = mask as unknown as [number, number, number, number]
    const by = count & 3
    if (by === 1) mask.set([b, c, d, a])
    else if (by === 2) mask.set([c, d, a, b])
    else if (by === 3) mask.set([d, a, b, c])
  }
}

/** Bytes of a header, as its second byte says. */
export function headerSize(second: number): number {
  const length = second & 127
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second > 127 ? 4 : 0)
}

/** Bytes of a payload, as its header says; no safe integer where that is beyond all measure. */
export function payloadSize(header: Uint8Array, length: number): number {
  if (length < 126) return length
  const view = new DataView(header.buffer)
  return length === 126 ? view.getUint16(2) : Number(view.getBigUint64(2))
}
