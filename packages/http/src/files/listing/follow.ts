import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { SymlinkPolicy } from '../options.ts'
import { Root } from '../root.ts'
import type { Facts } from './read-folder.ts'

/** The folder that is listed. */
export interface FolderPlace {
  /** By which it is read. */
  readonly folder: string
  /** The real path of the one that is served. */
  readonly root: string
  /** The names that lead from that one to it. */
  readonly segments: readonly string[]
}

/** Looks at what the symbolic link of a name leads to; undefined where it may not be seen. */
export function followerOf(
  policy: SymlinkPolicy,
  { folder, root, segments }: FolderPlace,
): ((name: string) => Promise<Facts | undefined>) | undefined {
  if (policy === 'never') return undefined
  if (policy === 'anywhere') return (name) => stat(join(folder, name))
  const inside = new Root(root, policy)
  // Opened, as it is to be served: a path that was looked up leads somewhere else a moment later.
  return async (name) => {
    const file = await inside.open([...segments, name])
    file?.close()
    return file?.stats
  }
}
