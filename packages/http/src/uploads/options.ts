import type { DigestName } from '../disk/settings.ts'
import type { Progress } from '../message/progress.ts'

/** How a part becomes a file. */
export interface SavePartOptions {
  /**
   * Whether a file that is there already is replaced; of a symbolic link, the link is. Default false: it stays as it
   * is, even where it came while the body did.
   */
  overwrite?: boolean
  /** The permissions of the file, from which the process's umask is taken away. Default 0o666. */
  mode?: number
  /** What to compute over the file. Default none, or sha256 with `expected`. */
  digest?: DigestName
  /** What the digest has to be, in hexadecimal; a file with another one is not kept. */
  expected?: string
  /** Whether the file is on the disk, and not only on its way there, when the promise resolves. Default false. */
  fsync?: boolean
  /** Told behind each write, of up to 256 KiB, how much of the file there is. One that throws ends it. */
  onProgress?: (progress: Progress) => void
  /** Ends it: it rejects with `signal.reason`, and what was written is gone. */
  signal?: AbortSignal
}

/** How the body of a request becomes a file. */
export interface SaveOptions extends SavePartOptions {
  /**
   * Bytes of the largest file. Default 1 GiB: more than a server takes before somebody raises its `maxBodySize`, less
   * than a disk. A body that says itself that it is larger is refused before a byte of it is read.
   */
  maxSize?: number
  /**
   * Whether the digests that the request has of its own, in Content-Digest and Repr-Digest, have to be right: those in
   * sha-256 and sha-512 (RFC 9530). Default true.
   */
  digestFields?: boolean
}

/** A body, or a part of one, that is a file now. */
export interface SavedBody {
  /** Absolute. */
  readonly path: string
  /** In bytes. */
  readonly size: number
  /** In hexadecimal; where one was asked for. */
  readonly digest: string | undefined
  /** Whether there was no file of that name before: 201 tells the client so, and 204 that it was replaced. */
  readonly created: boolean
}

/** What a form may have at most. A LimitError names the one that was met; sizes are bytes. `Infinity` lifts one. */
export interface FormLimits {
  /** Default 1,000: more than any page has, and a loop over them ends at once. */
  parts?: number
  /** Parts that are no files. Default 1,000. */
  fields?: number
  /** Default 100: what a person chooses at a time. */
  files?: number
  /** A name, and a file name. Default 1,024: four times what a file system takes. */
  nameSize?: number
  /** One field. Default 1 MiB: a long text. */
  fieldSize?: number
  /** All fields together, which are kept in memory. Default 4 MiB. */
  fieldsSize?: number
  /** One file. Default 1 GiB, as with `saveBody`. */
  fileSize?: number
  /** Header fields of one part. Default 32: browsers send two. */
  headerPairs?: number
  /** The header of one part. Default 16 KiB, as much as the head of a request has. */
  headerSize?: number
  /** The whole form, what separates its parts included. Default 1 GiB. */
  totalSize?: number
}

/** How a form is saved. */
export interface SaveFormOptions extends FormLimits {
  /**
   * Where the files are until somebody keeps them: an existing folder, best on the file system where they will be kept,
   * since they are only renamed then.
   */
  folder: string | URL
  /** The permissions of the files, from which the process's umask is taken away. Default 0o666. */
  mode?: number
  /** What to compute over each file. Default none. */
  digest?: DigestName
  /** Ends it: it rejects with `signal.reason`, and nothing is left. */
  signal?: AbortSignal
}
