/**
 * Connections that come back: any way to connect, made again with back-off when it fails or its connection is
 * lost.
 *
 * @packageDocumentation
 */
import type { Connection } from './connection.ts'
import type { Connect, OnConnection, ReconnectingClient } from './reconnect/client.ts'
import { type ReconnectOptions, reconnectSettings } from './reconnect/options.ts'
import { Reconnector } from './reconnect/reconnector.ts'

export { Backoff, type BackoffOptions } from './backoff.ts'
export type { Connect, InputOf, OnConnection, OutputOf, ReconnectingClient } from './reconnect/client.ts'
export type { ReconnectOptions } from './reconnect/options.ts'

/**
 * Connects, and connects again for as long as the client is open. The first attempt is made at once; the
 * client is usable from the start, and is closed by whoever made it.
 *
 * `connect` is any way to a connection: over TCP or TLS, framed, WebSocket, in memory. It is given a signal
 * that it should mind; a connection that comes after the client ended is destroyed. `onConnection` is called
 * for each connection; without it, iterate the client.
 *
 * @returns the client, which is closed with the last error as its reason when it gave up.
 * @throws TypeError or RangeError that names the option; `signal.reason` when aborted already.
 * @example
 * ```ts
 * import * as tcp from '@fairlead/tcp'
 *
 * const client = reconnect(
 *   async ({ signal }) => lines(await tcp.connect({ port: 7000, signal })),
 *   { onRetry: (delay) => console.log(`again in ${delay} ms`) },
 *   async (connection) => {
 *     connection.write('hello')
 *     for await (const line of connection) console.log(line)
 *   },
 * )
 * await client.closed
 * ```
 */
export function reconnect<C extends Connection<unknown>>(
  connect: Connect<C>,
  options: ReconnectOptions = {},
  onConnection?: OnConnection<C>,
): ReconnectingClient<C> {
  if (typeof connect !== 'function') throw new TypeError('Cannot reconnect: connect must be a function')
  const settings = reconnectSettings(options)
  settings.signal?.throwIfAborted()
  return new Reconnector(connect, settings, onConnection)
}
