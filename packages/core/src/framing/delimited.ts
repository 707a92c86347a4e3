import { ByteBuffer } from '../byte-buffer.ts'
import type { ByteConnection, FramedConnection } from '../connection.ts'
import { enclose } from './enclose.ts'
import { Framed } from './framed.ts'
import type { Framing, MessageDecoder } from './framing.ts'
import { checkEnd, checkLength, defaultMaxLength, requireBytes, requireMaxLength } from './limits.ts'

/** Options of {@link delimited}. */
export interface DelimitedOptions {
  /** What stands behind each message: one byte or more; text is taken as UTF-8. */
  delimiter: string | Uint8Array
  /** Bytes of the longest message, without its delimiter; in both directions. Default 1,048,576. */
  maxLength?: number
}

/**
 * Cuts a byte stream into messages of bytes, each ended by a delimiter, which is not part of them. From this
 * call on the byte connection's handler slot is the framing's.
 *
 * Whoever receives a message owns its bytes. They lie in the chunk they came in unless they straddled two, so
 * a small message that is kept for long should be copied: it keeps its whole chunk.
 *
 * A message beyond `maxLength` destroys the connection with a {@link LimitError}, an end inside a message with
 * a {@link ProtocolError}. `send` throws a `TypeError` for a message that the other side would cut in two.
 *
 * @throws RangeError or TypeError that names the option.
 * @example
 * ```ts
 * for await (const message of delimited(connection, { delimiter: '\0' })) console.log(message.byteLength)
 * ```
 */
export function delimited(
  connection: ByteConnection,
  options: DelimitedOptions,
): FramedConnection<Uint8Array> {
  return new Framed(connection, delimitedFraming(options))
}

/** The framing of {@link delimited}, without a connection. */
export function delimitedFraming(options: DelimitedOptions): Framing<Uint8Array> {
  const { delimiter, maxLength = defaultMaxLength } = options
  requireMaxLength(maxLength)
  if (typeof delimiter !== 'string' && !(delimiter instanceof Uint8Array)) {
    throw new TypeError(`Invalid option delimiter: ${typeof delimiter} is neither bytes nor text`)
  }
  // A copy, which nobody else writes to.
  const end = Buffer.from(delimiter as Uint8Array)
  if (end.length === 0) throw new RangeError('Invalid option delimiter: it is empty')
  return {
    encode(message) {
      requireBytes(message)
      checkLength('Cannot send message', message.byteLength, maxLength)
      if (endsEarly(message, end)) throw new TypeError('Cannot send message: it contains the delimiter')
      return enclose(nothing, message, end)
    },
    decoder: () => new DelimitedDecoder(end, maxLength),
  }
}

const nothing = new Uint8Array(0)

/** Whether a delimiter is found in `message`, or begins in it and ends in the one behind it. */
function endsEarly(message: Uint8Array, delimiter: Buffer): boolean {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  if (bytes.includes(delimiter)) return true
  const last = bytes.subarray(Math.max(0, bytes.length - delimiter.length + 1))
  return Buffer.concat([last, delimiter]).indexOf(delimiter) < last.length
}

class DelimitedDecoder implements MessageDecoder<Uint8Array> {
  readonly #delimiter: Uint8Array
  readonly #maxLength: number
  readonly #buffer = new ByteBuffer()
  /** How many bytes at the front are known to begin no delimiter. */
  #scanned = 0

  constructor(delimiter: Uint8Array, maxLength: number) {
    this.#delimiter = delimiter
    this.#maxLength = maxLength
  }

  push(chunk: Uint8Array): void {
    this.#buffer.append(chunk)
  }

  next(): Uint8Array | undefined {
    const buffer = this.#buffer
    const size = this.#delimiter.byteLength
    const length = buffer.indexOf(this.#delimiter, this.#scanned)
    if (length === -1) {
      this.#scanned = Math.max(0, buffer.length - size + 1)
      this.#check(this.#scanned)
      return undefined
    }
    this.#check(length)
    this.#scanned = 0
    return buffer.cut(0, length, length + size)
  }

  end(): undefined {
    checkEnd(this.#buffer.length)
  }

  rest(): Uint8Array {
    this.#scanned = 0
    return this.#buffer.take()
  }

  #check(length: number): void {
    checkLength('Cannot read message', length, this.#maxLength)
  }
}
