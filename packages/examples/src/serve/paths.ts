import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'

import { ownName } from '../files/folders.ts'

/** Where the files of its page are in URLs, and uploads that can be resumed. */
export const assetsPath = `/${ownName}/page/`
export const uploadsPath = `/${ownName}/uploads`

/** The names in a URL's path, decoded. Undefined where one could not be the name of a file. */
export function segmentsOf(pathname: string): string[] | undefined {
  if (pathname === '/') return []
  const segments = pathname.replace(/^\/|\/$/g, '').split('/')
  try {
    const names = segments.map(decodeURIComponent)
    return names.every(isName) ? names : undefined
  } catch {
    return undefined
  }
}

/**
 * Whether a path leads to what is the server's own, which is never listed, served or written to: also on file systems
 * that fold letters or overlook some.
 */
export function isOwn(names: readonly string[]): boolean {
  return names.some((name) =>
    name
      .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
      .normalize('NFKC')
      .toLowerCase()
      .startsWith(ownName),
  )
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)
}

/** The folders below a root into which something may be put. */
export class Folders {
  readonly root: string
  readonly #dotfiles: boolean

  /** `root` is a real path. */
  constructor(root: string, dotfiles: boolean) {
    this.root = root
    this.#dotfiles = dotfiles
  }

  /** The real path of a folder; undefined where there is none, or none that may be seen. */
  async find(names: readonly string[]): Promise<string | undefined> {
    if (isOwn(names) || (!this.#dotfiles && names.some((name) => name.startsWith('.')))) return undefined
    try {
      const path = await realpath(join(this.root, ...names))
      if (!this.#holds(path) || isOwn(path.slice(this.root.length).split(sep))) return undefined
      return (await stat(path)).isDirectory() ? path : undefined
    } catch {
      return undefined
    }
  }

  #holds(path: string): boolean {
    return path === this.root || path.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep)
  }
}
