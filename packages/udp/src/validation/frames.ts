/**
 * The control datagrams of source validation, version 1: docs/wire/VALIDATION.md. No bytes of text begin as they
 * do (0xFF is never part of UTF-8), and each type has one length: everything else is the application's.
 */

/** What a control datagram says; beside it, its bytes in all. */
const types = {
  hello: [1, 48],
  retry: [2, 41],
  answer: [3, 41],
  welcome: [4, 24],
  refuse: [5, 24],
  stale: [6, 8],
} as const

export type FrameType = keyof typeof types

/** A control datagram, read. */
export interface Frame {
  readonly type: FrameType
  /** What the client drew: 16 octets, as Latin-1, so that they compare; empty in `stale`. */
  readonly nonce: string
  /** What the server made: an epoch of one octet, and 16 of a MAC; empty but in `retry` and `answer`. */
  readonly cookie: Uint8Array
}

/** "\xFFFLEAD", and the version. */
const magic = Buffer.from([0xff, 0x46, 0x4c, 0x45, 0x41, 0x44, 0x01])
const headerSize = 8
export const nonceSize = 16
const cookieAt = headerSize + nonceSize
export const staleSize: number = types.stale[1]

const byCode = new Map<number, FrameType>(
  Object.entries(types).map(([type, [code]]) => [code, type as FrameType]),
)

/** Whether it may be a control datagram; asked of every datagram. */
export function looksLikeFrame(data: Uint8Array): boolean {
  return data[0] === 0xff && data[1] === 0x46 && data[2] === 0x4c && data.byteLength >= headerSize
}

/** Reads a control datagram; undefined for what is none. */
export function readFrame(data: Uint8Array): Frame | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (bytes.length < headerSize || magic.compare(bytes, 0, magic.length) !== 0) return undefined
  const type = byCode.get(bytes[magic.length] as number)
  if (type === undefined || bytes.length !== types[type][1]) return undefined
  const carries = type === 'retry' || type === 'answer'
  return {
    type,
    nonce: bytes.toString('latin1', headerSize, type === 'stale' ? headerSize : cookieAt),
    // A copy: on some runtimes a datagram is a view of a much larger buffer.
    cookie: Uint8Array.prototype.slice.call(bytes, cookieAt, carries ? undefined : cookieAt),
  }
}

/** Writes a control datagram; what the type does not have stays zero. */
export function writeFrame(type: FrameType, nonce = '', cookie?: Uint8Array): Uint8Array {
  const [code, size] = types[type]
  const bytes = Buffer.alloc(size)
  magic.copy(bytes)
  bytes[magic.length] = code
  bytes.write(nonce, headerSize, 'latin1')
  if (cookie?.byteLength) bytes.set(cookie, cookieAt)
  return bytes
}
