import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

import { codeOf, reasonOf } from '../reason.ts'
import type { Inbox, Kept } from './inbox.ts'

/** What a client says of an upload: `filename`, and whatever its server understands beside. */
export type Metadata = Readonly<Record<string, string | null>>

export interface ResumableOptions {
  /** The path of the uploads in URLs, without a slash at its end. */
  path: string
  inbox: Inbox
  /** Bytes of the largest file. */
  maxSize: number
  /** The folder that a file is meant for; undefined where there is none. */
  folderOf(metadata: Metadata): Promise<string | undefined>
  /** Told of each file that lies there. */
  kept?(file: Kept, metadata: Metadata): Promise<void> | void
}

/** Uploads that were begun and not ended, all together. */
const mostUnfinished = 200

/** Bytes of disk that an upload leaves for others. */
const reserve = 16 * 1024 * 1024

/** The name that a file got, in an answer to whoever sent its last byte. */
const nameField = 'Fairlead-Name'

/** What is remembered of a finished upload, for those who did not hear so. */
interface Finished {
  readonly name: string
  readonly size: number
}

const idOf = /\/([\da-f-]{36})$/

/** Uploads that can be interrupted (tus.io, version 1.0.0): `@tus/server` as it is, with files that are moved when whole. */
export class Resumable {
  readonly #server: Server
  readonly #options: ResumableOptions

  constructor(options: ResumableOptions) {
    const { path, inbox, maxSize } = options
    this.#options = options
    this.#server = new Server({
      path,
      // Without an expiration: the server would look for a file that was finished at once after it was moved.
      datastore: new FileStore({ directory: inbox.resumable }),
      maxSize,
      relativeLocation: true,
      // Who may send something is decided before.
      allowedOrigins: () => false,
      namingFunction: () => randomUUID(),
      onUploadCreate: async (_, { size = 0, metadata = {} }) => {
        await this.#admit(size)
        if (!(await options.folderOf(metadata))) throw refusal(404, 'There is no such folder.')
        return {}
      },
      onUploadFinish: async (_, { id, metadata = {} }) => {
        const { name } = await this.#finish(id, metadata)
        return { headers: { [nameField]: encodeURIComponent(name) } }
      },
      onResponseError: async (_, error) => {
        if (!('status_code' in error)) return { status_code: 500, body: `${reasonOf(error)}\n` }
        // Why a file could not be written, the store does not tell.
        const full = error.status_code >= 500 && (await inbox.room().catch(() => Infinity)) < reserve
        return full ? noSpace : undefined
      },
    })
  }

  async fetch(request: Request): Promise<Response> {
    const [, id] = idOf.exec(new URL(request.url).pathname) ?? []
    if (request.method === 'HEAD' && id !== undefined) {
      // Whoever lost the last answer asks how far it is; without this, it would be sent once more.
      const finished = await this.#recall(id)
      if (finished) return answerTo(finished)
    }
    return this.#server.handleWeb(request)
  }

  async #admit(size: number): Promise<void> {
    const { inbox } = this.#options
    const { length } = await readdir(inbox.resumable)
    // Each has two files.
    if (length >= mostUnfinished * 2) throw refusal(503, 'Too many uploads wait to be finished.')
    if (size + reserve > (await inbox.room())) throw noSpace
  }

  async #finish(id: string, metadata: Metadata): Promise<Kept> {
    const { inbox, folderOf } = this.#options
    const file = join(inbox.resumable, id)
    const folder = await folderOf(metadata)
    if (folder === undefined) throw refusal(404, 'There is no such folder any more.')
    const kept = await inbox
      .keep(file, { folder, name: metadata['filename'] ?? '', exact: false })
      .catch((error: unknown) => {
        throw codeOf(error) === 'ENOSPC'
          ? noSpace
          : refusal(409, `The file cannot be kept: ${reasonOf(error)}.`)
      })
    const finished: Finished = { name: kept.name, size: kept.size }
    await writeFile(this.#noteOf(id), JSON.stringify(finished)).catch(() => {})
    await rm(join(inbox.resumable, `${id}.json`), { force: true }).catch(() => {})
    await this.#options.kept?.(kept, metadata)
    return kept
  }

  async #recall(id: string): Promise<Finished | undefined> {
    try {
      return JSON.parse(await readFile(this.#noteOf(id), 'utf8')) as Finished
    } catch {
      return undefined
    }
  }

  #noteOf(id: string): string {
    return join(this.#options.inbox.workshop, `finished-${id}`)
  }
}

function answerTo({ name, size }: Finished): Response {
  return new Response(null, {
    headers: {
      'Tus-Resumable': '1.0.0',
      'Upload-Offset': String(size),
      'Upload-Length': String(size),
      [nameField]: encodeURIComponent(name),
      'Cache-Control': 'no-store',
    },
  })
}

function refusal(status: number, text: string): { status_code: number; body: string } {
  return { status_code: status, body: `${text}\n` }
}

const noSpace = refusal(507, 'There is no space left on the server.')
