import type { ByteConnection, FramedConnection } from '../connection.ts'
import { Framed } from './framed.ts'
import type { Framing, MessageDecoder } from './framing.ts'
import { checkLength, defaultMaxLength, malformed, requireMaxLength } from './limits.ts'
import { LineDecoder } from './lines.ts'

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions {
  /** Bytes of the longest line, without its end; in both directions. Default 1,048,576. */
  maxLength?: number
}

/**
 * Cuts a byte stream into lines of one JSON value each (RFC 8259, https://github.com/ndjson/ndjson-spec).
 * Empty lines are skipped; the last line counts even when the stream ends without a line end. From this call
 * on the byte connection's handler slot is the framing's.
 *
 * `T` is what you expect of the peer; nothing checks it.
 *
 * A line beyond `maxLength` destroys the connection with a {@link LimitError}, one that is not JSON with a
 * {@link ProtocolError}, which tells nothing of its content. `send` throws a `TypeError` for what JSON cannot
 * express: undefined, a function, a bigint, a cycle.
 *
 * @throws RangeError that names the option.
 * @example
 * ```ts
 * for await (const { method } of jsonLines<{ method: string }>(connection)) console.log(method)
 * ```
 */
export function jsonLines<T = unknown>(
  connection: ByteConnection,
  options: JsonLinesOptions = {},
): FramedConnection<T> {
  return new Framed(connection, jsonLineFraming<T>(options))
}

/** The framing of {@link jsonLines}, without a connection. */
export function jsonLineFraming<T = unknown>(options: JsonLinesOptions = {}): Framing<T> {
  const { maxLength = defaultMaxLength } = options
  requireMaxLength(maxLength)
  return {
    encode(value) {
      // The library's types hide that it may be undefined.
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) throw new TypeError(`Cannot send JSON: ${typeof value} has no JSON`)
      // A string of UTF-16 units has at most three bytes for each.
      if (text.length * 3 > maxLength) checkLength('Cannot send JSON', Buffer.byteLength(text), maxLength)
      return `${text}\n`
    },
    decoder: () => new JsonLineDecoder<T>(maxLength),
  }
}

class JsonLineDecoder<T> implements MessageDecoder<T> {
  readonly #lines: LineDecoder

  constructor(maxLength: number) {
    this.#lines = new LineDecoder(maxLength)
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk)
  }

  next(): T | undefined {
    let line = this.#lines.next()
    while (line === '') line = this.#lines.next()
    return line === undefined ? undefined : this.#parse(line)
  }

  end(): T | undefined {
    const line = this.#lines.end()
    return line === undefined ? undefined : this.#parse(line)
  }

  rest(): Uint8Array {
    return this.#lines.rest()
  }

  #parse(line: string): T {
    try {
      return JSON.parse(line) as T
    } catch {
      // The parser's own error quotes the line.
      throw malformed('line is not JSON')
    }
  }
}
