import { SocketError } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

/** What the codes of the system mean where a file is written. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the quota is used up',
  EEXIST: 'it is there already',
  EFBIG: 'it is larger than a file may be',
  EIO: 'the disk failed',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'its name is too long',
  ENFILE: 'too many open files',
  ENOENT: 'its folder does not exist',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'what should be its folder is none',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
}

/** Why a file cannot be: the system refused it, one is there, another process is at it, or it is not the right one. */
type FileErrorCode =
  | 'ERR_FAIRLEAD_FILE'
  | 'ERR_FAIRLEAD_FILE_EXISTS'
  | 'ERR_FAIRLEAD_FILE_BUSY'
  | 'ERR_FAIRLEAD_FILE_DIGEST'

/**
 * A body could not become a file. `path` is the file that was meant, or the one that was in the way; the `cause`, where
 * the system refused it, has the system's code.
 *
 * @example
 * ```ts
 * const response = await request('http://127.0.0.1:8080/film.mkv')
 * try {
 *   await response.toFile('/mnt/stick/film.mkv')
 * } catch (error) {
 *   if (error instanceof FileError) console.log(error.code, error.path, error.cause)
 * }
 * ```
 */
export class FileError extends SocketError {
  readonly path: string

  constructor(path: string, why: string, code: FileErrorCode = 'ERR_FAIRLEAD_FILE', cause?: unknown) {
    super(`Cannot save ${path}: ${why}`, { code, phase: 'file', ...(cause !== undefined && { cause }) })
    this.path = path
  }
}

/** What the system said, in words. Not a member of the class: who builds this package renames one that names itself. */
export function fileErrorOf(path: string, error: unknown): FileError {
  if (error instanceof FileError) return error
  const code = codeOf(error)
  const known = Object.hasOwn(reasons, code) ? `${reasons[code]} (${code})` : undefined
  const why = known ?? (error instanceof Error ? error.message : String(error))
  return new FileError(path, why, code === 'EEXIST' ? 'ERR_FAIRLEAD_FILE_EXISTS' : 'ERR_FAIRLEAD_FILE', error)
}

/** What `attempt` gives; what the system refuses is told of `path`. */
export async function onDisk<T>(path: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    throw fileErrorOf(path, error)
  }
}

/** What `attempt` gives, or undefined where there is no such file. */
export async function ifThere<T>(path: string, attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw fileErrorOf(path, error)
  }
}
