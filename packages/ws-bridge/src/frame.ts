/** What a frame carries (RFC 6455 section 11.8). */
export const opcodes = { text: 1, binary: 2 } as const

export type Opcode = (typeof opcodes)[keyof typeof opcodes]

/** FIN: a message of ours is one frame (RFC 6455 section 5.2). */
const fin = 0x80
/** The frame's message is compressed (RFC 7692 section 6). */
const rsv1 = 0x40

/** What is copied behind its header, so that one buffer leaves instead of two: as much as comes out of the pool. */
export const joinSize = 4_000

/** Bytes that the header of an unmasked frame takes. */
function headerSize(size: number): number {
  if (size < 126) return 2
  return size < 65_536 ? 4 : 10
}

function writeHeader(target: Buffer, first: number, size: number): void {
  target[0] = first
  if (size < 126) {
    target[1] = size
  } else if (size < 65_536) {
    target[1] = 126
    target[2] = size >>> 8
    target[3] = size & 255
  } else {
    target[1] = 127
    target.writeUIntBE(0, 2, 2)
    target.writeUIntBE(size, 4, 6)
  }
}

/**
 * One unmasked frame, as a server sends it (RFC 6455 section 5.1), in one or two pieces. A large payload stays where it
 * is and must not be changed before it has left.
 *
 * @param size bytes of the payload.
 */
export function frame(
  opcode: Opcode,
  payload: Uint8Array | string,
  size: number,
  compressed = false,
): readonly [Uint8Array, Uint8Array?] {
  const offset = headerSize(size)
  const joined = size <= joinSize
  const target = Buffer.allocUnsafe(joined ? offset + size : offset)
  writeHeader(target, fin | (compressed ? rsv1 : 0) | opcode, size)
  if (typeof payload === 'string') {
    if (!joined) return [target, Buffer.from(payload)]
    target.write(payload, offset)
  } else {
    if (!joined) return [target, payload]
    target.set(payload, offset)
  }
  return [target]
}
