/** What a datagram is: asked, answered, or not to be answered. */
export type Kind = 'request' | 'answer' | 'failure'

/** One datagram of the protocol, taken apart. */
export interface Message {
  readonly kind: Kind
  /** The identifier, one character a byte. */
  readonly id: string
  /** A view of the datagram, without the padding. */
  readonly data: Uint8Array
}

/** 0xf5 stands in no UTF-8 text (RFC 3629 section 3); then `R`, and the version. */
const prologue = [0xf5, 0x52, 1] as const
/** By the number on the wire. */
const kinds = [undefined, 'request', 'answer', 'failure'] as const
const kindAt = 3
const idAt = 4
const lengthAt = 16

/** As long as a STUN transaction's (RFC 8489 section 5), and chosen like it: at random, each anew. */
export const idSize = 12
/** Bytes in front of the data. */
export const headerSize = 18

/** Bytes of the largest message: what UDP over IPv4 carries, less the header. */
export const largestMessage = 65_507 - headerSize

/** Whether a datagram is of this protocol and version. */
export function isOurs(datagram: Uint8Array): boolean {
  return prologue.every((byte, index) => datagram[index] === byte)
}

/** Writes a datagram, with zeros behind the data until it has `padTo` bytes. */
export function encodeMessage(kind: Kind, id: string, data: Uint8Array, padTo = 0): Uint8Array {
  const datagram = Buffer.alloc(Math.max(headerSize + data.byteLength, padTo))
  datagram.set(prologue)
  datagram[kindAt] = kinds.indexOf(kind)
  datagram.write(id, idAt, 'latin1')
  datagram.writeUInt16BE(data.byteLength, lengthAt)
  datagram.set(data, headerSize)
  return datagram
}

/** Reads a datagram that {@link isOurs}; undefined when it is malformed. */
export function decodeMessage(datagram: Uint8Array): Message | undefined {
  const kind = kinds[datagram[kindAt] ?? 0]
  if (kind === undefined || datagram.byteLength < headerSize) return undefined
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  const end = headerSize + bytes.readUInt16BE(lengthAt)
  if (end > datagram.byteLength) return undefined
  return { kind, id: bytes.toString('latin1', idAt, lengthAt), data: datagram.subarray(headerSize, end) }
}

/** Why there is no answer: the first byte of a failure's data. The error itself stays where it happened. */
export const failures = { failed: 1, tooLarge: 2, requestTooSmall: 3 } as const

/** A failure as the one who asked is told of it; what is not understood counts as `failed`. */
export function explainFailure({ data }: Message): string {
  if (data[0] === failures.tooLarge) return 'its answer does not fit into a datagram'
  if (data[0] === failures.requestTooSmall) {
    return 'its answer is larger than it gives to a request of this size (raise padTo)'
  }
  return 'it failed to answer'
}

/** The bytes of a message given as text or as bytes. @throws TypeError */
export function bytesOf(message: unknown): Uint8Array {
  if (typeof message === 'string') return Buffer.from(message)
  if (message instanceof Uint8Array) return message
  throw new TypeError(`Cannot send: ${typeof message} is neither a Uint8Array nor a string`)
}
