import { ByteBuffer } from '@fairlead/core/transport'

import { invalidHeader, type ProxyHeader } from './header.ts'
import { measureLine, parseLine } from './v1.ts'
import { longestHeader, measureBinary, parseBinary } from './v2.ts'

/** Options of {@link ProxyHeaderDecoder}. */
export interface ProxyHeaderLimits {
  /**
   * Bytes of the longest header, 16 to 65,551. Default 4,096: what senders use fits a packet of 536 bytes, client
   * certificates in TLVs do not. Version 1 has at most 107 (section 2.1).
   */
  maxLength?: number
}

/** A header, and the bytes behind it. */
export interface DecodedHeader {
  readonly header: ProxyHeader
  readonly rest: Uint8Array
}

/** Refuses, by name, a limit that no header can be held to. */
export function checkLimits({ maxLength = defaultMaxLength }: ProxyHeaderLimits): void {
  if (Number.isInteger(maxLength) && maxLength >= 16 && maxLength <= longestHeader) return
  throw new RangeError(`Invalid option maxLength: ${maxLength} is not an integer from 16 to ${longestHeader}`)
}

const defaultMaxLength = 4_096
const firstOfLine = 0x50
const firstOfBinary = 0x0d

/**
 * Reads the one header that a connection begins with, of either version, without any input or output. It takes not
 * a byte more than the header.
 *
 * @example
 * ```ts
 * const decoded = new ProxyHeaderDecoder().push(Buffer.from('PROXY UNKNOWN\r\nahoy'))
 * if (decoded) console.log(decoded.header.transport, decoded.rest.length) // unspecified 4
 * ```
 */
export class ProxyHeaderDecoder {
  readonly #maxLength: number
  readonly #buffer = new ByteBuffer()
  #length: number | undefined

  /** @throws RangeError that names the option. */
  constructor({ maxLength = defaultMaxLength }: ProxyHeaderLimits = {}) {
    checkLimits({ maxLength })
    this.#maxLength = maxLength
  }

  /**
   * Takes the next bytes, which are the decoder's from now on. When it has given the header, or thrown, it is done.
   *
   * @returns the header when it is whole, with what came behind it; undefined before.
   * @throws ProtocolError as soon as it can be none, LimitError when it announces more than `maxLength` bytes.
   */
  push(chunk: Uint8Array): DecodedHeader | undefined {
    const buffer = this.#buffer
    buffer.append(chunk)
    if (buffer.length === 0) return undefined
    const binary = buffer.at(0) === firstOfBinary
    this.#length ??= this.#measure(binary)
    const length = this.#length
    if (length === undefined || buffer.length < length) return undefined
    const bytes = buffer.take()
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, length)
    return { header: binary ? parseBinary(whole) : parseLine(whole), rest: bytes.subarray(length) }
  }

  #measure(binary: boolean): number | undefined {
    if (binary) return measureBinary(this.#buffer, this.#maxLength)
    if (this.#buffer.at(0) !== firstOfLine) throw invalidHeader('neither version begins with this byte')
    return measureLine(this.#buffer)
  }
}
