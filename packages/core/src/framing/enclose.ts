import type { Encoded } from './framing.ts'

/** Up to this size copying a message costs no more than writing one piece more does, over TCP. */
export const copiedLength = 4 * 1024

/** A message of bytes with what stands before and behind it: in one piece if it is small. */
export function enclose(before: Uint8Array, message: Uint8Array, behind: Uint8Array): Encoded {
  if (message.byteLength > copiedLength) return [before, message, behind]
  const bytes = Buffer.allocUnsafe(before.byteLength + message.byteLength + behind.byteLength)
  bytes.set(before)
  bytes.set(message, before.byteLength)
  bytes.set(behind, before.byteLength + message.byteLength)
  return bytes
}
