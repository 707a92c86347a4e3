import type { BigIntStats, Stats } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Entry } from './listing.ts'

export type Facts = Stats | BigIntStats

export interface ReadFolderOptions {
  /** Whether a name may be seen. It is text. */
  accept(name: string): boolean
  /** Looks at what a symbolic link leads to; undefined where that may not be seen. Default: no link may. */
  follow?: ((name: string) => Promise<Facts | undefined>) | undefined
  /** Entries that are read; of names that may not be seen, ten times as many. Default 10,000. */
  maxEntries?: number
}

export interface FolderContent {
  /** In no order. */
  readonly entries: Entry[]
  readonly truncated: boolean
}

/** Files that are looked at together: the threads of the file system are few, and others wait for them as well. */
const together = 32

/** Names that are no text, and have no URL: Node reads U+FFFD where they are no UTF-8; on Windows, half of a pair stays. */
const broken = /[\ufffd\p{Surrogate}]/u

/**
 * Reads a folder. What is neither a file nor a folder is left out, and so is what vanished meanwhile or may not be
 * looked at.
 *
 * @throws what the system says of the folder itself.
 */
export async function readFolder(folder: string, options: ReadFolderOptions): Promise<FolderContent> {
  const { names, truncated } = await readNames(folder, options)
  const entries: Entry[] = []
  for (let at = 0; at < names.length; at += together) {
    const some = names.slice(at, at + together)
    for (const entry of await Promise.all(some.map((name) => entryOf(folder, name, options)))) {
      if (entry) entries.push(entry)
    }
  }
  return { entries, truncated }
}

async function readNames(
  folder: string,
  { accept, maxEntries = 10_000 }: ReadFolderOptions,
): Promise<{ names: string[]; truncated: boolean }> {
  const names: string[] = []
  let seen = 0
  // Leaving the loop closes it.
  for await (const { name } of await opendir(folder, { bufferSize: 256 })) {
    if (++seen > maxEntries * 10) return { names, truncated: true }
    if (broken.test(name) || !accept(name)) continue
    if (names.length === maxEntries) return { names, truncated: true }
    names.push(name)
  }
  return { names, truncated: false }
}

async function entryOf(
  folder: string,
  name: string,
  { follow }: ReadFolderOptions,
): Promise<Entry | undefined> {
  try {
    const own = await lstat(join(folder, name))
    const facts: Facts | undefined = own.isSymbolicLink() ? await follow?.(name) : own
    if (!facts?.isDirectory() && !facts?.isFile()) return undefined
    const modified = dateOf(Number(facts.mtimeMs))
    return facts.isFile()
      ? { name, kind: 'file', size: Number(facts.size), modified }
      : { name, kind: 'folder', size: undefined, modified }
  } catch {
    return undefined
  }
}

const earliest = Date.parse('0001-01-01T00:00:00.000Z')
const latest = Date.parse('9999-12-31T23:59:59.999Z')

/** File systems have years that no date has: of such a one, the nearest that can be written in four digits. */
export function dateOf(milliseconds: number): Date {
  return new Date(Math.min(Math.max(milliseconds, earliest), latest))
}
