import type { Payload } from './payload.ts'
import { headerSize, lengthSize, plainBundle, putLength, sequencedBundle } from './wire.ts'

/** Writes messages into one datagram after the other. */
export class BundleWriter<M> {
  readonly #payload: Payload<M>
  readonly #maxSize: number
  readonly #sequenced: boolean
  #sequence: number
  #datagram: Buffer | undefined
  #length = 0
  #messages = 0

  /** Without a first `sequence` number the datagrams have none. */
  constructor(payload: Payload<M>, maxSize: number, sequence: number | undefined) {
    this.#payload = payload
    this.#maxSize = maxSize
    this.#sequenced = sequence !== undefined
    this.#sequence = sequence ?? 0
  }

  /** Bytes of the datagram that is being written. */
  get bytes(): number {
    return this.#length
  }

  /** Messages in it. */
  get messages(): number {
    return this.#messages
  }

  /** Whether it has room for a message of `size` bytes. An empty one has, for what may be sent at all. */
  fits(size: number): boolean {
    return this.#messages === 0 || this.#length + lengthSize(size) + size <= this.#maxSize
  }

  add(message: M, size: number): void {
    const datagram = (this.#datagram ??= this.#begin())
    const at = putLength(datagram, this.#length, size)
    this.#payload.put(message, datagram, at)
    this.#length = at + size
    this.#messages++
  }

  /** The datagram, which is the caller's from now on: whoever sends it may hold it for as long as it likes. */
  take(): Uint8Array {
    const datagram = (this.#datagram as Buffer).subarray(0, this.#length)
    this.#datagram = undefined
    this.#length = this.#messages = 0
    return datagram
  }

  #begin(): Buffer {
    const datagram = Buffer.allocUnsafe(this.#maxSize)
    this.#length = headerSize(this.#sequenced)
    datagram[0] = this.#sequenced ? sequencedBundle : plainBundle
    if (this.#sequenced) {
      datagram.writeUInt32BE(this.#sequence, 1)
      this.#sequence = (this.#sequence + 1) >>> 0
    }
    return datagram
  }
}
