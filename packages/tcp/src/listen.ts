import type { Accept, ByteConnection, Listener } from '@fairlead/core'

import { TcpListener } from './listener.ts'
import { checkEndpoint, checkPositive, type ListenOptions } from './options.ts'

/**
 * Listens for TCP connections. `accept` is called once for each; without it, iterate the listener. The
 * listener is closed by whoever made it.
 *
 * @returns a listener that accepts already; its `address` names the port the system chose.
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had.
 * @example
 * ```ts
 * const listener = await listen({ port: 7000 }, (connection) => ({
 *   onData: (chunk) => void connection.write(chunk),
 * }))
 * ```
 */
export async function listen(
  options: ListenOptions,
  accept?: Accept<ByteConnection, Uint8Array>,
): Promise<Listener<ByteConnection>> {
  checkEndpoint(options, 0)
  if (options.backlog !== undefined) checkPositive('backlog', options.backlog)
  if (options.maxConnections !== undefined) checkPositive('maxConnections', options.maxConnections)
  const listener = new TcpListener(options, accept)
  await listener.relisten()
  return listener
}
