import { ipAddress, LimitError, ProtocolError } from '@fairlead/core'
import { type ProxyHeader, ProxyHeaderDecoder, type ProxyHeaderLimits } from '@fairlead/tcp/proxy-protocol'

/** What a decoder made of some bytes: a header and what came behind it, an error, or neither yet. */
export type Outcome =
  | { header: ProxyHeader; rest: string }
  | 'incomplete'
  | 'protocol error'
  | 'limit: maxLength'

/** Feeds `chunks`; what comes behind the header is told byte for byte (latin1). */
export function decode(chunks: readonly Uint8Array[], limits?: ProxyHeaderLimits): Outcome {
  const decoder = new ProxyHeaderDecoder(limits)
  try {
    for (const [index, chunk] of chunks.entries()) {
      // The decoder owns the bytes, so that each run has its own.
      const decoded = decoder.push(Buffer.from(chunk))
      if (!decoded) continue
      const rest = Buffer.concat([decoded.rest, ...chunks.slice(index + 1)])
      return { header: plain(decoded.header), rest: rest.toString('latin1') }
    }
    return 'incomplete'
  } catch (error) {
    if (error instanceof ProtocolError && error.side === 'remote') return 'protocol error'
    if (error instanceof LimitError) return `limit: ${error.limit as 'maxLength'}`
    throw error
  }
}

/** Cuts `bytes` at each of `places`. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  )
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

/** Values of TLVs as Buffers, whatever kind of bytes they are, so that headers compare by what they say. */
export function plain(header: ProxyHeader): ProxyHeader {
  return { ...header, tlvs: header.tlvs.map(({ type, value }) => ({ type, value: Buffer.from(value) })) }
}

/** A header with addresses. */
export function header(
  version: 1 | 2,
  source: [host: string, port: number],
  destination: [host: string, port: number],
  more: Partial<ProxyHeader> = {},
): ProxyHeader {
  return {
    version,
    command: 'proxy',
    transport: 'stream',
    source: ipAddress(...source),
    destination: ipAddress(...destination),
    tlvs: [],
    ...more,
  }
}
