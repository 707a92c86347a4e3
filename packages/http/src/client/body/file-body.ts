import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

import type { PieceSource } from '../../message/piece-source.ts'
import type { FileBody } from '../options.ts'
import { FileSource } from './file-source.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** Opening a FIFO would wait for a writer otherwise, in a thread that others wait for. Windows has none. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Which part of which file: decided when the request is made, and the same for each time that it is sent. */
interface Part {
  readonly path: string | URL
  readonly start: number
  readonly end: number
  /** Who the file is, so that another one of the same name is not sent in its place. */
  readonly identity: string
}

export function isFileBody(value: object): value is FileBody {
  const { file } = value as Partial<FileBody>
  return typeof file === 'string' || file instanceof URL
}

/**
 * Opens a file to be sent.
 *
 * @throws TypeError for what is no regular file; RangeError for a part that it does not have; the system's own error
 * when it cannot be opened. All of them reject.
 */
export async function openFile({ file, start = 0, end }: FileBody): Promise<OutgoingBody> {
  checkOffset('start', start)
  if (end !== undefined) checkOffset('end', end)
  const handle = await open(file, flags)
  try {
    const { size, identity } = await regular(handle, file)
    const last = end ?? size
    if (last > size || start > last) {
      throw new RangeError(`Invalid option body: ${String(file)} has ${size} bytes, not ${start} to ${last}`)
    }
    return new OpenFile(handle, { path: file, start, end: last, identity })
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** It stays open until it was read or given up; to be sent once more it is opened anew, and must be the same. */
class OpenFile implements OutgoingBody {
  readonly length: number
  readonly type = undefined
  readonly replayable = true
  readonly whole = undefined
  readonly #part: Part
  #handle: FileHandle | undefined

  constructor(handle: FileHandle, part: Part) {
    this.#handle = handle
    this.#part = part
    this.length = part.end - part.start
  }

  open(): PieceSource {
    const handle = this.#handle
    this.#handle = undefined
    return new FileSource(handle ?? reopen(this.#part), this.#part)
  }

  discard(): void {
    this.#handle?.close().catch(() => {})
    this.#handle = undefined
  }
}

async function reopen({ path, end, identity }: Part): Promise<FileHandle> {
  const handle = await open(path, flags)
  try {
    const now = await regular(handle, path)
    if (now.identity === identity && now.size >= end) return handle
    throw new Error(`Cannot send body: ${String(path)} is not what it was when it was first sent`)
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function regular(handle: FileHandle, path: string | URL): Promise<{ size: number; identity: string }> {
  const stat = await handle.stat()
  if (!stat.isFile()) throw new TypeError(`Invalid option body: ${String(path)} is not a regular file`)
  return { size: stat.size, identity: `${stat.dev}:${stat.ino}` }
}

function checkOffset(name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return
  throw new RangeError(`Invalid option body: its ${name} is ${String(value)}, which is no number of bytes`)
}
