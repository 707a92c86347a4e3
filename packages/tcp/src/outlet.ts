import type { Socket } from 'node:net'

/**
 * Bytes handed to the socket at a time. The runtime tells nothing of a write until all of it has left, so a large
 * one is cut: the progress between two pieces is what the write timeout looks for.
 */
export const sliceSize = 128 * 1024

/** Output that waits for its socket: what is large, or came while the socket was full. It follows in pieces, in order. */
export class Outlet {
  readonly #socket: Socket
  #waiting: Uint8Array[] = []
  #end: (() => void) | undefined
  /** Bytes that wait here. */
  bytes = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  get empty(): boolean {
    return this.#waiting.length === 0
  }

  /** Bytes that wait, but for the write that is on its way: being large is not what a cap is against. */
  get standing(): number {
    return this.bytes - (this.#waiting[0]?.byteLength ?? 0)
  }

  /** False when the output stands above the high-water mark. */
  write(data: Uint8Array | string, encoding: 'utf8' | 'latin1'): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data
    if (!(bytes instanceof Uint8Array))
      throw new TypeError(`Cannot write: ${typeof bytes} is neither bytes nor text`)
    this.#waiting.push(bytes)
    this.bytes += bytes.byteLength
    return this.pump()
  }

  /** Hands over as much as the socket takes. True when there is room for more. */
  pump(): boolean {
    let room = !this.#socket.writableNeedDrain
    while (room && this.#waiting.length > 0) room = this.#socket.write(this.#next())
    if (this.#waiting.length === 0) this.#end?.()
    return room
  }

  /** Hands over everything, because the socket gets another owner. */
  flush(): void {
    for (const bytes of this.#waiting) this.#socket.write(bytes)
    this.clear()
    this.#end?.()
  }

  /** Calls `end` once everything has been handed over. */
  whenEmpty(end: () => void): void {
    this.#end = end
    // A corked socket does not drain.
    while (this.#socket.writableCorked > 0) this.#socket.uncork()
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = []
    this.bytes = 0
  }

  #next(): Uint8Array {
    const first = this.#waiting[0] as Uint8Array
    const piece = first.subarray(0, sliceSize)
    if (piece.byteLength === first.byteLength) this.#waiting.shift()
    else this.#waiting[0] = first.subarray(sliceSize)
    this.bytes -= piece.byteLength
    return piece
  }
}
