import type { FileHandle } from 'node:fs/promises'

/** Bytes read at a time: larger ones are hardly faster. */
const pieceSize = 256 * 1024

/** The bytes of an open file from one offset to another. Throws when there are fewer by now. */
export async function* piecesOf(
  file: FileHandle,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array, void> {
  for (let at = from; at < to;) {
    const room = Buffer.allocUnsafe(Math.min(pieceSize, to - at))
    const { bytesRead } = await file.read(room, 0, room.length, at)
    if (bytesRead === 0) throw new Error('The file became shorter while it was read')
    at += bytesRead
    yield room.subarray(0, bytesRead)
  }
}
