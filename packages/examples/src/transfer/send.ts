import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { type ByteConnection, lines, SocketError } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import { piecesOf } from '../files/pieces.ts'
import { reasonOf } from '../reason.ts'
import { digestOf, hear, progress, receipt, say } from './protocol.ts'

export interface SendOptions {
  path: string
  host: string
  port: number
  /** Milliseconds without progress after which it tries no more. */
  patience: number
  waiting?(): void
  begun?(size: number, have: number): void
  grown?(have: number): void
}

/** Sends a file, even when the receiver goes and comes back; resolves with the name under which it is stored. */
export async function send({ path, host, port, patience, ...tell }: SendOptions): Promise<string> {
  const unreadable = (error: unknown): never => {
    throw new Error(`Cannot read ${path}: ${reasonOf(error)}`, { cause: error })
  }
  await using file = await open(path).catch(unreadable)
  const { size, mtimeMs } = await file.stat()
  const sha256 = await digestOf(file).catch(unreadable)

  let giveUpAt = performance.now() + patience
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      // What befalls a connection may pass; a refusal, or trouble with the file, does not.
      if (!SocketError.is(error) || performance.now() > giveUpAt) throw error
      tell.waiting?.()
      await setTimeout(250)
    }
  }

  async function attempt(): Promise<string> {
    // Not in the loop above: esbuild, which builds this, takes an error of one round into the next there.
    await using connection = await tcp.connect({ host, port })
    const talk = lines(connection)
    await say(talk, { send: basename(path), size, sha256 })
    const { have } = await hear(talk, progress)
    tell.begun?.(size, have)
    // Both at once, so that a refusal in the middle is heard.
    const [{ stored }] = await Promise.all([hear(talk, receipt), sendRest(connection, have)])
    return stored
  }

  async function sendRest(connection: ByteConnection, have: number): Promise<void> {
    for await (const piece of piecesOf(file, have, size)) {
      if ((await file.stat()).mtimeMs !== mtimeMs) throw new Error(`${path} changed while it was sent`)
      await connection.send(piece)
      have += piece.length
      tell.grown?.(have)
      giveUpAt = performance.now() + patience
    }
  }
}
