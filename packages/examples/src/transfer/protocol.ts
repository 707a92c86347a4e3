import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

import { BrokenError, type MessageConnection } from '@fairlead/core'

import { piecesOf } from '../files/pieces.ts'

/** What the sender begins with: the name of a file, its size in bytes, and its SHA-256 in hex. */
export const offer = { send: '', size: 0, sha256: '' }
/** How much of it the receiver has already: the sender goes on from there. */
export const progress = { have: 0 }
/** The receiver's last word: it has the file, whole and under this name. */
export const receipt = { stored: '' }

type Message = typeof offer | typeof progress | typeof receipt | { refused: string }

export function say(talk: MessageConnection<string>, message: Message): Promise<void> {
  return talk.send(JSON.stringify(message))
}

/** The next message, with the fields of `shape`. Throws a BrokenError only when the other side hung up. */
export async function hear<M extends Message>(talk: MessageConnection<string>, shape: M): Promise<M> {
  // Leaving the loop keeps what was not read for whoever reads next.
  for await (const line of talk) {
    const message = fieldsOf(line)
    if (typeof message['refused'] === 'string') throw new Error(message['refused'])
    for (const [field, example] of Object.entries(shape)) {
      if (typeof message[field] !== typeof example) throw new Error(`that is no message with ${field}`)
    }
    return message as M
  }
  throw new BrokenError('Connection broken: the other side hung up')
}

function fieldsOf(line: string): Record<string, unknown> {
  try {
    return { ...(JSON.parse(line) as object) }
  } catch {
    return {}
  }
}

/** The SHA-256 of a file, read from the disk. */
export async function digestOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const { size } = await file.stat()
  for await (const piece of piecesOf(file, 0, size)) hash.update(piece)
  return hash.digest('hex')
}
