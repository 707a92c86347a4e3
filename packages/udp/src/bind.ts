import { channels } from '@fairlead/core/transport'

import { BoundSocket } from './bound-socket.ts'
import { checkSocketOptions } from './checks.ts'
import { openBound } from './opening/open-bound.ts'
import { type BindOptions, defaultSendQueue, defaultSocketQueue } from './options.ts'
import { queueOptions } from './queue/quota.ts'
import type { UdpSocket } from './socket.ts'
import { Counters } from './stats.ts'

/**
 * Binds a UDP socket, to loopback unless told otherwise. Nothing is delivered before the socket is handled
 * or iterated; what comes until then waits in its receive queue. Whoever called owns it.
 *
 * @returns a socket that is bound; its `address` names the port that the system chose.
 * @throws TypeError or RangeError that names the option; ListenError when the address cannot be had;
 *   TimeoutError with phase `dns` when a name does not resolve in 10 seconds; `signal.reason` when aborted.
 * @example
 * ```ts
 * const socket = await bind({ port: 7000 })
 * socket.handle({
 *   onDatagram: (data, from) => console.log(`${data.length} bytes from ${from.host}`),
 * })
 * ```
 */
export async function bind(options: BindOptions = {}): Promise<UdpSocket> {
  checkSocketOptions('bind', options, 0)
  const counters = new Counters()
  const opened = await openBound(options, counters)
  const sendQueue = queueOptions(defaultSendQueue, options.sendQueue)
  const receiveQueue = queueOptions(defaultSocketQueue, options.receiveQueue)
  const { lookup } = options
  const socket = new BoundSocket({ ...opened, counters, sendQueue, receiveQueue, lookup })
  if (channels.bind.hasSubscribers) channels.bind.publish({ socket })
  return socket
}
