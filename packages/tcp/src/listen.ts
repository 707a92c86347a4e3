import type { Accept } from '@fairlead/core'
import { checkFunction, unlessAborted } from '@fairlead/core/transport'

import { checkListen, type ListenOptions } from './listen-options.ts'
import { TcpListener } from './listener.ts'
import type { StreamConnection, StreamListener } from './stream.ts'

/**
 * Listens for connections over TCP, on a Unix socket, or on a socket that was inherited. `accept` is called once
 * for each; without it, iterate the listener. The listener is closed by whoever made it.
 *
 * The file of a Unix socket that nobody listens on any more is replaced; one that somebody listens on never is.
 *
 * @returns a listener that accepts already; its `address` names the port the system chose.
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had,
 *   `signal.reason` when aborted.
 * @example
 * ```ts
 * const listener = await listen({ port: 7000 }, (connection) => ({
 *   onData: (chunk) => void connection.write(chunk),
 * }))
 * ```
 */
export async function listen(
  options: ListenOptions,
  accept?: Accept<StreamConnection, Uint8Array>,
): Promise<StreamListener> {
  checkListen(options)
  checkFunction('accept', accept)
  const { signal } = options
  signal?.throwIfAborted()
  const listener = new TcpListener(options, accept)
  const started = listener.relisten()
  if (!signal) {
    await started
    return listener
  }
  try {
    await unlessAborted(started, signal)
  } catch (error) {
    // What is still under way ends in nobody's hands.
    started.then(
      () => listener.destroy(),
      () => {},
    )
    throw error
  }
  return listener
}
