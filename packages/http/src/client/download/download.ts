import { Backoff } from '@fairlead/core/reconnect'
import { checkBoolean, checkOptions, checkPositive } from '@fairlead/core/transport'

import { Fields } from '../../codec/index.ts'
import { FileError } from '../../disk/file-error.ts'
import { FileTarget } from '../../disk/file-target.ts'
import { type SaveSettings, saveSettings } from '../../disk/settings.ts'
import { rawFields } from '../../message/fields-init.ts'
import type { RequestOptions } from '../options.ts'
import { refusedStatus } from './answer.ts'
import type { DownloadOptions, SavedFile } from './options.ts'
import { PartialFile } from './partial-file.ts'
import { PartialLock } from './partial-lock.ts'
import { type Requester, ResumableDownload, type ResumableOptions } from './resumable-download.ts'
import { save } from './to-file.ts'

/**
 * Asks for a file, and saves it under `path` once it is whole; what is there until then has another name. Only 200 is
 * a file, and 206 where the request's own fields ask for a range.
 *
 * With `resume` what comes is kept in `PATH.part`, and what is known of it in `PATH.part.json`. When the body is broken
 * off, the rest is asked for, as long as every `attempts` requests bring something new; and a later download to the
 * same path, from whatever process, goes on where this one ended. The rest must be of the same version: of the same URL,
 * with the same strong entity-tag or, without any tag, the same date (RFC 9110 sections 8.8 and 13.1.5), and as long as
 * the whole was said to be. Where any of that does not hold, or the server has no validator or no ranges, it is begun
 * anew. The file is asked for as it is (`Accept-Encoding: identity`), and an encoded one is refused. Two at the same
 * file: the second one is refused.
 *
 * What is aborted, or fails with the network or the disk, stays to be resumed; what has another digest than `expected`,
 * is larger than `maxSize`, or could not be resumed is removed.
 *
 * A body that ends with its connection (RFC 9112 section 6.3, item 8) may have been cut, and nobody can tell: give
 * `expected`, where such servers are asked.
 *
 * @throws as `request` and {@link IncomingResponse.toFile} do; RequestError `ERR_FAIRLEAD_HTTP_STATUS` for an answer
 *   that is no file; FileError `ERR_FAIRLEAD_FILE_BUSY` where another download is at it.
 */
export async function downloadWith(
  client: Requester,
  url: string | URL,
  path: string | URL,
  options: RequestOptions & DownloadOptions = {},
): Promise<SavedFile> {
  checkOptions('download', options)
  const { resume = false, attempts = 5, backoff = {}, ...both } = options
  checkBoolean('resume', resume)
  checkPositive('attempts', attempts)
  checkOptions('backoff', backoff)
  const settings = saveSettings(both)
  const {
    overwrite: _,
    mode: _1,
    digest: _2,
    expected: _3,
    maxSize: _4,
    fsync: _5,
    onProgress: _6,
    ...request
  } = both
  const target = new FileTarget(path, settings.overwrite)
  if (!resume) return once(client, url, target, settings, request)
  const fields = fieldsOf(request)
  const waits = new Backoff({ ...backoff, maxAttempts: attempts })
  settings.signal?.throwIfAborted()
  await target.check()
  return resumed({ client, url, request, fields, attempts, backoff: waits }, target, settings)
}

async function once(
  client: Requester,
  url: string | URL,
  target: FileTarget,
  settings: SaveSettings,
  request: RequestOptions,
): Promise<SavedFile> {
  settings.signal?.throwIfAborted()
  await target.check()
  const ranged = request.headers !== undefined && new Fields(rawFields(request.headers)).has('range')
  const response = await client.request(url, request)
  if (response.status !== 200 && !(ranged && response.status === 206)) {
    response.discard()
    throw refusedStatus(response)
  }
  return save(response, target, settings)
}

async function resumed(
  options: ResumableOptions,
  target: FileTarget,
  settings: SaveSettings,
): Promise<SavedFile> {
  const path = `${target.path}.part`
  const lock = await PartialLock.take(`${path}.lock`)
  try {
    const partial = await PartialFile.open(path, settings.mode, settings.fsync)
    let saved: SavedFile
    try {
      saved = await new ResumableDownload(options, target, settings, partial).run()
    } finally {
      await partial.close()
    }
    if (!(await lock.holds())) throw new FileError(path, 'its lock was taken away', 'ERR_FAIRLEAD_FILE_BUSY')
    await target.place(path, settings.fsync)
    await partial.forget()
    return saved
  } finally {
    await lock.release()
  }
}

/** The fields of each request. @throws TypeError for what a download decides itself. */
function fieldsOf({ method = 'GET', body, json, headers = {} }: RequestOptions): Fields {
  if (method !== 'GET' || (body !== undefined && body !== null) || json !== undefined) {
    throw new TypeError('Invalid option method: what is resumed is a GET without a body')
  }
  const fields = new Fields(rawFields(headers))
  if (fields.has('range') || fields.has('if-range')) {
    throw new TypeError('Invalid option headers: ranges are what resume decides on')
  }
  return fields.with('Accept-Encoding', 'identity')
}
