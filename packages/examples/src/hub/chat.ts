import { type ByteConnection, lines, type Listener, type MessageConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'

import type { Room } from './room.ts'
import type { Secret } from './secret.ts'

/** What it takes to open the room to terminals. */
export interface ChatOptions {
  host: string
  port: number
  room: Room
  /** Asked for as the first line. */
  secret?: Secret | undefined
  /** Milliseconds that a newcomer may take to tell it. Default 10,000. */
  patience?: number
}

/** Room for terminals, and too few to harm anybody. */
const maxConnections = 500

/** Listens for terminals: `nc HOST PORT`, and type. */
export function openChat(options: ChatOptions): Promise<Listener<ByteConnection>> {
  const { host, port, room, secret, patience = 10_000 } = options
  return tcp.listen({ host, port, maxConnections }, async (stream) => {
    const connection = lines(stream)
    // What an accept callback leaves without a reader is closed.
    if (secret === undefined || (await knows(secret, connection, patience))) await room.join(connection)
  })
}

async function knows(
  secret: Secret,
  connection: MessageConnection<string>,
  patience: number,
): Promise<boolean> {
  const timer = setTimeout(() => connection.destroy(), patience)
  try {
    await connection.send('* token?')
    // The first line decides. Leaving the loop keeps what came behind it for the room.
    for await (const line of connection) {
      if (secret.matches(line.trim())) return true
      await connection.send('* wrong token')
      return false
    }
    return false
  } finally {
    clearTimeout(timer)
  }
}
