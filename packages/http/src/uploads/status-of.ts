import { LimitError, TimeoutError } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

import { FileError } from '../disk/file-error.ts'
import { HttpProtocolError } from '../errors.ts'

/** What the system says where the client, or the disk, and not the program is to blame. */
const ofSystem: Readonly<Record<string, number>> = {
  EDQUOT: 507,
  EFBIG: 413,
  ENAMETOOLONG: 400,
  ENOSPC: 507,
}

/**
 * What to answer to a client whose upload failed with `error`: 413 for what is too large or too many, 400 for what is
 * malformed or has another digest, 415 for what is encoded or no form, 409 where a file is there already, 408 where it
 * came too slowly, 507 where the disk is full (RFC 4918 section 11.5). Undefined where the client has no part in it:
 * throw those again, and the server answers with 500 and tells `onError`. The status, and its reason, are all that a
 * client is to hear: messages of errors name paths of this machine.
 *
 * @example
 * ```ts
 * const server = await serve({ port: 8080 }, async (request) => {
 *   try {
 *     await saveBody(request, '/srv/inbox/film.mkv')
 *     return new Response(null, { status: 201 })
 *   } catch (error) {
 *     const status = statusOf(error)
 *     if (status === undefined) throw error
 *     return new Response(null, { status })
 *   }
 * })
 * ```
 */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpProtocolError) return error.statusHint
  if (error instanceof LimitError) return 413
  if (error instanceof TimeoutError) return error.phase === 'body' ? 408 : undefined
  if (!(error instanceof FileError)) return undefined
  if (error.code === 'ERR_FAIRLEAD_FILE_DIGEST') return 400
  if (error.code === 'ERR_FAIRLEAD_FILE_EXISTS') return 409
  const code = codeOf(error.cause)
  return Object.hasOwn(ofSystem, code) ? ofSystem[code] : undefined
}
