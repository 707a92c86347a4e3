import { Allowance, type DecoderLimits } from './allowance.ts'
import { codingNamed } from './codings.ts'
import { checkBehind, codingErrorOf, damageError, truncationError } from './damage.ts'
import { type Coding, decodeAtOnce, endsBrotli, probe } from './engines.ts'
import { ZstdFrames } from './zstd-frames.ts'

/** Of an encoded body that is worth decoding at once: a stream costs as much as decoding some tens of KiB. */
export const wholeLimit = 16 * 1024

/**
 * Decodes a body that is there as a whole, at once: for small ones, which take ten times as long as a stream. Means
 * the same as `decodeInto`, and throws what that fails with.
 *
 * @throws LimitError, HttpProtocolError; TypeError for a coding that there is not.
 */
export function decodeWhole(
  codings: readonly string[],
  bytes: Uint8Array,
  limits: DecoderLimits,
): Uint8Array {
  const allowance = new Allowance(codings, limits)
  allowance.count(bytes.byteLength)
  let decoded = bytes
  for (let at = codings.length - 1; at >= 0; at--) {
    decoded = decodeLayer(codingNamed(codings[at]!), decoded, allowance, at === 0)
  }
  return decoded
}

function decodeLayer(coding: Coding, bytes: Uint8Array, allowance: Allowance, body: boolean): Uint8Array {
  if (coding !== 'zstd') return decodeStream(coding, bytes, allowance, body, 0)
  const frames = new ZstdFrames()
  const pieces: Uint8Array[] = []
  let size = 0
  for (let at = 0; at < bytes.byteLength;) {
    const end = at + frames.take(bytes.subarray(at))
    if (!frames.complete) throw truncationError(coding)
    const piece = decodeStream(coding, bytes.subarray(at, end), allowance, body, size)
    pieces.push(piece)
    size += piece.byteLength
    at = end
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size)
}

/** Behind `before` bytes of the same layer. */
function decodeStream(
  coding: Coding,
  bytes: Uint8Array,
  allowance: Allowance,
  body: boolean,
  before: number,
): Uint8Array {
  if (bytes.byteLength === 0) return bytes
  // No engine takes a limit of 0, and Node 20 none above 4 GiB.
  const most = Math.min(Math.max(1, allowance.most(body) - before), 2 ** 31)
  try {
    const probed = coding === 'br' && !endsBrotli
    const { buffer, engine } = decodeAtOnce(coding, probed ? Buffer.concat([bytes, probe]) : bytes, most)
    if (probed) {
      if (engine.bytesWritten > bytes.byteLength) throw truncationError(coding)
      if (buffer.byteLength === 0 && engine.bytesWritten < bytes.byteLength)
        throw damageError(`its ${coding} is damaged`)
    }
    allowance.check(before + buffer.byteLength, body)
    checkBehind(coding, bytes.subarray(engine.bytesWritten))
    return buffer
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      allowance.check(before + most + 1, body)
    throw codingErrorOf(coding, error)
  }
}
