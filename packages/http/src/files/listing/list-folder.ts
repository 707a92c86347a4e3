import type { DotfilePolicy, SymlinkPolicy } from '../options.ts'
import { canonicalPath, isHidden } from '../request-path.ts'
import { followerOf } from './follow.ts'
import type { Listing } from './listing.ts'
import { readFolder } from './read-folder.ts'
import { sortEntries, sortingOf } from './sorting.ts'

export interface ListFolderOptions {
  /** Where it is read: a path that has been verified, or that of what is open. */
  folder: string
  /** As in {@link Listing.path}. */
  path: string
  /** As in {@link Listing.prefix}. Default `/`. */
  prefix?: string
  /** The real path of the folder that is served, which links may not lead out of. */
  root: string
  /** Whose query says how it is sorted. */
  request: Request
  dotfiles: DotfilePolicy
  symlinks: SymlinkPolicy
  /** As in {@link readFolder}. */
  maxEntries?: number
}

/** Reads and sorts a folder. @throws what the system says of the folder itself. */
export async function listFolder({
  folder,
  path,
  prefix = '/',
  root,
  request,
  dotfiles,
  symlinks,
  ...limits
}: ListFolderOptions): Promise<Listing> {
  const pathname = path.split('/').map(encodeURIComponent).join('/')
  const segments = canonicalPath(pathname, { prefix })?.segments ?? []
  const { entries, truncated } = await readFolder(folder, {
    ...limits,
    accept: acceptor(pathname, prefix, dotfiles),
    follow: followerOf(symlinks, { folder, root, segments }),
  })
  return {
    path,
    prefix,
    parent: path.length > prefix.length,
    entries: sortEntries(entries, sortingOf(new URL(request.url).searchParams)),
    truncated,
  }
}

/** What is listed is what would be found: the same path decides about both. */
function acceptor(folder: string, prefix: string, dotfiles: DotfilePolicy): (name: string) => boolean {
  return (name) => {
    const path = canonicalPath(folder + encodeURIComponent(name), { prefix })
    return path !== undefined && (dotfiles === 'allow' || !isHidden(path.segments))
  }
}
