import type { FileHandle } from 'node:fs/promises'

import type { PieceSource } from '../../message/piece-source.ts'

/** Bytes that are read at a time. One block is read while the one before is sent, so there are two of them. */
const blockSize = 128 * 1024

const done = { value: undefined, done: true } as const

/**
 * Reads a part of a file, and closes it.
 *
 * Each block has a buffer of its own: a connection may hold one for as long as it likes, and nobody tells when it
 * has let go. There are never many of them, since the next is read only when there is room for it.
 */
export class FileSource implements PieceSource {
  readonly #file: FileHandle | Promise<FileHandle>
  readonly #path: string
  readonly #end: number
  #at: number
  #ahead: Promise<Uint8Array> | undefined
  #over = false

  constructor(
    file: FileHandle | Promise<FileHandle>,
    { path, start, end }: { path: string | URL; start: number; end: number },
  ) {
    this.#file = file
    this.#path = String(path)
    this.#at = start
    this.#end = end
    // Who cancels it before it is read has no use for the error.
    if (file instanceof Promise) file.catch(() => {})
  }

  async next(): Promise<IteratorResult<Uint8Array, unknown>> {
    if (this.#over) return done
    const reading = this.#ahead ?? (this.#at < this.#end ? this.#read() : undefined)
    this.#ahead = undefined
    if (!reading) {
      this.#close()
      return done
    }
    try {
      const value = await reading
      if (this.#at === this.#end) this.#close()
      else if (!this.#over) this.#readAhead()
      return { value, done: false }
    } catch (error) {
      this.#close()
      throw error
    }
  }

  cancel(): void {
    this.#close()
  }

  #readAhead(): void {
    this.#ahead = this.#read()
    // It is told when it is asked for, if it is.
    this.#ahead.catch(() => {})
  }

  async #read(): Promise<Uint8Array> {
    const file = await this.#file
    const size = Math.min(blockSize, this.#end - this.#at)
    const block = Buffer.allocUnsafeSlow(size)
    const { bytesRead } = await file.read(block, 0, size, this.#at)
    if (bytesRead === 0) {
      throw new Error(`Cannot send body: ${this.#path} became shorter while it was sent`)
    }
    this.#at += bytesRead
    return bytesRead === size ? block : block.subarray(0, bytesRead)
  }

  /** A read that is under way ends first, which the system sees to. */
  #close(): void {
    if (this.#over) return
    this.#over = true
    const close = async (): Promise<void> => (await this.#file).close()
    close().catch(() => {})
  }
}
