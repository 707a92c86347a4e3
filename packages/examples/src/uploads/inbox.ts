import { randomBytes, randomUUID } from 'node:crypto'
import { copyFile, lstat, mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { cannotUse, ownName, prepareFolder } from '../files/folders.ts'
import { safeName } from '../files/names.ts'
import { moveUnlessTaken, place } from '../files/place.ts'
import { codeOf } from '../reason.ts'

/** Milliseconds after which nobody is expected to go on with an upload, and between looks for such. */
export const expiration = 24 * 3_600_000
const betweenSweeps = 3_600_000

/** This process, and none that had its number before. */
const self = `${process.pid}-${randomBytes(4).toString('hex')}`

/** Names in the workshop that are of bodies and forms which are arriving, and of notes on what has; others have their own. */
const swept = /^\.?(arriving|finished|upload)\b/
const arriving = /^\.?arriving-((\d+)-[\da-f]{8})-/

/** Under which name a file is to lie in its folder. */
export interface Destination {
  /** A real path inside what is served. */
  readonly folder: string
  readonly name: string
  /** Whether no other name will do: it was asked for by its path. */
  readonly exact: boolean
}

/** A file that has arrived. */
export interface Kept {
  readonly name: string
  readonly size: number
  /** Whether there was one of that name. */
  readonly replaced: boolean
}

/** Something of that name is there, and stays. */
export class TakenError extends Error {}

const folderThere = 'there is a folder of that name'
const fileThere = 'there is a file of that name, and this server was started without --overwrite'

/** Where files lie while they arrive, and from where they are moved in one step. */
export class Inbox {
  /** A hidden folder inside the one that is served. */
  readonly workshop: string
  /** Of uploads that can be resumed. */
  readonly resumable: string
  readonly #overwrite: boolean
  readonly #sweeping: ReturnType<typeof setInterval>

  private constructor(workshop: string, overwrite: boolean) {
    this.workshop = workshop
    this.resumable = join(workshop, 'resumable')
    this.#overwrite = overwrite
    this.#sweeping = setInterval(() => void this.sweep(), betweenSweeps).unref()
  }

  /**
   * Makes it inside `root`, and clears away what nobody goes on with, now and each hour until it is closed.
   *
   * @throws Error when it cannot be written.
   */
  static async open(root: string, { overwrite }: { overwrite: boolean }): Promise<Inbox> {
    const inbox = new Inbox(await prepareFolder(root), overwrite)
    try {
      await mkdir(inbox.resumable, { recursive: true })
      // Only writing shows that one can write.
      const probe = inbox.temporary()
      await writeFile(probe, '', { flag: 'wx' })
      await rm(probe)
    } catch (error) {
      inbox.close()
      throw cannotUse(root, error)
    }
    await inbox.sweep()
    return inbox
  }

  close(): void {
    clearInterval(this.#sweeping)
  }

  /** A path in the workshop that nobody else has. */
  temporary(): string {
    return join(this.workshop, `arriving-${self}-${randomUUID()}`)
  }

  /**
   * Moves a whole file to where it belongs, under a name that is safe on every system. Whatever is there is replaced
   * only by `--overwrite`, and a folder never.
   *
   * @throws TakenError for an exact name that is taken; what the system says.
   */
  async keep(file: string, destination: Destination): Promise<Kept> {
    const near = await this.#near(file, destination.folder)
    try {
      const { size } = await stat(near)
      const kept = await this.#place(near, destination)
      if (near !== file) await rm(file, { force: true })
      return { ...kept, size }
    } catch (error) {
      if (near !== file) await rm(near, { force: true })
      throw error
    }
  }

  /** Says early what {@link keep} would say of an exact name. @throws TakenError */
  async check({ folder, name, exact }: Destination): Promise<void> {
    if (!exact) return
    const found = await lstat(join(folder, safeName(name))).catch(() => undefined)
    if (found?.isDirectory()) throw new TakenError(folderThere)
    if (found && !(this.#overwrite && safeName(name) === name)) throw new TakenError(fileThere)
  }

  /** Bytes that there is room for. */
  async room(): Promise<number> {
    const { bavail, bsize } = await statfs(this.workshop)
    return bavail * bsize
  }

  /**
   * Takes away bodies whose process is gone, for they cannot be resumed; and what can, once it has not been touched for
   * a day.
   */
  async sweep(now: number = Date.now()): Promise<void> {
    for (const name of await namesIn(this.workshop)) {
      if (!swept.test(name)) continue
      const path = join(this.workshop, name)
      const last = (await touched(path)) ?? Infinity
      if (isAbandoned(name) || last < now - expiration) await remove(path)
    }
    for (const name of await namesIn(this.resumable)) {
      const path = join(this.resumable, name)
      // What is known of an upload is written once, the upload itself as it comes.
      const own = (await touched(path)) ?? Infinity
      const last = Math.max(own, (await touched(path.replace(/\.json$/, ''))) ?? 0)
      if (last < now - expiration) await remove(path)
    }
  }

  async #place(file: string, { folder, name, exact }: Destination): Promise<Omit<Kept, 'size'>> {
    const wanted = safeName(name)
    const target = join(folder, wanted)
    // A name that was made safe is that of another file.
    if (this.#overwrite && wanted === name) {
      const before = await lstat(target).catch(() => undefined)
      if (before?.isDirectory()) throw new TakenError(folderThere)
      await rename(file, target)
      return { name: wanted, replaced: before !== undefined }
    }
    if (!exact) return { name: await place(file, folder, wanted), replaced: false }
    if (await moveUnlessTaken(file, target)) return { name: wanted, replaced: false }
    throw new TakenError(fileThere)
  }

  /** Another file system may be mounted on a folder: into that, a file cannot be moved in one step. */
  async #near(file: string, folder: string): Promise<string> {
    const [from, to] = await Promise.all([stat(file), stat(folder)])
    if (from.dev === to.dev) return file
    const copy = join(folder, `${ownName}-${randomUUID()}`)
    try {
      await copyFile(file, copy)
    } catch (error) {
      await rm(copy, { force: true })
      throw error
    }
    return copy
  }
}

/** Whether the process that was writing a body under this name has ended. */
function isAbandoned(name: string): boolean {
  const [, owner, pid] = arriving.exec(name) ?? []
  if (owner === undefined || owner === self) return false
  if (Number(pid) === process.pid) return true
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    // Otherwise it is somebody else's, and there.
    return codeOf(error) === 'ESRCH'
  }
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

/** What cannot be removed is tried again with the next look. */
async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {})
}

/** When a file was written last; undefined for what is none. */
async function touched(path: string): Promise<number | undefined> {
  const facts = await lstat(path).catch(() => undefined)
  return facts?.isFile() ? facts.mtimeMs : undefined
}
