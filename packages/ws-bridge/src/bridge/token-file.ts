import { promises as fs } from 'node:fs'
import type { Stats } from 'node:fs'

import { LimitError, SocketError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

/** Files of a folder; more are refused. */
const maxFiles = 1_000
/** Bytes of all files together. */
const maxBytes = 4 * 1024 * 1024

/** Milliseconds after a change in which another may leave the same time behind. */
const settling = 100

interface Known {
  readonly stats: Stats
  readonly settled: boolean
  readonly tokens: ReadonlyMap<string, string>
}

/**
 * Tokens out of a file of lines `token: target`, or out of all files of a folder but the hidden ones, in the order of
 * their names. Lines that begin with `#` and those that are none are passed over; of a token that stands there twice,
 * the last one counts.
 *
 * Each lookup sees what stands there when it begins: the files are looked at again, and those that changed are read. One
 * look at a time, however many ask.
 */
export class TokenFile {
  readonly #path: string
  readonly #files = new Map<string, Known>()
  /** The look under way, and the one behind it that all who come meanwhile wait for. */
  #looking: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** @throws SocketError when it cannot be read, or is too large. */
  async lookup(token: string): Promise<string | undefined> {
    await this.refresh()
    let target: string | undefined
    for (const { tokens } of this.#files.values()) target = tokens.get(token) ?? target
    return target
  }

  /** Reads what changed. @throws as {@link lookup}. */
  refresh(): Promise<void> {
    if (this.#next) return this.#next
    if (!this.#looking) return this.#begin()
    const begin = (): Promise<void> => this.#begin()
    this.#next = this.#looking.then(begin, begin)
    return this.#next
  }

  #begin(): Promise<void> {
    this.#next = undefined
    const looking = this.#look().finally(() => {
      if (this.#looking === looking) this.#looking = undefined
    })
    this.#looking = looking
    return looking
  }

  async #look(): Promise<void> {
    try {
      const found = new Map<string, Known>()
      let bytes = 0
      for (const [path, stats] of await this.#list()) {
        bytes += stats.size
        if (bytes > maxBytes) throw tooMuch('bytes', bytes, maxBytes)
        const known = this.#files.get(path)
        found.set(path, known?.settled && isSame(known.stats, stats) ? known : await read(path, stats))
      }
      this.#files.clear()
      for (const [path, known] of found) this.#files.set(path, known)
    } catch (error) {
      // What stood there before may be revoked.
      this.#files.clear()
      const why = error instanceof LimitError ? error.message : reasonOf(error)
      throw new SocketError(`Cannot read tokens: ${why}`, { phase: 'handler', cause: error })
    }
  }

  async #list(): Promise<[path: string, stats: Stats][]> {
    const stats = await fs.stat(this.#path)
    if (!stats.isDirectory()) return [[this.#path, stats]]
    const names = (await fs.readdir(this.#path)).filter((name) => !name.startsWith('.'))
    if (names.length > maxFiles) throw tooMuch('files', names.length, maxFiles)
    const files: [string, Stats][] = []
    for (const name of names.toSorted()) {
      const path = `${this.#path}/${name}`
      const its = await fs.stat(path).catch(unlessGone)
      if (its?.isFile()) files.push([path, its])
    }
    return files
  }
}

async function read(path: string, stats: Stats): Promise<Known> {
  const text = await fs.readFile(path, 'utf8').catch(unlessGone)
  const tokens = new Map<string, string>()
  for (const line of (text ?? '').split('\n').map((it) => it.trim())) {
    const colon = line.startsWith('#') ? -1 : line.search(/:\s/)
    if (colon > 0) tokens.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return { stats, tokens, settled: Date.now() - Math.max(stats.mtimeMs, stats.ctimeMs) > settling }
}

function isSame(one: Stats, other: Stats): boolean {
  return (['ino', 'size', 'mtimeMs', 'ctimeMs'] as const).every((name) => one[name] === other[name])
}

/** A file of a folder may go between one look and the next. */
function unlessGone(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}

function tooMuch(what: string, value: number, most: number): LimitError {
  return new LimitError(`${value} ${what} are more than ${most}`, { limit: what, value })
}
