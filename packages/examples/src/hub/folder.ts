import { type FSWatcher, watch } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { saveBody } from '@fairlead/http/uploads'

import { isSafeName } from '../files/names.ts'
import { Inbox } from '../uploads/inbox.ts'

/** One line of the listing; `modified` is ISO 8601. */
export interface SharedFile {
  readonly name: string
  readonly size: number
  readonly modified: string
}

/** Milliseconds in which changes from outside are gathered. */
const gathering = 150

/**
 * The shared folder: regular files with safe names, directly in it. A file that arrives is written beside them
 * and takes its place when it is whole, under a name that is free.
 */
export class Folder {
  readonly path: string
  readonly inbox: Inbox
  #files: readonly SharedFile[] = []
  #scan: Promise<void> = Promise.resolve()
  #nextScan: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #watcher: FSWatcher | undefined
  readonly #followers = new Set<() => void>()

  private constructor(path: string, inbox: Inbox) {
    this.path = path
    this.inbox = inbox
  }

  /** Makes the folder if need be, and clears away what earlier uploads left behind. */
  static async open(where: string): Promise<Folder> {
    const path = resolve(where)
    const folder = new Folder(path, await Inbox.open(path, { overwrite: false }))
    await folder.refresh()
    folder.#watch()
    return folder
  }

  /** The newest first, as of the last look at the disk. */
  get files(): readonly SharedFile[] {
    return this.#files
  }

  /** Calls back after each change of the listing, until the returned function is called. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  /**
   * Stores the body of a request under a safe name like `wanted`. When it breaks off, nothing of it stays.
   *
   * @throws as `saveBody` does, for more than `maxSize` bytes, too.
   */
  async add(wanted: string, request: Request, maxSize: number): Promise<SharedFile> {
    const file = this.inbox.temporary()
    await saveBody(request, file, { maxSize })
    try {
      const { name } = await this.inbox.keep(file, { folder: this.path, name: wanted, exact: false })
      await this.refresh()
      return await this.#describe(name)
    } catch (error) {
      await rm(file, { force: true })
      throw error
    }
  }

  /** Looks at the disk. */
  refresh(): Promise<void> {
    // A scan under way may have passed what changed just now; one that waits for it has not.
    this.#nextScan ??= this.#scan.then(() => {
      this.#nextScan = undefined
      return (this.#scan = this.#list())
    })
    return this.#nextScan
  }

  close(): void {
    this.inbox.close()
    this.#watcher?.close()
    clearTimeout(this.#timer)
    this.#followers.clear()
  }

  async #list(): Promise<void> {
    const names = await readdir(this.path).catch(() => [])
    const found = await Promise.all(
      names.filter(isSafeName).map((name) => this.#describe(name).catch(() => undefined)),
    )
    const files = found.filter((file) => file !== undefined)
    files.sort((a, b) => b.modified.localeCompare(a.modified) || a.name.localeCompare(b.name))
    if (JSON.stringify(files) === JSON.stringify(this.#files)) return
    this.#files = files
    for (const follower of this.#followers) follower()
  }

  async #describe(name: string): Promise<SharedFile> {
    const facts = await lstat(join(this.path, name))
    if (!facts.isFile()) throw new Error(`${name} is no regular file`)
    return { name, size: facts.size, modified: facts.mtime.toISOString() }
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.path, () => {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined
          void this.refresh()
        }, gathering)
      })
      // Where watching fails, what comes through the hub is still shown at once.
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      this.#watcher = undefined
    }
  }
}
