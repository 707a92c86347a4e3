import type { IpAddress } from './address/datagram.ts'
import { checkSocketOptions } from './checks.ts'
import { openConnected } from './opening/open-connected.ts'
import { type ConnectOptions, defaultConnectTimeout, defaultHost } from './options.ts'
import type { UdpConnection } from './session/connection.ts'
import { converse } from './session/conversation.ts'
import { Counters } from './stats.ts'

/**
 * Makes a conversation with one peer, on a socket that the kernel connects to it: sending costs less, others
 * are not heard, and a refusal by ICMP is learned of. Nothing is sent by this, so a peer that is not there
 * shows only when something was: `onTrouble` is told and the connection goes on, and the datagram that met
 * the refusal of an earlier one is sent once more. Whoever called owns the connection.
 *
 * With `validation: 'cookie'` it resolves when the listener has made a session for it. Should the listener not
 * know it later (it was restarted, or the session gave way or was idle), it validates itself again by itself;
 * messages sent until then are lost, and the listener's session is a new one.
 *
 * @throws TypeError or RangeError that names the option; ConnectError when the name or the network is not
 *   known, and with validation when nobody listens or the listener has no room; TimeoutError with phase `dns`
 *   or `handshake` when that is not done in time; `signal.reason` when aborted.
 * @example
 * ```ts
 * const peer = await connect({ port: 7000, messages: 'text' })
 * await peer.send('ahoy')
 * for await (const answer of peer) console.log(answer)
 * ```
 */
export function connect(options: ConnectOptions & { messages: 'text' }): Promise<UdpConnection<string>>
export function connect(options: ConnectOptions & { messages?: 'binary' }): Promise<UdpConnection<Uint8Array>>
export async function connect<M>(options: ConnectOptions): Promise<UdpConnection<M>> {
  checkSocketOptions('connect', options, 1)
  const { host = defaultHost, zone, connectTimeout = defaultConnectTimeout } = options
  const since = performance.now()
  const counters = new Counters()
  const where = zone === undefined ? host : `${host}%${zone}`
  const opened = await openConnected({ ...options, host: where, timeout: connectTimeout }, counters)
  return converse<M, IpAddress>(opened, options, counters, performance.now() - since)
}
