import { ByteBuffer } from '../byte-buffer.ts'
import type { ByteConnection, FramedConnection } from '../connection.ts'
import { Framed } from './framed.ts'
import type { Framing, MessageDecoder } from './framing.ts'
import { checkLength, requireMaxLength } from './limits.ts'

/** Options of {@link lines}. */
export interface LinesOptions {
  /** Bytes of the longest line, without its end; in both directions. Default 65,536. */
  maxLength?: number
  /** What `send` puts behind a line. Both are understood when reading. Default `'\n'`. */
  ending?: '\n' | '\r\n'
}

const lineFeed = 10
const carriageReturn = 13

/**
 * Cuts a byte stream into lines of UTF-8 text, without their ends. The last line counts even when the stream
 * ends without a line end. From this call on the byte connection's handler slot is the framing's.
 *
 * A line beyond `maxLength` destroys the connection with a {@link LimitError}; `send` throws one, and a
 * `TypeError` for text that contains a line end.
 *
 * @throws RangeError or TypeError that names the option.
 * @example
 * ```ts
 * for await (const line of lines(connection)) console.log(line)
 * ```
 */
export function lines(connection: ByteConnection, options: LinesOptions = {}): FramedConnection<string> {
  return new Framed(connection, lineFraming(options))
}

/** The framing of {@link lines}, without a connection. */
export function lineFraming({ maxLength = 65_536, ending = '\n' }: LinesOptions = {}): Framing<string> {
  requireMaxLength(maxLength)
  if (ending !== '\n' && ending !== '\r\n') {
    throw new TypeError(`Invalid option ending: ${JSON.stringify(ending)} is not a line end`)
  }
  return {
    encode(line) {
      if (typeof line !== 'string') throw new TypeError(`Cannot send line: ${typeof line} is not a string`)
      if (line.includes('\n') || line.endsWith('\r')) {
        throw new TypeError('Cannot send line: text contains a line end')
      }
      // A string of UTF-16 units has at most three bytes for each.
      if (line.length * 3 > maxLength) checkLength('Cannot send line', Buffer.byteLength(line), maxLength)
      return line + ending
    },
    decoder: () => new LineDecoder(maxLength),
  }
}

/** Cuts lines; `\r\n` ends them, too. */
export class LineDecoder implements MessageDecoder<string> {
  readonly #maxLength: number
  readonly #buffer = new ByteBuffer()
  /** How many bytes at the front are known to hold no line feed. */
  #scanned = 0

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  push(chunk: Uint8Array): void {
    this.#buffer.append(chunk)
  }

  next(): string | undefined {
    const buffer = this.#buffer
    const feed = buffer.indexOf(lineFeed, this.#scanned)
    if (feed === -1) {
      // One byte more than the limit may be the CR of an end that is still to come.
      this.#scanned = buffer.length
      if (buffer.length > this.#maxLength + 1) this.#check(buffer.length)
      return undefined
    }
    const length = feed > 0 && buffer.at(feed - 1) === carriageReturn ? feed - 1 : feed
    this.#check(length)
    const line = buffer.text(length)
    buffer.skip(feed + 1)
    this.#scanned = 0
    return line
  }

  end(): string | undefined {
    const length = this.#buffer.length
    if (length === 0) return undefined
    this.#check(length)
    const line = this.#buffer.text(length)
    this.#buffer.skip(length)
    this.#scanned = 0
    return line
  }

  rest(): Uint8Array {
    this.#scanned = 0
    return this.#buffer.take()
  }

  #check(length: number): void {
    checkLength('Cannot read line', length, this.#maxLength)
  }
}
