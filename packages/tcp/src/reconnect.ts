/**
 * A TCP client that connects again when its connection is lost.
 *
 * @packageDocumentation
 */
import {
  type OnConnection,
  reconnect as reconnectBy,
  type ReconnectingClient,
  type ReconnectOptions as AnyReconnectOptions,
} from '@fairlead/core/reconnect'

import { checkConnect, type ConnectOptions } from './connect-options.ts'
import { connect } from './connect.ts'
import type { StreamConnection } from './stream.ts'

export type { BackoffOptions, OnConnection, ReconnectingClient } from '@fairlead/core/reconnect'

/** Whom to connect to, and how to go on connecting. */
export interface ReconnectOptions extends ConnectOptions, AnyReconnectOptions {
  /** Ends the attempts. A connection that stands is left alone, and is the last one. */
  signal?: AbortSignal
}

/**
 * Connects over TCP or to a Unix socket, and connects again for as long as the client is open. The first
 * attempt is made at once; the client is usable from the start, and is closed by whoever made it.
 *
 * `onConnection` is called for each connection, as an accept callback is; without it, iterate the client.
 * Nothing is sent twice: see {@link ReconnectingClient.send} for the fate of what is under way.
 *
 * @returns the client, which is closed with the last error as its reason when it gave up.
 * @throws TypeError or RangeError that names the option; `signal.reason` when aborted already.
 * @example
 * ```ts
 * const client = reconnect({ port: 7000, backoff: { cap: 10_000 } }, (connection) => {
 *   connection.write('hello\n')
 *   return { onData: (chunk) => console.log(Buffer.from(chunk).toString()) }
 * })
 * await client.closed
 * ```
 */
export function reconnect(
  options: ReconnectOptions,
  onConnection?: OnConnection<StreamConnection>,
): ReconnectingClient<StreamConnection> {
  checkConnect(options)
  return reconnectBy(({ signal }) => connect({ ...options, signal }), options, onConnection)
}
