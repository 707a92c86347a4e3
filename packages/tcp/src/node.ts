/**
 * For code that needs a Node socket: lending it out, or giving it away.
 *
 * @packageDocumentation
 */
import type { Duplex } from 'node:stream'

import type { ByteConnection } from '@fairlead/core'
import { checkFunction, checkOptions } from '@fairlead/core/transport'

import { type LendOptions, TcpConnection } from './connection.ts'

export type { LendOptions } from './connection.ts'

/**
 * Lends the socket under a connection to code that needs a real Node Duplex. The connection keeps its life:
 * it stays in its listener's set, counts for its limits and hears its shutdown. Input goes to the borrower,
 * what was read and not delivered first. The Duplex comes paused: resume it when its listeners are in place.
 *
 * @throws TypeError when no Node socket is under `connection`.
 * @example
 * ```ts
 * const socket = lend(connection, { onShutdown: () => socket.end('bye') })
 * socket.on('data', (chunk) => socket.write(chunk)).resume()
 * ```
 */
export function lend(connection: ByteConnection, options: LendOptions = {}): Duplex {
  checkOptions('lend', options)
  for (const name of ['onShutdown', 'onDrain', 'onEnd'] as const) checkFunction(name, options[name])
  checkFunction('onClose', options.onClose)
  return TcpConnection.lend(tcpUnder(connection, 'lend'), options)
}

/**
 * Takes the socket out of its connection, for good: the connection is closed with reason `handover`, and the
 * caller owns the socket and its errors. `head` is what was read and not delivered.
 *
 * @throws TypeError when no Node socket is under `connection`, ClosedError when it is not open any more.
 * @example
 * ```ts
 * const { socket, head } = unwrap(connection)
 * legacyServer.emit('connection', socket)
 * ```
 */
export function unwrap(connection: ByteConnection): { socket: Duplex; head: Uint8Array } {
  return TcpConnection.unwrap(tcpUnder(connection, 'unwrap'))
}

function tcpUnder(connection: ByteConnection, attempt: string): TcpConnection {
  if (connection instanceof TcpConnection) return connection
  throw new TypeError(`Cannot ${attempt}: no Node socket is under this connection`)
}
