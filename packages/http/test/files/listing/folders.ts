import { join } from 'node:path'

import { listFolder, type ListFolderOptions } from '../../../src/files/listing/list-folder.ts'
import type { Entry, Listing } from '../../../src/files/listing/listing.ts'

const day = new Date('2024-07-14T12:30:05.000Z')

export function file(name: string, size = 1, modified = day): Entry {
  return { name, kind: 'file', size, modified }
}

export function folder(name: string, modified = day): Entry {
  return { name, kind: 'folder', size: undefined, modified }
}

export function listing(given: Partial<Listing> = {}): Listing {
  return { path: '/', prefix: '/', parent: false, entries: [], truncated: false, ...given }
}

/** The names below `root`, in their order; those of folders with a slash. */
export async function namesIn(
  root: string,
  path = '/',
  options: Partial<ListFolderOptions> = {},
): Promise<string[]> {
  const { entries } = await listFolder({
    folder: join(root, path),
    path,
    root,
    request: new Request('http://localhost/'),
    dotfiles: 'ignore',
    symlinks: 'inside',
    ...options,
  })
  return entries.map(({ name, kind }) => (kind === 'folder' ? `${name}/` : name))
}
