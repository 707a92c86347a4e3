import type { Hash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'

import { FileError, fileErrorOf, ifThere, onDisk } from '../../disk/file-error.ts'
import { decodeRecord, encodeRecord, isResumable, type PartialRecord } from './partial-record.ts'

const { O_RDWR, O_CREAT } = constants

/** A link would lead elsewhere, and opening a pipe would wait for its other end. Windows knows neither. */
const careful = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Bytes behind which it is written down how many there are: what a process that is killed loses, at most. */
const step = 1024 * 1024

/** Bytes that are read at a time. */
const blockSize = 256 * 1024

/** Bytes of the largest record: URLs and entity-tags are at most as long as a head. */
const longestRecord = 256 * 1024

/**
 * A file that is not whole, `PATH.part`, and what is known of it, `PATH.part.json`. What the record says is in the file;
 * what the file has beyond that may have been under way to the disk, and is cut off.
 */
export class PartialFile {
  readonly path: string
  readonly #file: FileHandle
  readonly #sidecar: FileHandle
  readonly #fsync: boolean
  #record: PartialRecord | undefined
  #size = 0
  #recorded = 0

  private constructor(path: string, file: FileHandle, sidecar: FileHandle, fsync: boolean) {
    this.path = path
    this.#file = file
    this.#sidecar = sidecar
    this.#fsync = fsync
  }

  /**
   * Opens what an earlier download left, or begins. What is damaged, or not known well enough to go on, is begun anew.
   *
   * @throws FileError for what no download has left there, which is not touched.
   */
  static async open(path: string, mode: number, fsync: boolean): Promise<PartialFile> {
    const besides = `${path}.json`
    const known = (await ifThere(besides, () => openRegular(besides, O_RDWR)))?.handle
    const opened: FileHandle[] = known ? [known] : []
    try {
      let { handle, stat } = await openRegular(path, O_RDWR | O_CREAT, mode)
      opened.push(handle)
      if (!known && stat.size > 0) {
        const why = `it is there already, without ${besides}, so it is of no download`
        throw new FileError(path, why, 'ERR_FAIRLEAD_FILE_EXISTS')
      }
      if (stat.nlink > 1) {
        // It was whole, and has its other name already: that one is not to be written to.
        await onDisk(path, () => unlink(path))
        ;({ handle, stat } = await openRegular(path, O_RDWR | O_CREAT, mode))
        opened.push(handle)
        await opened.at(-2)?.close()
      }
      const sidecar = known ?? (await openRegular(besides, O_RDWR | O_CREAT, 0o600)).handle
      if (!known) opened.push(sidecar)
      const partial = new PartialFile(path, handle, sidecar, fsync)
      await partial.#take(stat.size)
      return partial
    } catch (error) {
      for (const handle of opened) await handle.close().catch(() => {})
      throw error
    }
  }

  /** What is known of it; undefined where it is to be begun anew. */
  get record(): PartialRecord | undefined {
    return this.#record
  }

  /** Bytes that are in it. */
  get size(): number {
    return this.#size
  }

  /** To write to, behind {@link size}. */
  get handle(): FileHandle {
    return this.#file
  }

  /** Begins anew: with an answer of which it is known what, or with nothing. */
  async restart(record?: Omit<PartialRecord, 'size'>): Promise<void> {
    this.#size = 0
    this.#record = record && { ...record, size: 0 }
    await onDisk(this.path, async () => {
      // In this order: bytes of one version must never stand under the record of another.
      await this.#file.truncate(0)
      if (this.#fsync) await this.#file.sync()
      await this.#sidecar.truncate(0)
      if (this.#record) await this.#note()
    })
  }

  /** How long it will be, which was not known when it was begun. */
  async measure(length: number): Promise<void> {
    if (!this.#record || this.#record.length === length) return
    this.#record = { ...this.#record, length }
    // It is longer than the one before, and replaces it.
    await onDisk(this.path, () => this.#note())
  }

  /** So many bytes are in it now; written down from time to time. */
  async wrote(size: number): Promise<void> {
    this.#size = size
    if (size - this.#recorded >= step) await this.keep()
  }

  /** Writes down how many bytes are in it. */
  async keep(): Promise<void> {
    if (!this.#record || this.#recorded === this.#size) return
    this.#record = { ...this.#record, size: this.#size }
    await onDisk(this.path, async () => {
      if (this.#fsync) await this.#file.datasync()
      await this.#note()
    })
  }

  /** Computes the digest over what is in it. */
  async readInto(hash: Hash): Promise<void> {
    const block = Buffer.allocUnsafeSlow(blockSize)
    await onDisk(this.path, async () => {
      for (let at = 0; at < this.#size;) {
        const wanted = Math.min(blockSize, this.#size - at)
        const { bytesRead } = await this.#file.read(block, 0, wanted, at)
        if (bytesRead === 0) throw new Error('it became shorter meanwhile')
        hash.update(block.subarray(0, bytesRead))
        at += bytesRead
      }
    })
  }

  /** It is all there. @throws FileError where the file is not what was written. */
  async seal(): Promise<void> {
    await onDisk(this.path, async () => {
      const { size } = await this.#file.stat()
      if (size !== this.#size) throw new Error(`it has ${size} bytes, and ${this.#size} were written`)
      if (this.#fsync) await this.#file.sync()
    })
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => {})
    await this.#sidecar.close().catch(() => {})
  }

  /** Nothing of it is of any use. */
  async remove(): Promise<void> {
    await unlink(this.path).catch(() => {})
    await this.forget()
  }

  /** The file has its name now. */
  async forget(): Promise<void> {
    await unlink(`${this.path}.json`).catch(() => {})
  }

  async #take(found: number): Promise<void> {
    const record = await onDisk(this.path, async () => {
      const { size } = await this.#sidecar.stat()
      if (size > longestRecord) return undefined
      const bytes = Buffer.alloc(size)
      const { bytesRead } = await this.#sidecar.read(bytes, 0, size, 0)
      return decodeRecord(bytes.toString('utf8', 0, bytesRead))
    })
    if (!record || !isResumable(record) || record.size === 0 || found < record.size) return this.restart()
    this.#record = record
    this.#size = this.#recorded = record.size
    if (found > record.size) await onDisk(this.path, () => this.#file.truncate(record.size))
  }

  async #note(): Promise<void> {
    const bytes = encodeRecord(this.#record!)
    await this.#sidecar.write(bytes, 0, bytes.length, 0)
    if (this.#fsync) await this.#sidecar.datasync()
    this.#recorded = this.#record!.size
  }
}

async function openRegular(
  path: string,
  flags: number,
  mode?: number,
): Promise<{ handle: FileHandle; stat: Stats }> {
  const handle = await open(path, flags | careful, mode).catch((error: unknown) => {
    // Of the system's own, for who asks whether it is there at all.
    if ((flags & O_CREAT) === 0) throw error
    throw fileErrorOf(path, error)
  })
  const stat = await handle.stat()
  if (stat.isFile()) return { handle, stat }
  await handle.close()
  throw new FileError(path, 'what is there is no regular file')
}
