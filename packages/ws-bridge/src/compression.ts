import { constants, deflateRawSync } from 'node:zlib'

import { checkOptions, checkPositive } from '@fairlead/core/transport'

/** How messages are compressed (permessage-deflate, RFC 7692). */
export interface CompressionOptions {
  /**
   * Bytes from which on a message is compressed, up to 256 KiB: a server compresses in the turn that writes, which takes
   * a millisecond or more for each 64 KiB. Default 1,024: below, it costs more than it saves.
   */
  threshold?: number
  /** 1 is fast, 9 is small. Default 1. */
  level?: number
  /**
   * Bytes that may come of each compressed byte of a message, once there are 64 KiB of them; 1009 beyond. `maxPayload`
   * holds for what is decompressed, too, and stops it on the way. Default 200.
   */
  ratio?: number
}

export type CompressionSettings = Required<CompressionOptions>

/** Bytes beyond which a server's message goes as it is: it is compressed in the turn that writes it, and others wait. */
export const largestAtOnce = 256 * 1024

/** What is decompressed so far is not worth a second look, however small it came. */
export const freeExpansion = 64 * 1024

/** Bytes that the runtime reads at once: so much may still be decompressed when nobody reads. */
const largestRead = 64 * 1024

/** Bytes beyond the largest message that may be decompressed while nobody reads: what `ratio` lets through. */
export function unreadExpansion({ ratio }: CompressionSettings): number {
  return largestRead * ratio
}

/** The options with their defaults, or undefined for none. @throws TypeError or RangeError that names the option. */
export function compressionSettings(
  compression: boolean | CompressionOptions | undefined,
): CompressionSettings | undefined {
  if (compression === undefined || compression === false) return undefined
  const options = compression === true ? {} : compression
  checkOptions('compression', options)
  const { threshold = 1_024, level = 1, ratio = 200 } = options
  checkPositive('compression.threshold', threshold)
  checkPositive('compression.ratio', ratio)
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    throw new RangeError(`Invalid option compression.level: ${String(level)} is not an integer from 1 to 9`)
  }
  return { threshold, level, ratio }
}

/**
 * What `ws` is told of it. No context is kept between messages (RFC 7692 section 7.1.1): that would cost a connection 300
 * KiB of memory, and a broadcast could not be compressed once for all.
 */
export function negotiation({ threshold, level }: CompressionSettings) {
  return {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold,
    zlibDeflateOptions: { level },
  }
}

/** The window that this side's messages may use, out of the Sec-WebSocket-Extensions that was agreed on. */
export function windowBitsOf(agreed: string): number {
  const bits = /server_max_window_bits="?(\d+)/.exec(agreed)?.[1]
  return bits === undefined ? 15 : Number(bits)
}

/** zlib makes a window of 9 bits of one of 8, which the peer could not take back. */
export function canDeflate(windowBits: number): boolean {
  return windowBits > 8
}

/** A message compressed on its own, without the end that every such message has (RFC 7692 section 7.2.1). */
export function deflate(message: string | Uint8Array, level: number, windowBits: number): Uint8Array {
  const options = { level, windowBits, finishFlush: constants.Z_SYNC_FLUSH }
  const deflated = deflateRawSync(message, options)
  return deflated.subarray(0, -4)
}
