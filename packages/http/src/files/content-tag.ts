import { createHash } from 'node:crypto'

import { isSettled } from './entity-tag.ts'
import type { OpenFile } from './open-file.ts'

const pieceSize = 256 * 1024

/** Files whose digests are remembered. */
const most = 1_000

const known = new Map<string, Promise<string>>()

/**
 * An entity-tag that is the same wherever the content is; computed once for each version of a file, whoever asks meanwhile,
 * and each time for one that was changed a moment ago: by its facts, the next version may be the same.
 */
export function contentTag(
  file: Pick<OpenFile, 'fill' | 'size' | 'stats'>,
  now: number = Date.now(),
): Promise<string> {
  if (!isSettled(file.stats, now)) return digestOf(file)
  const { dev, ino, size, mtimeNs, ctimeNs } = file.stats
  const version = [dev, ino, size, mtimeNs, ctimeNs].join()
  const before = known.get(version)
  if (before !== undefined) return before
  const tag = digestOf(file)
  if (known.size >= most) known.clear()
  known.set(version, tag)
  tag.catch(() => known.delete(version))
  return tag
}

async function digestOf(file: Pick<OpenFile, 'fill' | 'size'>): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(Math.min(pieceSize, file.size))
  for (let at = 0; at < file.size; at += pieceSize) {
    const piece = buffer.subarray(0, Math.min(pieceSize, file.size - at))
    await file.fill(piece, at)
    hash.update(piece)
  }
  // 128 bits are enough for nobody to find two contents by chance.
  return `"${hash.digest('base64url').slice(0, 22)}"`
}
