import { randomBytes } from 'node:crypto'
import { readFile, readlink, rename, symlink, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'

import { codeOf } from '@fairlead/core/transport'

import { FileError, ifThere, onDisk } from '../../disk/file-error.ts'

/** Times that a lock which nobody holds is taken away; others may be doing the same. */
const tries = 3

/** Who holds a lock. */
interface Holder {
  readonly pid: number
  /** When that process began, as the system counts; empty where that cannot be known. */
  readonly started: string
  readonly host: string
  readonly token: string
}

/** Those that this process holds. */
const held = new Set<string>()

/**
 * Keeps a second download off the same partial file, from whatever process: `PATH.part.lock`, which names its holder.
 * The lock of a process that is gone is taken over. It is a symbolic link to a text, which, unlike a file, is there with
 * all of its content or not at all; and a file where there are no such links.
 */
export class PartialLock {
  readonly #path: string
  readonly #content: string
  readonly #token: string

  private constructor(path: string, content: string, token: string) {
    this.#path = path
    this.#content = content
    this.#token = token
  }

  /** @throws FileError ERR_FAIRLEAD_FILE_BUSY while somebody else holds it. */
  static async take(path: string): Promise<PartialLock> {
    const token = randomBytes(8).toString('hex')
    const started = await startOf(process.pid)
    const content = [process.pid, started, token, hostname()].join(':')
    for (let count = 0; count < tries; count++) {
      held.add(token)
      const made = await onDisk(path, () => create(path, content)).catch((error: unknown) => {
        held.delete(token)
        throw error
      })
      if (made) return new PartialLock(path, content, token)
      held.delete(token)
      const other = await ifThere(path, () => read(path))
      if (other === undefined) continue
      const holder = holderOf(other)
      if (!holder || (await isThere(holder))) throw busy(path, holder)
      await takeAway(path, other)
    }
    throw busy(path, undefined)
  }

  /** Whether it is still there. */
  async holds(): Promise<boolean> {
    return (await ifThere(this.#path, () => read(this.#path))) === this.#content
  }

  async release(): Promise<void> {
    if (await this.holds().catch(() => false)) await unlink(this.#path).catch(() => {})
    held.delete(this.#token)
  }
}

/** Makes it, unless there is one. */
async function create(path: string, content: string): Promise<boolean> {
  try {
    await symlink(content, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error))) throw error
  }
  try {
    await writeFile(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readlink(path)
  } catch (error) {
    // What is no link.
    if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'UNKNOWN') throw error
    return readFile(path, 'utf8')
  }
}

/** Removes the lock `content`; one that came in its place meanwhile is put back. */
async function takeAway(path: string, content: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  if ((await ifThere(path, async () => (await rename(path, aside), true))) === undefined) return
  const taken = await ifThere(aside, () => read(aside))
  if (taken !== undefined && taken !== content) await create(path, taken)
  await unlink(aside).catch(() => {})
}

function holderOf(content: string): Holder | undefined {
  const [pid, started, token, ...host] = content.split(':')
  if (token === undefined || !/^[1-9]\d{0,9}$/.test(pid!)) return undefined
  return { pid: Number(pid), started: started!, token, host: host.join(':') }
}

/** Whether a process still runs. Of another machine nobody here can tell. */
async function isThere({ pid, started, token, host }: Holder): Promise<boolean> {
  if (host !== hostname() || held.has(token)) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    // It may be somebody else's.
    if (codeOf(error) === 'ESRCH') return false
  }
  const now = await startOf(pid)
  // Numbers are given again: in a container every process that is started anew may have the same.
  if (started !== '' && now !== '') return now === started
  return pid !== process.pid
}

/** When a process began, in ticks since the system did: field 22 of `/proc/PID/stat`, proc(5). */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function busy(path: string, holder: Holder | undefined): FileError {
  const whom = holder ? `process ${holder.pid} on ${holder.host}` : 'somebody'
  const why = `${whom} is at the same download; if that is not so, remove this file`
  return new FileError(path, why, 'ERR_FAIRLEAD_FILE_BUSY')
}
