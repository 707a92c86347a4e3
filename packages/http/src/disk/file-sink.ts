import type { Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

import { BrokenError, type CloseReason, type ConnectionHandler, LimitError } from '@fairlead/core'

import type { IncomingBody } from '../message/body.ts'
import type { Progress } from '../message/progress.ts'
import { fileErrorOf } from './file-error.ts'

/** Bytes from which on it is worth to call the system, and those that are gathered meanwhile before the body waits. */
const enough = 256 * 1024
const most = 512 * 1024

/** The same in pieces: a piece of one byte may hold on to the buffer of a whole read. */
const enoughPieces = 256
const mostPieces = 512

/** Where the bytes of a body go. */
export interface SinkOptions {
  /** For messages. */
  readonly path: string
  readonly handle: FileHandle
  /** Where the first byte goes. */
  readonly at: number
  /** Bytes of the largest file. */
  readonly maxSize: number
  readonly hash: Hash | undefined
  /** Digests that came with the body. */
  readonly seals?: { update(chunk: Uint8Array): void } | undefined
  readonly signal: AbortSignal | undefined
  /** Of the whole file, where it is known. */
  readonly total: number | undefined
  /** Told behind each write. What it throws, or rejects with, ends the writing. */
  readonly onProgress: ((progress: Progress) => unknown) | undefined
  /** So large is the file now. Waited for. */
  wrote?(size: number): Promise<void>
}

/**
 * Writes a body to a file, in large pieces and one at a time. What comes meanwhile is gathered, up to 512 KiB; then the
 * body waits, and with it the server.
 *
 * However it ends, nothing is being written any more when it has; and what came before the body broke is in the file.
 */
export class FileSink implements ConnectionHandler<Uint8Array> {
  readonly #options: SinkOptions
  #body: IncomingBody | undefined
  #pieces: Uint8Array[] = []
  #gathered = 0
  /** So large is the file with all that has come, and with all that was written. */
  #size: number
  #written: number
  #writing = false
  #waits = false
  /** No more comes. */
  #over = false
  #failure: { readonly error: unknown } | undefined
  #settle: (() => void) | undefined

  constructor(options: SinkOptions) {
    this.#options = options
    this.#size = this.#written = options.at
  }

  /** @returns how large the file is now. @throws what the body failed with, FileError, LimitError, `signal.reason`. */
  async take(body: IncomingBody): Promise<number> {
    const { signal } = this.#options
    signal?.throwIfAborted()
    const settled = new Promise<void>((resolve) => (this.#settle = resolve))
    this.#body = body
    body.handle(this)
    const abort = (): void => this.fail(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      await settled
    } finally {
      signal?.removeEventListener('abort', abort)
    }
    if (this.#failure) throw this.#failure.error
    return this.#written
  }

  onData(chunk: Uint8Array): void {
    if (this.#over || chunk.byteLength === 0) return
    const { maxSize, hash, seals } = this.#options
    this.#size += chunk.byteLength
    if (this.#size > maxSize) return this.fail(tooLarge(this.#options.path, maxSize, this.#size))
    hash?.update(chunk)
    seals?.update(chunk)
    this.#pieces.push(chunk)
    this.#gathered += chunk.byteLength
    if (!this.#writing) {
      if (this.#enough) void this.#write()
    } else if (this.#gathered >= most || this.#pieces.length >= mostPieces) {
      this.#waits = true
      this.#body?.pause()
    }
  }

  onEnd(): void {
    this.#finish()
  }

  onClose(reason: CloseReason): void {
    if (this.#over) return
    this.#failure = { error: reason.kind === 'error' ? reason.error : new BrokenError('Cannot read body') }
    this.#finish()
  }

  /** What is not on the disk yet will never be. */
  fail(error: unknown): void {
    if (this.#over) return
    this.#failure = { error }
    this.#giveUp()
    this.#finish()
  }

  get #enough(): boolean {
    return this.#over || this.#gathered >= enough || this.#pieces.length >= enoughPieces
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    if (!this.#writing) void this.#write()
  }

  async #write(): Promise<void> {
    const { handle, path } = this.#options
    this.#writing = true
    try {
      while (this.#pieces.length > 0 && this.#enough) {
        const pieces = this.#pieces
        this.#pieces = []
        this.#gathered = 0
        this.#goOn()
        try {
          this.#written = await writeAll(handle, pieces, this.#written)
        } catch (error) {
          throw fileErrorOf(path, error)
        }
        await this.#options.wrote?.(this.#written)
        this.#tell()
      }
    } catch (error) {
      // A disk that is full is more to know of than a connection that was lost meanwhile.
      this.#failure = { error }
      this.#giveUp()
      this.#over = true
    }
    this.#writing = false
    if (this.#over) this.#settle?.()
  }

  /** Nobody wants the rest, so it need not come. */
  #giveUp(): void {
    this.#pieces = []
    this.#body?.pause()
  }

  #tell(): void {
    const { onProgress, total } = this.#options
    if (!onProgress) return
    const answer = onProgress({ bytes: this.#written, total }) as PromiseLike<unknown> | undefined
    if (typeof answer?.then === 'function') answer.then(undefined, (error: unknown) => this.fail(error))
  }

  #goOn(): void {
    if (!this.#waits) return
    this.#waits = false
    this.#body?.resume()
  }
}

export function tooLarge(path: string, maxSize: number, value: number): LimitError {
  return new LimitError(`Cannot save ${path}: it is more than ${maxSize} bytes`, {
    limit: 'maxSize',
    value,
    phase: 'body',
  })
}

/** A system may take less than it was given. */
async function writeAll(handle: FileHandle, pieces: Uint8Array[], at: number): Promise<number> {
  let place = at
  let rest = pieces
  for (;;) {
    const { bytesWritten } = await handle.writev(rest, place)
    if (bytesWritten === 0) throw new Error('the system takes no more bytes')
    place += bytesWritten
    rest = behind(rest, bytesWritten)
    if (rest.length === 0) return place
  }
}

/** What is left of `pieces` behind their first `count` bytes. */
function behind(pieces: Uint8Array[], count: number): Uint8Array[] {
  let left = count
  for (const [index, piece] of pieces.entries()) {
    if (left < piece.byteLength) return [piece.subarray(left), ...pieces.slice(index + 1)]
    left -= piece.byteLength
  }
  return []
}
