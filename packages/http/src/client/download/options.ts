import type { BackoffOptions } from '@fairlead/core/reconnect'

import type { DigestName } from '../../disk/settings.ts'
import type { Progress } from '../../message/progress.ts'
import type { IncomingResponse } from '../response.ts'

/** How a body becomes a file. */
export interface ToFileOptions {
  /**
   * Whether a file that is there already is replaced; of a symbolic link, the link is. Default false: it stays as it
   * is, even where it came while the body did.
   */
  overwrite?: boolean
  /** The permissions of a new file, from which the process's umask is taken away. Default 0o666. */
  mode?: number
  /** What to compute over the file. Default none, or sha256 with `expected`. */
  digest?: DigestName
  /** What the digest has to be, in hexadecimal; a file with another one is not kept. */
  expected?: string
  /** Bytes of the largest file. Default `Infinity`. */
  maxSize?: number
  /**
   * Whether the file is on the disk, and not only on its way there, when the promise resolves. What a resumed download
   * continues is then right behind a power failure, too. Default false.
   */
  fsync?: boolean
  /** Told behind each write, of up to 256 KiB, how much of the file there is. One that throws ends it. */
  onProgress?: (progress: Progress) => void
  /** Ends it: it rejects with `signal.reason`, and what was written is gone. */
  signal?: AbortSignal
}

/** How a download continues what was broken off. */
export interface DownloadOptions extends ToFileOptions {
  /** Whether it continues where it, or an earlier one, was broken off. Default false. */
  resume?: boolean
  /**
   * With `resume`: requests in a row that brought nothing new, after which it fails. A server that has not answered at
   * all yet is asked once. Default 5.
   */
  attempts?: number
  /** With `resume`: how long to wait before each. `maxAttempts` is `attempts`'. */
  backoff?: Omit<BackoffOptions, 'maxAttempts'>
}

/** A body that is a file now. */
export interface SavedFile {
  /** Absolute. */
  readonly path: string
  /** In bytes: of all of it, what was resumed included. */
  readonly size: number
  /** In hexadecimal; where one was asked for. */
  readonly digest: string | undefined
  /** Bytes that an earlier download had left, and that were not asked for again. */
  readonly resumed: number
  /** Requests that it took. */
  readonly attempts: number
  /** The last answer; its body is read. */
  readonly response: IncomingResponse
}
