import { randomBytes } from 'node:crypto'
import { link, lstat, open, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { codeOf } from '@fairlead/core/transport'

import { FileError, ifThere, onDisk } from './file-error.ts'

/** Characters of its name that a temporary file repeats: with four bytes each, the rest still fits into 255. */
const repeated = 48

/** What a file system answers that has no hard links. */
const linkless: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Where a file is to be, once it is whole. */
export class FileTarget {
  /** Absolute. */
  readonly path: string
  readonly folder: string
  readonly #overwrite: boolean

  /** @throws TypeError for what names no file. */
  constructor(path: string | URL, overwrite: boolean) {
    const text = path instanceof URL ? fileURLToPath(path) : path
    if (typeof text !== 'string' || text === '' || text.includes('\0') || /[/\\]$/.test(text)) {
      throw new TypeError('Invalid path: it must be that of a file')
    }
    this.path = resolve(text)
    this.folder = dirname(this.path)
    this.#overwrite = overwrite
  }

  /** A name beside it that nobody else has: on the same file system, so that it can be renamed. */
  get temporary(): string {
    const name = Array.from(basename(this.path)).slice(0, repeated).join('')
    return join(this.folder, `.${name}.${randomBytes(6).toString('hex')}.part`)
  }

  /** Refuses early what {@link place} would refuse, before anything is asked of a server. @throws FileError */
  async check(): Promise<void> {
    const { path, folder } = this
    const within = await onDisk(path, () => stat(folder))
    if (!within.isDirectory()) throw new FileError(path, 'what should be its folder is none')
    if (!(await ifThere(path, () => lstat(path)))) return
    const found = await ifThere(path, () => stat(path))
    if (found?.isDirectory()) throw new FileError(path, 'it is a directory')
    // A device that was renamed over is gone.
    if (found && !found.isFile()) throw new FileError(path, 'what is there is no regular file')
    if (!this.#overwrite) throw this.#exists()
  }

  /**
   * Gives the file `from` its name, at once: nobody sees a part of it. Not to overwrite, it is linked, which fails where
   * the name is taken, and no check beforehand could.
   *
   * @returns whether there was no file of that name, as far as can be known.
   * @throws FileError
   */
  async place(from: string, fsync: boolean): Promise<boolean> {
    const { path } = this
    const created = !this.#overwrite || (await ifThere(path, () => lstat(path))) === undefined
    await onDisk(path, () => (this.#overwrite ? rename(from, path) : this.#link(from)))
    if (fsync) await syncFolder(this.folder)
    return created
  }

  async #link(from: string): Promise<void> {
    try {
      await link(from, this.path)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw this.#exists(error)
      if (!linkless.has(codeOf(error))) throw error
      return this.#reserve(from)
    }
    await unlink(from)
  }

  /** Without links: an empty file takes the name, which nobody else has then, and is renamed over. */
  async #reserve(from: string): Promise<void> {
    const { path } = this
    await (await open(path, 'wx')).close()
    try {
      await rename(from, path)
    } catch (error) {
      await unlink(path).catch(() => {})
      throw error
    }
  }

  #exists(cause?: unknown): FileError {
    const why = 'it is there already, and overwrite is not set'
    return new FileError(this.path, why, 'ERR_FAIRLEAD_FILE_EXISTS', cause)
  }
}

/** A name is on the disk when its folder is; not every system opens folders. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {}
}
