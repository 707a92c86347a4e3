import { constants } from 'node:fs'
import { open, unlink } from 'node:fs/promises'

import { BrokenError, BusyError } from '@fairlead/core'

import type { IncomingResponse } from '../response.ts'
import { isIdentity, lengthOf } from './answer.ts'
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
  let settings: SaveSettings
  let target: FileTarget
  try {
    settings = saveSettings(options)
    target = new FileTarget(path, settings.overwrite)
  } catch (error) {
    response.discard()
    throw error
  }
  return save(response, target, settings)
}

/** Makes a file of a body that nobody reads. However it fails, the body is given up. */
export async function save(
  response: IncomingResponse,
  target: FileTarget,
  settings: SaveSettings,
): Promise<SavedFile> {
  try {
    settings.signal?.throwIfAborted()
    return await write(response, target, settings)
  } catch (error) {
    response.discard()
    throw error
  }
}

async function write(
  response: IncomingResponse,
  target: FileTarget,
  settings: SaveSettings,
): Promise<SavedFile> {
  const { path } = target
  const { maxSize, signal, mode, fsync, onProgress } = settings
  const length = lengthOf(response.headers)
  // Of an encoded body nobody knows how long it is decoded.
  const total = isIdentity(response.headers) ? length : undefined
  if (total !== undefined && total > maxSize) throw tooLarge(path, maxSize, total)
  await target.check()
  const { temporary } = target
  // Nobody can have put a link or a pipe in the place of a file that is made here.
  const handle = await onDisk(path, () => open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode))
  const hash = hashOf(settings)
  try {
    let size: number
    try {
      const sink = new FileSink({ path, handle, at: 0, maxSize, hash, signal, onProgress, total })
      size = await sink.take(response.body)
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
    signal?.throwIfAborted()
    await target.place(temporary, fsync)
    return { path, size, digest, resumed: 0, attempts: response.attempts, response }
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
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
