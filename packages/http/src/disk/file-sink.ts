import type { Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

import { BrokenError, type CloseReason, type ConnectionHandler, LimitError } from '@fairlead/core'

import type { IncomingBody } from '../message/body.ts'
import type { Progress } from '../message/progress.ts'
import { fileErrorOf } from './file-error.ts'
import { Gathered } from './gathered.ts'

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
 * Writes a body to a file, in large pieces and one at a time. What comes meanwhile is gathered, in a second buffer; when
 * that is full the body waits, and with it the other side. Bytes are copied: what they came in is free at once, and a file
 * needs two buffers, however large it is.
 *
 * However it ends, nothing is being written any more when it has; and what came before the body broke is in the file.
 */
export class FileSink implements ConnectionHandler<Uint8Array> {
  readonly #options: SinkOptions
  readonly #gathered: Gathered
  #body: IncomingBody | undefined
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
    this.#gathered = new Gathered(options.total)
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
    this.#gathered.add(chunk)
    if (!this.#gathered.full) return
    if (!this.#writing) void this.#write()
    if (this.#gathered.full) this.#wait()
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

  #finish(): void {
    if (this.#over) return
    this.#over = true
    if (!this.#writing) void this.#write()
  }

  async #write(): Promise<void> {
    const { handle, path } = this.#options
    this.#writing = true
    try {
      for (let bytes = this.#take(); bytes; bytes = this.#take()) {
        this.#goOn()
        try {
          this.#written = await writeAll(handle, bytes, this.#written)
        } catch (error) {
          throw fileErrorOf(path, error)
        }
        this.#gathered.giveBack(bytes)
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
    this.#gathered.clear()
    this.#body?.pause()
  }

  #tell(): void {
    const { onProgress, total } = this.#options
    if (!onProgress) return
    const answer = onProgress({ bytes: this.#written, total }) as PromiseLike<unknown> | undefined
    if (typeof answer?.then === 'function') answer.then(undefined, (error: unknown) => this.fail(error))
  }

  /** What is to be written now; undefined while it is too little. */
  #take(): Buffer | undefined {
    return this.#over || this.#gathered.full ? this.#gathered.take() : undefined
  }

  #wait(): void {
    this.#waits = true
    this.#body?.pause()
  }

  #goOn(): void {
    if (!this.#waits || this.#gathered.full) return
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

/** A system may take less than it was given. @returns where the next byte goes. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<number> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
    if (bytesWritten === 0) throw new Error('the system takes no more bytes')
    done += bytesWritten
  }
  return at + bytes.length
}
