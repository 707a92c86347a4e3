import { ByteBuffer } from './byte-buffer.ts'
import type { ByteConnection } from './connection.ts'
import { defaultHighWaterMark } from './defaults.ts'
import { BusyError, ClosedError, ProtocolError, TimeoutError } from './errors.ts'
import { checkLength, defaultMaxLength, requireMaxLength } from './framing/limits.ts'
import { rejected } from './gate.ts'
import type { InnerHandler } from './handler-slot.ts'
import type { CloseReason } from './resource.ts'

/** Options of a {@link ByteReader}. */
export interface ByteReaderOptions {
  /** Bytes that one read may ask for, or look through for a delimiter. Default 1,048,576. */
  maxLength?: number
  /** Bytes that somebody read from the connection already. */
  head?: Uint8Array
}

/** Options of one read. */
export interface ReadOptions {
  /** Ends the waiting: the read rejects with `signal.reason`, and takes nothing. */
  signal?: AbortSignal | undefined
}

/** Options of {@link ByteReader.readUntil}. */
export interface ReadUntilOptions extends ReadOptions {
  /** Bytes in front of the delimiter, at most. Default: the reader's `maxLength`. */
  maxLength?: number
}

/** A read cannot be answered yet. */
const more = Symbol('more')

/** The read under way. */
interface Request {
  /** Takes what it wants, if that is there. */
  attempt(): boolean
  fail(error: unknown): void
}

/**
 * Reads a byte connection by need: so many bytes, or up to a delimiter. For authors of protocols whose
 * conversation is easier told as steps than as events. It reads ahead by 64 KiB, and no further than a read
 * needs, so that a peer that sends too fast is held back.
 *
 * One read at a time. Each takes all it asked for or, when it fails, nothing. When the peer ended too early it
 * fails with a {@link ProtocolError} (code `ERR_FAIRLEAD_INCOMPLETE`); beyond `maxLength`, with a
 * {@link LimitError}, before anything of that size is kept; when the connection timed out or was closed, with
 * that error; when it broke, with that error, after what had arrived was read. The end is not answered: writing
 * may go on.
 *
 * From its making on the connection's handler slot is the reader's, until {@link release}.
 *
 * @throws RangeError when `maxLength` is no size.
 * @example
 * ```ts
 * const reader = new ByteReader(connection, { maxLength: 65_536 })
 * while (!(await reader.atEnd())) {
 *   const [length = 0] = await reader.read(1)
 *   connection.write(await reader.read(length))
 * }
 * ```
 */
export class ByteReader implements InnerHandler<Uint8Array> {
  readonly #connection: ByteConnection
  readonly #maxLength: number
  readonly #buffer = new ByteBuffer()
  #request: Request | undefined
  #paused = true
  #ended = false
  #failure: Error | undefined
  #released = false

  constructor(connection: ByteConnection, { maxLength = defaultMaxLength, head }: ByteReaderOptions = {}) {
    requireMaxLength(maxLength)
    this.#connection = connection
    this.#maxLength = maxLength
    if (head) this.#buffer.append(head)
    connection.handle(this)
    connection.pause()
  }

  /**
   * Exactly `length` bytes, which may be a length that the peer sent.
   *
   * @throws RangeError when `length` is no size.
   */
  read(length: number, options?: ReadOptions): Promise<Uint8Array> {
    if (!Number.isSafeInteger(length) || length < 0) {
      return rejected(new RangeError(`Cannot read: ${length} is not a number of bytes`))
    }
    return this.#read(
      () => {
        checkLength('Cannot read', length, this.#maxLength)
        return this.#buffer.length < length ? more : this.#take(length)
      },
      () => this.#cutShort(`${length} bytes`),
      options,
    )
  }

  /** The bytes in front of `delimiter`, which is taken, too, and not given. A string stands for its UTF-8. */
  readUntil(delimiter: Uint8Array | string, options: ReadUntilOptions = {}): Promise<Uint8Array> {
    const { maxLength = this.#maxLength } = options
    const wanted = typeof delimiter === 'string' ? Buffer.from(delimiter) : delimiter
    if (wanted.byteLength === 0) return rejected(new RangeError('Cannot read: the delimiter is empty'))
    // How many bytes at the front are known to begin no delimiter.
    let scanned = 0
    return this.#read(
      () => {
        requireMaxLength(maxLength)
        const place = this.#buffer.indexOf(wanted, scanned)
        if (place === -1) scanned = Math.max(0, this.#buffer.length - wanted.byteLength + 1)
        checkLength('Cannot read to delimiter', place === -1 ? scanned : place, maxLength)
        if (place === -1) return more
        return this.#buffer.cut(0, place, place + wanted.byteLength)
      },
      () => this.#cutShort('a delimiter'),
      options,
    )
  }

  /** What is there, at least one byte and at most `maxLength`; nothing at the end. */
  readSome(options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#read(
      () => {
        const { length } = this.#buffer
        return length === 0 ? more : this.#take(Math.min(length, this.#maxLength))
      },
      () => undefined,
      options,
    )
  }

