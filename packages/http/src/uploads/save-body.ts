import { checkBoolean } from '@fairlead/core/transport'

import { FileTarget } from '../disk/file-target.ts'
import { refuseLarge, saveAs } from '../disk/save.ts'
import { type SaveSettings, saveSettings } from '../disk/settings.ts'
import { sealsOf } from './digest-fields.ts'
import { checkNames } from './option-names.ts'
import type { SavedBody, SaveOptions } from './options.ts'
import { blaming, takeBody } from './request-body.ts'
import { lengthOfWhole } from './request-facts.ts'

/** Bytes of the largest file. */
const largest = 1024 * 1024 * 1024

/**
 * Streams the body of a PUT or a POST to the file `path`: under a temporary name beside it, which is renamed once the
 * body is whole and right. Until then, what is there stays as it is; and however it ends, nothing else is left, no file
 * and no descriptor. A body that was cut off never becomes a file.
 *
 * What cannot be taken is refused before a byte is read, so that a client with `Expect: 100-continue` never sends it: a
 * body that says itself that it is larger than `maxSize`, one that is encoded, a range of a file (RFC 9110 section
 * 14.5), and a path where no file can be, or where one is that is not to be replaced.
 *
 * `path` is taken as it is: who makes it of a URL says what it may be. A server takes no more than its own
 * `maxBodySize` allows, which is 16 MiB where nobody said otherwise.
 *
 * @throws LimitError for more than `maxSize`; HttpProtocolError for a body that is not the file itself; FileError where
 *   the system refuses it, a file is there, or a digest is another one; what the body was cut off with; BusyError where
 *   it has a reader; `signal.reason`; TypeError or RangeError that names the option. {@link statusOf} tells what to
 *   answer, and our server does where nobody catches the error.
 * @example
 * ```ts
 * await serve({ port: 8080, maxBodySize: 2 ** 30 }, async (request) => {
 *   const { created } = await saveBody(request, '/srv/film.mkv', { overwrite: true })
 *   return new Response(null, { status: created ? 201 : 204 })
 * })
 * ```
 */
export async function saveBody(
  request: Request,
  path: string | URL,
  options: SaveOptions = {},
): Promise<SavedBody> {
  checkNames('saveBody', options)
  const { digestFields = true, maxSize = largest, ...others } = options
  checkBoolean('digestFields', digestFields)
  const settings = saveSettings({ ...others, maxSize })
  const target = new FileTarget(path, settings.overwrite)
  settings.signal?.throwIfAborted()
  return blaming(request, () => save(request, target, settings, digestFields))
}

async function save(
  request: Request,
  target: FileTarget,
  settings: SaveSettings,
  digestFields: boolean,
): Promise<SavedBody> {
  const { headers } = request
  const total = lengthOfWhole(headers)
  const facts = { total, seals: digestFields ? sealsOf(target.path, headers) : undefined }
  refuseLarge(target.path, settings, facts)
  const taken = takeBody(request)
  try {
    return { path: target.path, ...(await saveAs(taken.body, target, settings, facts)) }
  } catch (error) {
    taken.letGo(error)
    throw error
  }
}
