import { LimitError, type MessageConnection } from '@fairlead/core'
import { defaultHighWaterMark } from '@fairlead/core/transport'

import { WsConnection } from './connection.ts'
import { EncodedMessage } from './encoded-message.ts'
import type { MessageKind } from './messages.ts'

/** How to broadcast. */
export interface BroadcastOptions {
  /**
   * What becomes of a connection whose peer reads more slowly than is written, so that its output stands above the
   * high-water mark: the message waits with the others, up to `maxBuffered` (`'queue'`, the default); that connection
   * misses it (`'skip'`); or it is cut (`'close'`), and sees 1006: a Close
   * frame would have to wait, too.
   */
  whenSlow?: 'queue' | 'skip' | 'close'
}

/**
 * Sends one message to many connections. For WebSockets it is encoded once, and compressed once for all that agreed on the
 * same; what one turn sends to one of them leaves in one write. Connections of other transports may be among them.
 * Those that are closing are passed over, and one that fails costs itself alone.
 *
 * @returns how many took it.
 * @throws TypeError for what is no message, or an option that is none.
 * @example
 * ```ts
 * broadcast(listener.connections, 'ahoy, all of you')
 * ```
 */
export function broadcast<M extends string | Uint8Array>(
  connections: Iterable<MessageConnection<M>>,
  message: NoInfer<M>,
  options: BroadcastOptions = {},
): number {
  const { whenSlow = 'queue' } = options
  if (whenSlow !== 'queue' && whenSlow !== 'skip' && whenSlow !== 'close') {
    throw new TypeError(`Invalid option whenSlow: ${String(whenSlow)} is not 'queue', 'skip' or 'close'`)
  }
  if (typeof message !== 'string' && !((message as unknown) instanceof Uint8Array)) {
    throw new TypeError(`Cannot broadcast: ${typeof message} is neither text nor bytes`)
  }
  const encoded = new EncodedMessage(message)
  let taken = 0
  for (const connection of connections) if (give(connection, encoded, whenSlow)) taken++
  return taken
}

function give<M extends string | Uint8Array>(
  connection: MessageConnection<M>,
  encoded: EncodedMessage,
  whenSlow: BroadcastOptions['whenSlow'],
): boolean {
  if (connection.state !== 'open') return false
  const own =
    connection instanceof WsConnection ? (connection as unknown as WsConnection<MessageKind>) : undefined
  try {
    const slow = whenSlow !== 'queue' && (own ? own.slow : connection.buffered > defaultHighWaterMark)
    if (slow && whenSlow === 'close') connection.destroy(tooSlow(connection))
    if (slow) return false
    if (own) own.writeEncoded(encoded)
    else connection.write(encoded.message as M)
    return true
  } catch {
    // It is over, or just ended by what was too much for it; others go on.
    return false
  }
}

function tooSlow<M>({ buffered: value, remoteAddress: peer }: MessageConnection<M>): LimitError {
  const options = { limit: 'highWaterMark', value, phase: 'write', peer }
  return new LimitError('Connection closed: the peer reads too slowly', options)
}
