import type { Accept } from '@fairlead/core'
import { checkFunction } from '@fairlead/core/transport'

import type { IpAddress } from './address/datagram.ts'
import { checkSocketOptions } from './checks.ts'
import { openBound } from './opening/open-bound.ts'
import type { ListenOptions } from './options.ts'
import { SessionListener, type UdpListener } from './session/listener.ts'
import type { UdpSession } from './session/session.ts'
import { Counters } from './stats.ts'

/**
 * Listens for peers over UDP: one session for each remote address, from its first datagram until it is idle
 * for too long. `accept` is called once for each, with that datagram waiting (with `validation: 'cookie'` before
 * there is one); without `accept`, iterate the listener. The listener is closed by whoever made it.
 *
 * @returns a listener that accepts already; its `address` names the port that the system chose.
 * @throws TypeError or RangeError that names the option; ListenError when the address cannot be had;
 *   TimeoutError with phase `dns` when a name does not resolve in 10 seconds; `signal.reason` when aborted.
 * @example
 * ```ts
 * const listener = await listen({ port: 7000, messages: 'text' }, async (session) => {
 *   for await (const message of session) await session.send(message)
 * })
 * ```
 */
export function listen(
  options: ListenOptions & { messages: 'text' },
  accept?: Accept<UdpSession<string>, string>,
): Promise<UdpListener<string>>
export function listen(
  options?: ListenOptions & { messages?: 'binary' },
  accept?: Accept<UdpSession<Uint8Array>, Uint8Array>,
): Promise<UdpListener<Uint8Array>>
export async function listen<M>(
  options: ListenOptions = {},
  accept?: Accept<UdpSession<M>, M>,
): Promise<UdpListener<M>> {
  checkSocketOptions('listen', options, 0)
  checkFunction('accept', accept)
  const counters = new Counters()
  return new SessionListener<M, IpAddress>(
    options,
    await openBound(options, counters, 'listen on'),
    counters,
    accept,
  )
}
