import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { FileError, onDisk } from '../disk/file-error.ts'
import { FileTarget } from '../disk/file-target.ts'
import { writeNew } from '../disk/save.ts'
import { type SaveSettings, saveSettings } from '../disk/settings.ts'
import { limitsOf } from './limits.ts'
import { checkNames } from './option-names.ts'
import type { SaveFormOptions } from './options.ts'
import { bodyOf, type Part } from './part.ts'
import { formOf } from './parts.ts'
import { SavedForm } from './saved-form.ts'
import { SavedPart } from './saved-part.ts'

/**
 * Takes a whole `multipart/form-data` body (RFC 7578): its fields, and its files under temporary names in
 * `options.folder`, until each is kept. Whatever was not kept is removed when the form is disposed of; and where the
 * request cannot be taken to its end, nothing is left of it.
 *
 * A process that is killed in between leaves `.upload.*.part` in the folder, which are nobody's.
 *
 * @throws as {@link parts} does; FileError where the system refuses it; `signal.reason`.
 * @example
 * ```ts
 * import { join } from 'node:path'
 *
 * async function take(request: Request): Promise<string | undefined> {
 *   await using form = await saveForm(request, { folder: '/srv/inbox' })
 *   for (const file of form.files) await file.keep(join('/srv/inbox', file.filename || 'unnamed'))
 *   return form.get('title')
 * }
 * ```
 */
export async function saveForm(request: Request, options: SaveFormOptions): Promise<SavedForm> {
  checkNames('saveForm', options)
  const { folder, mode, digest, signal, ...given } = options
  const limits = limitsOf(given)
  const settings = saveSettings({ mode, digest, signal })
  const target = await targetIn(folder)
  signal?.throwIfAborted()
  const form = formOf(request, limits)
  const abort = (): void => form.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  const fields = new Map<string, string[]>()
  const files: SavedPart[] = []
  try {
    for await (const part of form) {
      if (part.isFile) await addFile(files, part, target, settings)
      // How large it may be is the form's own affair.
      else addField(fields, part.name, await part.text(Infinity))
    }
    signal?.throwIfAborted()
    return new SavedForm(fields, files)
  } catch (error) {
    await Promise.all(files.map((file) => file.remove()))
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** What gives temporary names in a folder. @throws TypeError, and FileError where there is none. */
async function targetIn(folder: string | URL): Promise<FileTarget> {
  const text = folder instanceof URL ? fileURLToPath(folder) : folder
  if (typeof text !== 'string' || text === '' || text.includes('\0')) {
    throw new TypeError('Invalid option folder: it must be the path of a folder')
  }
  const path = resolve(text)
  const found = await onDisk(path, () => stat(path))
  if (!found.isDirectory()) throw new FileError(path, 'what should be its folder is none')
  return new FileTarget(join(path, 'upload'), true)
}

function addField(fields: Map<string, string[]>, name: string, value: string): void {
  const values = fields.get(name)
  if (values) values.push(value)
  else fields.set(name, [value])
}

async function addFile(
  files: SavedPart[],
  part: Part,
  target: FileTarget,
  settings: SaveSettings,
): Promise<void> {
  const { temporary } = target
  const file = new SavedPart(
    part,
    temporary,
    await writeNew(bodyOf(part), temporary, temporary, settings, {}),
  )
  // What a browser sends for an input that no file was chosen for.
  if (part.sentFilename === '' && file.size === 0) await file.remove()
  else files.push(file)
}
