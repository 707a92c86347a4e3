import { constants } from 'node:fs'
import { open, unlink } from 'node:fs/promises'

import { BrokenError } from '@fairlead/core'

import type { IncomingBody } from '../message/body.ts'
import { onDisk } from './file-error.ts'
import { FileSink, tooLarge } from './file-sink.ts'
import type { FileTarget } from './file-target.ts'
import { checkDigest, hashOf, type SaveSettings } from './settings.ts'

const { O_WRONLY, O_CREAT, O_EXCL } = constants

/** What is known of a body beside how it is to be saved. */
export interface BodyFacts {
  /** Bytes that it has to have, where that is known. */
  readonly total?: number | undefined
  /** What else is computed over it. */
  readonly seals?: Seals | undefined
}

/** Digests that came with a body. */
export interface Seals {
  update(chunk: Uint8Array): void
  /** @throws for a body that they are not of. */
  check(): void
}

/** A body that is in a file. */
export interface Written {
  readonly size: number
  readonly digest: string | undefined
}

/** A body that has its name. */
export interface Saved extends Written {
  /** Whether there was no file of that name before. */
  readonly created: boolean
}

/** Writes a body beside `target`, and gives the file its name once it is whole. However it fails, nothing is left. */
export async function saveAs(
  body: IncomingBody,
  target: FileTarget,
  settings: SaveSettings,
  facts: BodyFacts,
): Promise<Saved> {
  const { path, temporary } = target
  refuseLarge(path, settings, facts)
  await target.check()
  const written = await writeNew(body, path, temporary, settings, facts)
  try {
    const created = await target.place(temporary, settings.fsync)
    return { ...written, created }
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

/** Writes a body to the file `temporary`, which is made for it, and is gone when that fails. `path` is for messages. */
export async function writeNew(
  body: IncomingBody,
  path: string,
  temporary: string,
  settings: SaveSettings,
  { total, seals }: BodyFacts,
): Promise<Written> {
  const { maxSize, signal, mode, fsync, onProgress } = settings
  // Nobody can have put a link or a pipe in the place of a file that is made here.
  const handle = await onDisk(path, () => open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode))
  const hash = hashOf(settings)
  try {
    let size: number
    try {
      const sink = new FileSink({ path, handle, at: 0, maxSize, hash, seals, signal, onProgress, total })
      size = await sink.take(body)
      // An answer to HEAD tells of a body that it does not have, and an interceptor may say anything.
      if (total !== undefined && size !== total) {
        throw new BrokenError(`Cannot save ${path}: its body has ${size} bytes, not ${total}`, {
          phase: 'body',
        })
      }
      if (fsync) await onDisk(path, () => handle.sync())
    } finally {
      await handle.close()
    }
    const digest = hash?.digest('hex')
    checkDigest(path, settings, digest)
    seals?.check()
    signal?.throwIfAborted()
    return { size, digest }
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

/** @throws LimitError for a body that says itself that it is too large. */
export function refuseLarge(path: string, { maxSize }: SaveSettings, { total }: BodyFacts): void {
  if (total !== undefined && total > maxSize) throw tooLarge(path, maxSize, total)
}
