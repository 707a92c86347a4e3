import type { ByteConnection } from '@fairlead/core'

import { chunkPrefix, encodeChunk } from '../codec/index.ts'

/** The most that is written without looking whether the peer takes it, and that is gathered in one turn. */
export const sliceSize = 64 * 1024

/** The size up to which bytes are copied, so that they leave in one piece with what frames them. */
export const copySize = 4096

/** How many bytes {@link writePiece} gives to the connection. */
export function framedLength(bytes: Uint8Array, chunked: boolean): number {
  const length = bytes.byteLength
  return chunked ? length + chunkPrefix(length).length + 2 : length
}

/**
 * Writes a piece of a body that is not empty, in chunks as a chunk. False: above the high-water mark.
 *
 * @throws BrokenError or ClosedError when the connection is gone.
 */
export function writePiece(connection: ByteConnection, bytes: Uint8Array, chunked: boolean): boolean {
  if (!chunked) return connection.write(bytes)
  if (bytes.byteLength <= copySize) return connection.write(encodeChunk(bytes))
  connection.cork()
  connection.write(chunkPrefix(bytes.byteLength), 'latin1')
  connection.write(bytes)
  const room = connection.write('\r\n', 'latin1')
  connection.uncork()
  return room
}
