import { constants } from 'node:fs'
import { open, unlink } from 'node:fs/promises'

import { BusyError } from '@fairlead/core'

import type { Progress } from '../options.ts'
import type { IncomingResponse } from '../response.ts'
import { lengthOf } from './answer.ts'
import { FileError, onDisk } from './file-error.ts'
import { FileSink, tooLarge } from './file-sink.ts'
import { FileTarget } from './file-target.ts'
import type { SavedFile, ToFileOptions } from './options.ts'
import { hashOf, type SaveSettings, saveSettings } from './settings.ts'

const { O_WRONLY, O_CREAT, O_EXCL } = constants

/** What {@link IncomingResponse.toFile} does. */
export async function toFile(
  response: IncomingResponse,
  path: string | URL,
  options: ToFileOptions = {},
): Promise<SavedFile> {
  // Somebody else is reading it, and goes on.
  if (response.bodyUsed) throw new BusyError('Cannot save body: it has a reader already')
  try {
    const settings = saveSettings(options)
    const target = new FileTarget(path, settings.overwrite)
    settings.signal?.throwIfAborted()
    return await save(response, target, settings)
  } catch (error) {
    response.discard()
    throw error
  }
}

async function save(
  response: IncomingResponse,
  target: FileTarget,
  settings: SaveSettings,
): Promise<SavedFile> {
  const { path } = target
  const { maxSize, signal, mode, fsync } = settings
  const length = lengthOf(response.headers)
  // Of an encoded body nobody knows how long it is decoded.
  const total = response.headers.has('content-encoding') ? undefined : length
  if (total !== undefined && total > maxSize) throw tooLarge(path, maxSize, total)
  await target.check()
  const { temporary } = target
  // Nobody can have put a link or a pipe in the place of a file that is made here.
  const handle = await onDisk(path, () => open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode))
  const hash = hashOf(settings)
  try {
    let size: number
    try {
      const wrote = reporting(settings, total)
      const sink = new FileSink({ path, handle, at: 0, maxSize, hash, signal, wrote })
      size = await sink.take(response.body)
      if (fsync) await onDisk(path, () => handle.sync())
    } finally {
      await handle.close()
    }
    const digest = hash?.digest('hex')
    checkDigest(path, settings, digest)
    signal?.throwIfAborted()
    await target.place(temporary, fsync)
    return { path, size, digest, resumed: 0, attempts: response.attempts, response }
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

/** Tells whoever wants to know how large the file is. What that throws, or rejects with, ends it. */
export function reporting(
  { onProgress }: SaveSettings,
  total: number | undefined,
): (bytes: number) => Promise<void> | void {
  if (!onProgress) return () => {}
  return (bytes) => (onProgress as (progress: Progress) => Promise<void> | void)({ bytes, total })
}

/** @throws FileError where it is another file than the one that was expected. */
export function checkDigest(
  path: string,
  { digest: name, expected }: SaveSettings,
  digest: string | undefined,
): void {
  if (expected === undefined || digest === expected) return
  throw new FileError(path, `its ${name} is ${digest}, not ${expected}`, 'ERR_FAIRLEAD_FILE_DIGEST')
}
