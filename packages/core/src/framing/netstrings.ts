import { ByteBuffer } from '../byte-buffer.ts'
import type { ByteConnection, FramedConnection } from '../connection.ts'
import { enclose } from './enclose.ts'
import { Framed } from './framed.ts'
import type { Framing, MessageDecoder } from './framing.ts'
import {
  checkEnd,
  checkLength,
  defaultMaxLength,
  malformed,
  requireBytes,
  requireMaxLength,
} from './limits.ts'

/** Options of {@link netstrings}. */
export interface NetstringsOptions {
  /** Bytes of the longest message, without its length and comma; in both directions. Default 1,048,576. */
  maxLength?: number
}

const zero = 48
const nine = 57
const colon = 58
const comma = 44

/**
 * Cuts a byte stream into netstrings: a message of bytes behind its length in decimal digits and a colon, and
 * before a comma, as in `5:hello,` (D. J. Bernstein, https://cr.yp.to/proto/netstrings.txt). From this call on
 * the byte connection's handler slot is the framing's.
 *
 * Whoever receives a message owns its bytes. They lie in the chunk they came in unless they straddled two, so
 * a small message that is kept for long should be copied: it keeps its whole chunk.
 *
 * A length beyond `maxLength` destroys the connection with a {@link LimitError} at the digit that makes it so;
 * anything else that is no netstring, or an end inside one, with a {@link ProtocolError}.
 *
 * @throws RangeError that names the option.
 * @example
 * ```ts
 * const messages = netstrings(connection)
 * await messages.send(Buffer.from('hello'))
 * ```
 */
export function netstrings(
  connection: ByteConnection,
  options: NetstringsOptions = {},
): FramedConnection<Uint8Array> {
  return new Framed(connection, netstringFraming(options))
}

/** The framing of {@link netstrings}, without a connection. */
export function netstringFraming(options: NetstringsOptions = {}): Framing<Uint8Array> {
  const { maxLength = defaultMaxLength } = options
  requireMaxLength(maxLength)
  return {
    encode(message) {
      requireBytes(message)
      checkLength('Cannot send message', message.byteLength, maxLength)
      return enclose(Buffer.from(`${message.byteLength}:`), message, trailer)
    },
    decoder: () => new NetstringDecoder(maxLength),
  }
}

const trailer = Buffer.of(comma)

class NetstringDecoder implements MessageDecoder<Uint8Array> {
  readonly #maxLength: number
  readonly #buffer = new ByteBuffer()

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  push(chunk: Uint8Array): void {
    this.#buffer.append(chunk)
  }

  next(): Uint8Array | undefined {
    const buffer = this.#buffer
    let length = 0
    let digits = 0
    for (; ; digits++) {
      if (digits === buffer.length) return undefined
      const byte = buffer.at(digits)
      if (byte === colon) break
      if (byte < zero || byte > nine) throw malformed('length is not decimal digits and a colon')
      if (digits > 0 && length === 0) throw malformed('length has a leading zero')
      length = length * 10 + byte - zero
      checkLength('Cannot read message', length, this.#maxLength)
    }
    if (digits === 0) throw malformed('length has no digits')
    const begin = digits + 1
    const end = begin + length
    if (buffer.length <= end) return undefined
    if (buffer.at(end) !== comma) throw malformed('no comma behind it')
    return buffer.cut(begin, end, end + 1)
  }

  end(): undefined {
    checkEnd(this.#buffer.length)
  }

  rest(): Uint8Array {
    return this.#buffer.take()
  }
}
