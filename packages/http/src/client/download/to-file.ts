import { BusyError } from '@fairlead/core'
import { checkOptions } from '@fairlead/core/transport'

import { FileTarget } from '../../disk/file-target.ts'
import { saveAs } from '../../disk/save.ts'
import { type SaveSettings, saveSettings } from '../../disk/settings.ts'
import type { IncomingResponse } from '../response.ts'
import { isIdentity, lengthOf } from './answer.ts'
import type { SavedFile, ToFileOptions } from './options.ts'

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
    checkOptions('toFile', options)
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
  const length = lengthOf(response.headers)
  // Of an encoded body nobody knows how long it is decoded.
  const total = isIdentity(response.headers) ? length : undefined
  const { size, digest } = await saveAs(response.body, target, settings, { total })
  return { path: target.path, size, digest, resumed: 0, attempts: response.attempts, response }
}
