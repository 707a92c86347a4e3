import { constants } from 'node:fs'
import { copyFile, unlink } from 'node:fs/promises'

import { ClosedError } from '@fairlead/core'
import { checkBoolean, codeOf } from '@fairlead/core/transport'

import { onDisk } from '../disk/file-error.ts'
import { FileTarget } from '../disk/file-target.ts'
import type { Written } from '../disk/save.ts'
import { checkNames } from './option-names.ts'
import type { SavedBody, SavePartOptions } from './options.ts'
import type { Part } from './part.ts'

/** A file of a form, under a temporary name until somebody keeps it. */
export class SavedPart {
  /** Of the input of the form. */
  readonly name: string
  /** Fit for any file system; see {@link Part.filename}. */
  readonly filename: string
  /** As it was sent: not to be made a path of. */
  readonly sentFilename: string
  /** As the client says. */
  readonly type: string
  /** In bytes. */
  readonly size: number
  /** In hexadecimal; where one was asked for. */
  readonly digest: string | undefined
  #path: string
  #state: 'temporary' | 'kept' | 'gone' = 'temporary'
  #placing: Promise<boolean> | undefined

  constructor(part: Part, path: string, { size, digest }: Written) {
    this.name = part.name
    this.filename = part.filename ?? ''
    this.sentFilename = part.sentFilename ?? ''
    this.type = part.type
    this.size = size
    this.digest = digest
    this.#path = path
  }

  /** Where it is: absolute. */
  get path(): string {
    return this.#path
  }

  /**
   * Gives the file a name of its own, at once. On another file system it is copied first. May be called once; when it
   * fails, the file is still there under its temporary name.
   *
   * @throws FileError where the system refuses it, or a file is there; ClosedError for a file that was kept, or is gone.
   */
  async keep(
    path: string | URL,
    options: Pick<SavePartOptions, 'overwrite' | 'fsync'> = {},
  ): Promise<SavedBody> {
    checkNames('keep', options)
    const { overwrite = false, fsync = false } = options
    checkBoolean('overwrite', overwrite)
    checkBoolean('fsync', fsync)
    const target = new FileTarget(path, overwrite)
    if (this.#state !== 'temporary') throw new ClosedError(`Cannot keep ${target.path}: it is ${this.#state}`)
    this.#state = 'kept'
    try {
      this.#placing = this.#place(target, fsync)
      const created = await this.#placing
      this.#path = target.path
      return { path: target.path, size: this.size, digest: this.digest, created }
    } catch (error) {
      this.#state = 'temporary'
      throw error
    }
  }

  /** Removes it, unless it was kept. May be called as often as one likes. */
  async remove(): Promise<void> {
    await this.#placing?.catch(() => {})
    if (this.#state !== 'temporary') return
    this.#state = 'gone'
    await unlink(this.#path).catch(() => {})
  }

  async #place(target: FileTarget, fsync: boolean): Promise<boolean> {
    await target.check()
    try {
      return await target.place(this.#path, fsync)
    } catch (error) {
      if (codeOf((error as Error).cause) !== 'EXDEV') throw error
    }
    const { path, temporary } = target
    try {
      await onDisk(path, () => copyFile(this.#path, temporary, constants.COPYFILE_EXCL))
      const created = await target.place(temporary, fsync)
      await unlink(this.#path).catch(() => {})
      return created
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
  }
}
