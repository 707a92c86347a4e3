/**
 * The datagram of docs/wire/BUNDLE.md, version 1:
 *
 * ```text
 *   1011 001 S | sequence number, 4 bytes, if S | length, message | length, message | ...
 * ```
 */
export const plainBundle = 0b1011_001_0
export const sequencedBundle = 0b1011_001_1

/** A length has seven bits a byte, and no datagram more than 16 bits of length. */
export const maxLengthSize = 3

/** Bytes before the first message. */
export function headerSize(sequenced: boolean): 1 | 5 {
  return sequenced ? 5 : 1
}

/** Bytes of the length of a message of `size` bytes. */
export function lengthSize(size: number): number {
  return size < 1 << 7 ? 1 : size < 1 << 14 ? 2 : maxLengthSize
}

/** Writes a length, and gives the place behind it. */
export function putLength(into: Uint8Array, at: number, length: number): number {
  let place = at
  let left = length
  for (; left >= 128; left >>>= 7) into[place++] = left | 128
  into[place++] = left
  return place
}

/** The largest message that fits with its length into `room` bytes. */
export function largestMessage(room: number): number {
  let size = room - 1
  while (size + lengthSize(size) > room) size--
  return size
}
