import { ByteBuffer } from '../byte-buffer.ts'
import { checkBoolean } from '../checks.ts'
import type { ByteConnection, FramedConnection } from '../connection.ts'
import { copiedLength } from './enclose.ts'
import { Framed } from './framed.ts'
import type { Framing, MessageDecoder } from './framing.ts'
import { FixedHeader, type LengthHeader, VarintHeader } from './length-header.ts'
import { checkEnd, checkLength, defaultMaxLength, requireBytes, requireMaxLength } from './limits.ts'

/** Options of {@link lengthPrefixed}. */
export interface LengthPrefixedOptions {
  /**
   * The header in front of each message, which is its length: an unsigned integer of so many bytes, or the
   * `varint` of Protocol Buffers (LEB128, seven bits a byte, the lowest first). Default 4.
   */
  header?: 1 | 2 | 4 | 8 | 'varint'
  /** Which byte of the header comes first; a varint has no choice. Default `'big'`. */
  endianness?: 'big' | 'little'
  /** Whether the length counts the header, too; not for a varint. Default false. */
  includesHeader?: boolean
  /**
   * Bytes of the longest message, without its header; in both directions, and never more than the header can
   * say. Default 1,048,576.
   */
  maxLength?: number
}

/**
 * Cuts a byte stream into messages of bytes, each behind its length. From this call on the byte connection's
 * handler slot is the framing's.
 *
 * Whoever receives a message owns its bytes. They lie in the chunk they came in unless they straddled two, so
 * a small message that is kept for long should be copied: it keeps its whole chunk.
 *
 * A length beyond `maxLength` destroys the connection with a {@link LimitError} as soon as it is read; a
 * length below its own header, an endless varint, or an end inside a message with a {@link ProtocolError}.
 *
 * @throws RangeError or TypeError that names the option.
 * @example
 * ```ts
 * const messages = lengthPrefixed(connection, { header: 2, endianness: 'little' })
 * for await (const message of messages) await messages.send(message)
 * ```
 */
export function lengthPrefixed(
  connection: ByteConnection,
  options: LengthPrefixedOptions = {},
): FramedConnection<Uint8Array> {
  return new Framed(connection, lengthPrefixedFraming(options))
}

/** The framing of {@link lengthPrefixed}, without a connection. */
export function lengthPrefixedFraming(options: LengthPrefixedOptions = {}): Framing<Uint8Array> {
  const { header = 4, endianness = 'big', includesHeader = false, maxLength = defaultMaxLength } = options
  requireMaxLength(maxLength)
  checkBoolean('includesHeader', includesHeader)
  if (endianness !== 'big' && endianness !== 'little') {
    throw new TypeError(`Invalid option endianness: ${JSON.stringify(endianness)} is neither big nor little`)
  }
  if (header === 'varint') {
    if (includesHeader) throw new TypeError('Invalid option includesHeader: a varint does not count itself')
    return framing(new VarintHeader(), maxLength)
  }
  if (header !== 1 && header !== 2 && header !== 4 && header !== 8) {
    throw new RangeError(`Invalid option header: ${JSON.stringify(header)} is not 1, 2, 4, 8 or varint`)
  }
  const counted = includesHeader ? header : 0
  const format = new FixedHeader(header, endianness === 'little', counted)
  return framing(format, Math.min(maxLength, 256 ** header - 1 - counted))
}

function framing(header: LengthHeader, maxLength: number): Framing<Uint8Array> {
  return {
    encode(message) {
      requireBytes(message)
      const length = message.byteLength
      checkLength('Cannot send message', length, maxLength)
      const size = header.sizeFor(length)
      if (length > copiedLength) {
        const bytes = Buffer.allocUnsafe(size)
        header.write(bytes, length)
        return [bytes, message]
      }
      const bytes = Buffer.allocUnsafe(size + length)
      header.write(bytes, length)
      bytes.set(message, size)
      return bytes
    },
    decoder: () => new LengthPrefixedDecoder(header, maxLength),
  }
}

class LengthPrefixedDecoder implements MessageDecoder<Uint8Array> {
  readonly #header: LengthHeader
  readonly #maxLength: number
  readonly #buffer = new ByteBuffer()

  constructor(header: LengthHeader, maxLength: number) {
    this.#header = header
    this.#maxLength = maxLength
  }

  push(chunk: Uint8Array): void {
    this.#buffer.append(chunk)
  }

  next(): Uint8Array | undefined {
    const buffer = this.#buffer
    const size = this.#header.sizeIn(buffer)
    if (size === 0) return undefined
    const length = this.#header.read(buffer, size)
    if (length > this.#maxLength) checkLength('Cannot read message', length, this.#maxLength)
    const whole = size + length
    return buffer.length < whole ? undefined : buffer.cut(size, whole, whole)
  }

  end(): undefined {
    checkEnd(this.#buffer.length)
  }

  rest(): Uint8Array {
    return this.#buffer.take()
  }
}
