import { constants } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'

import { codeOf } from '@fairlead/core/transport'

import { OpenFile } from './open-file.ts'
import type { SymlinkPolicy } from './options.ts'
import { closeDescriptor, nameOf, openDescriptor, statOf, trueNameOf } from './system.ts'

/** Opening a pipe does not wait for its writer. Windows has none of the two. */
export const careful = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
const noLink = constants.O_NOFOLLOW ?? 0

/** What the system says of names that lead nowhere, or to what cannot be read as a file. */
const missing: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ELOOP',
  'ENXIO',
  'EINVAL',
])

/**
 * A folder out of which files are opened, and nothing else: whether a file is inside is asked of what is open, not of its
 * name. A link that is changed between a look and the opening changes nothing.
 */
export class Root {
  /** Absolute. */
  readonly path: string
  readonly #symlinks: SymlinkPolicy
  #real: string | undefined

  constructor(path: string, symlinks: SymlinkPolicy) {
    this.path = path
    this.#symlinks = symlinks
  }

  /**
   * Opens what has this name. Undefined where there is nothing, or nothing that may be seen. Whoever asked closes it.
   *
   * @param segments of a canonical path: none of them is empty, `.` or `..`, or holds a separator.
   * @throws what the system refuses for other reasons: no permission, no descriptors.
   */
  async open(segments: readonly string[]): Promise<OpenFile | undefined> {
    const path = join(this.path, ...segments)
    // The root itself may always be a link.
    const linkless = this.#symlinks === 'never' && segments.length > 0
    let descriptor
    try {
      descriptor = await openDescriptor(path, linkless ? careful | noLink : careful)
    } catch (error) {
      if (missing.has(codeOf(error))) return undefined
      throw error
    }
    let admitted = false
    try {
      const stats = statOf(descriptor)
      const seen = stats.isFile() || stats.isDirectory()
      admitted = seen && (await this.#admits(descriptor, path, segments))
      return admitted ? new OpenFile(descriptor, stats) : undefined
    } catch (error) {
      if (missing.has(codeOf(error))) return undefined
      throw error
    } finally {
      if (!admitted) closeDescriptor(descriptor)
    }
  }

  /** By which name a folder that is open can be read, whatever its own leads to meanwhile. */
  nameOf({ descriptor }: OpenFile, segments: readonly string[]): string {
    return trueNameOf(descriptor) === undefined ? join(this.path, ...segments) : nameOf(descriptor)
  }

  /** Where the root is, past all links. */
  async real(): Promise<string> {
    return (this.#real ??= await realpath(this.path))
  }

  async #admits(descriptor: number, path: string, segments: readonly string[]): Promise<boolean> {
    if (this.#symlinks === 'anywhere') return true
    const found = trueNameOf(descriptor) ?? (await sameUnder(descriptor, path))
    if (found === undefined) return false
    const before = this.#real ?? (await this.real())
    if (this.#within(before, found, segments)) return true
    // The root itself may be a link that was given another target, as those do who publish a version at once.
    this.#real = undefined
    const now = await this.real()
    return now !== before && this.#within(now, found, segments)
  }

  #within(root: string, found: string, segments: readonly string[]): boolean {
    if (this.#symlinks === 'never') return found === join(root, ...segments)
    return found === root || found.startsWith(root.endsWith(sep) ? root : root + sep)
  }
}

/** Where the system does not tell, the true name is looked for under the one that was asked for: it must be that file. */
async function sameUnder(descriptor: number, path: string): Promise<string | undefined> {
  const name = await realpath(path)
  const named = await lstat(name, { bigint: true })
  const open = statOf(descriptor)
  return open.dev === named.dev && open.ino === named.ino ? name : undefined
}
