import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { BrokenError, type FramedConnection, lines, SocketError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import { prepareFolder } from '../files/folders.ts'
import { safeName } from '../files/names.ts'
import { place } from '../files/place.ts'
import { reasonOf } from '../reason.ts'
import { digestOf, hear, offer, say } from './protocol.ts'

export interface ReceiveOptions {
  host: string
  port: number
  folder: string
  begun?(name: string, size: number, have: number): void
  grown?(have: number): void
  stored?(name: string): void
  failed?(reason: string): void
}

/** How a part is opened: made if need be, and never through a link. */
const careful = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

/** Listens for senders, and puts what they send into a folder. */
export async function receive({ host, port, folder, ...tell }: ReceiveOptions) {
  const workshop = await prepareFolder(folder)
  /** The parts that are being written. */
  const busy = new Set<string>()

  return tcp.listen({ host, port }, async (stream) => {
    const talk = lines(stream)
    const silence = setTimeout(() => talk.destroy(new Error('the sender fell silent')), 60_000).unref()
    try {
      await store(talk, silence)
    } catch (error) {
      tell.failed?.(reasonOf(error))
      // A sender whose connection broke may come back for the rest; any other is told that there is no use.
      if (SocketError.is(error)) throw error
      await say(talk, { refused: reasonOf(error) })
    } finally {
      clearTimeout(silence)
    }
  })

  async function store(talk: FramedConnection<string>, silence: NodeJS.Timeout): Promise<void> {
    const { send, size, sha256 } = await hear(talk, offer)
    if (!Number.isSafeInteger(size) || size < 0) throw new Error('that is no size')
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('that is no SHA-256')
    const name = safeName(send)
    // Called after the digest of the whole, a part can only ever be a part of this content.
    const part = join(workshop, `${sha256}.part`)
    if (busy.has(part)) throw new Error(`${name} is being received already`)
    busy.add(part)
    try {
      await using file = await open(part, careful)
      const { size: have } = await file.stat()
      await say(talk, { have })
      tell.begun?.(name, size, have)
      await fill(file, have, size, talk, silence)
      clearTimeout(silence)
      if ((await digestOf(file)) !== sha256) {
        await rm(part)
        throw new Error('what arrived is not what was sent, and was thrown away')
      }
      await file.sync()
      const stored = await place(part, folder, name)
      await say(talk, { stored })
      tell.stored?.(stored)
    } finally {
      busy.delete(part)
    }
  }

  async function fill(
    file: FileHandle,
    have: number,
    size: number,
    talk: FramedConnection<string>,
    silence: NodeJS.Timeout,
  ) {
    for await (const chunk of content(talk)) {
      const piece = chunk.subarray(0, Math.max(0, size - have))
      await write(file, piece, have)
      have += piece.length
      tell.grown?.(have)
      if (have >= size) break
      silence.refresh()
    }
    if (have < size) throw new BrokenError('Connection broken: the sender left')
  }
}

/** There are no lines from here on: what was read behind the last one, and what comes. */
async function* content(talk: FramedConnection<string>): AsyncGenerator<Uint8Array, void> {
  const { connection, head } = talk.unframe()
  yield head
  yield* connection
}

/** The whole piece: the system may take less at a time. */
async function write(file: FileHandle, piece: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < piece.length;) {
    done += (await file.write(piece, done, piece.length - done, at + done)).bytesWritten
  }
}