  /** Whether the peer has ended and everything was read; waits until one or the other is known. */
  atEnd(options?: ReadOptions): Promise<boolean> {
    return this.#read(
      () => (this.#buffer.length === 0 ? more : false),
      () => true,
      options,
    )
  }

  /**
   * Gives the connection back, paused, and the bytes read from it and not asked for, ready for
   * `connection.handle(next, head)`.
   *
   * @throws BusyError when a read is under way, or when it was given back already.
   */
  release(): { connection: ByteConnection; head: Uint8Array } {
    if (this.#released) throw new BusyError('Cannot release: the connection was given back already')
    if (this.#request) throw new BusyError('Cannot release: a read is under way')
    this.#released = true
    // Iterating takes the place of a handler that has retired; leaving at once empties the slot.
    void this.#connection[Symbol.asyncIterator]().return?.()
    return { connection: this.#connection, head: this.#buffer.take() }
  }

  // What follows is heard from the connection.

  get retired(): boolean {
    return this.#released
  }

  onData(chunk: Uint8Array): void {
    this.#buffer.append(chunk)
    this.#answer()
    if (this.#request || this.#paused || this.#buffer.length < defaultHighWaterMark) return
    this.#paused = true
    this.#connection.pause()
  }

  onEnd(): void {
    this.#ended = true
    this.#answer()
  }

  onDeaf(reason?: CloseReason): void {
    this.#buffer.take()
    this.#fail(errorOf(reason))
  }

  onReplaced(): readonly Uint8Array[] {
    if (this.#released) return []
    this.#released = true
    const rest = this.#buffer.take()
    this.#fail(new BusyError('Cannot read: another handler has the connection'))
    return rest.byteLength > 0 ? [rest] : []
  }

  /** Behind the peer's end, a close in good order takes nothing back. */
  onClose(reason: CloseReason): void {
    const failed = reason.kind === 'error' || reason.kind === 'timeout'
    if (failed || !this.#ended) this.#fail(errorOf(reason))
  }

  #take(length: number): Uint8Array {
    return this.#buffer.cut(0, length, length)
  }

  /** `atEnd` says what a read is worth when no more will come. */
  #read<T>(attempt: () => T | typeof more, atEnd: () => T, { signal }: ReadOptions = {}): Promise<T> {
    if (this.#request) return rejected(new BusyError('Cannot read: a read is under way already'))
    if (this.#released) return rejected(new BusyError('Cannot read: the connection was given back'))
    if (signal?.aborted) return rejected(signal.reason)
    const answer = (): T | typeof more => {
      const result = attempt()
      if (result !== more) return result
      if (this.#failure) throw this.#failure
      return this.#ended ? atEnd() : more
    }
    try {
      const result = answer()
      if (result !== more) return Promise.resolve(result)
    } catch (error) {
      return rejected(error)
    }
    return this.#wait(answer, signal)
  }

  #wait<T>(answer: () => T | typeof more, signal: AbortSignal | undefined): Promise<T> {
    const promise = new Promise<T>((resolve, reject) => {
      const abort = (): void => request.fail(signal?.reason)
      const settle = (): void => {
        this.#request = undefined
        signal?.removeEventListener('abort', abort)
      }
      const request: Request = {
        attempt() {
          const result = answer()
          if (result === more) return false
          settle()
          resolve(result)
          return true
        },
        fail(error) {
          settle()
          reject(error)
        },
      }
      this.#request = request
      signal?.addEventListener('abort', abort, { once: true })
    })
    promise.catch(() => {})
    if (this.#paused) {
      this.#paused = false
      this.#connection.resume()
    }
    return promise
  }

  #answer(): void {
    const request = this.#request
    if (!request) return
    try {
      request.attempt()
    } catch (error) {
      request.fail(error)
    }
  }

  #fail(failure: Error): void {
    this.#failure ??= failure
    this.#answer()
  }

  #cutShort(what: string): never {
    const { length } = this.#buffer
    throw new ProtocolError(`Cannot read ${what}: the peer ended after ${length} bytes`, {
      side: 'remote',
      phase: 'read',
      code: 'ERR_FAIRLEAD_INCOMPLETE',
      peer: this.#connection.remoteAddress,
    })
  }
}

function errorOf(reason: CloseReason | undefined): Error {
  if (reason?.kind === 'error') return reason.error
  if (reason?.kind === 'timeout') {
    return new TimeoutError(`Cannot read: ${reason.phase} timeout`, { phase: reason.phase })
  }
  return new ClosedError('Cannot read: connection is closed', { phase: 'read' })
}
