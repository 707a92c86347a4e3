import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { afterEach, beforeEach } from 'vitest'

import { Program } from './program.ts'

/** A folder for each test of the file that calls this; behind each test, whatever still runs is ended. */
export function useTemporaryFolder(): { readonly path: string } {
  const folder = { path: '' }
  beforeEach(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'fairlead-e2e-'))
  })
  afterEach(async () => {
    await Program.killAll()
    await rm(folder.path, { recursive: true })
  })
  return folder
}

/** Writes a file of random bytes. */
export async function randomFile(path: string, size: number): Promise<void> {
  await writeFile(path, randomFillSync(Buffer.allocUnsafe(size)))
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}
