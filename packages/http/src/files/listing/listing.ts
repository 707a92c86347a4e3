/** What stands in a folder. */
export interface Entry {
  readonly name: string
  readonly kind: 'file' | 'folder'
  /** In bytes; of a folder undefined. */
  readonly size: number | undefined
  readonly modified: Date
}

/** A folder that is listed. */
export interface Listing {
  /** The path that was asked for, decoded, with a slash at its end: `/photos/summer/`. */
  readonly path: string
  /** What the path begins with, and no folder's name does: `/`, or where the files are served, with a slash at its end. */
  readonly prefix: string
  /** Whether there is a folder above it that may be listed. */
  readonly parent: boolean
  /** In the order that was asked for. */
  readonly entries: readonly Entry[]
  /** Whether there are more than are listed. */
  readonly truncated: boolean
}
