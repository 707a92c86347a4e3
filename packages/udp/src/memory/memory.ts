import type { Accept } from '@fairlead/core'
import type { DatagramNetwork, MemoryAddress } from '@fairlead/core/memory'
import { checkSignal } from '@fairlead/core/transport'

import { checkSocketOptions } from '../checks.ts'
import type { SessionOptions } from '../options.ts'
import type { UdpConnection } from '../session/connection.ts'
import { type ConversationOptions, converse } from '../session/conversation.ts'
import { SessionListener, type UdpListener } from '../session/listener.ts'
import type { UdpSession } from '../session/session.ts'
import { Counters } from '../stats.ts'
import { openInMemory, openInMemoryTo } from './carrier.ts'

/** Options of `listen`: of sessions as over UDP, and where. */
export interface MemoryListenOptions extends SessionOptions {
  /** The name to listen on. */
  name: string
}

/** Options of `connect`: of a conversation as over UDP, and with whom. */
export interface MemoryConnectOptions extends ConversationOptions {
  /** The name of the peer. */
  to: string
  /** The name of this end. By default one that nobody has. */
  name?: string
}

let names = 0

/**
 * Listens for peers on a network in memory, as `listen` of `@fairlead/udp` does over UDP.
 *
 * @throws TypeError or RangeError that names the option, or the network; ListenError when the name is in use.
 * @example
 * ```ts
 * import { DatagramNetwork } from '@fairlead/core/memory'
 * import { connect, listen } from '@fairlead/udp/memory'
 *
 * const network = new DatagramNetwork({ loss: 0.1, reordering: 0.1 }, 7)
 * await listen(network, { name: 'echo', messages: 'text' }, (session) => ({
 *   onData: (message) => void session.write(message),
 * }))
 * const peer = await connect(network, { to: 'echo', messages: 'text' })
 * await peer.send('ahoy')
 * ```
 */
export function listen(
  network: DatagramNetwork,
  options: MemoryListenOptions & { messages: 'text' },
  accept?: Accept<UdpSession<string, MemoryAddress>, string>,
): Promise<UdpListener<string, MemoryAddress>>
export function listen(
  network: DatagramNetwork,
  options: MemoryListenOptions & { messages?: 'binary' },
  accept?: Accept<UdpSession<Uint8Array, MemoryAddress>, Uint8Array>,
): Promise<UdpListener<Uint8Array, MemoryAddress>>
export async function listen<M>(
  network: DatagramNetwork,
  options: MemoryListenOptions,
  accept?: Accept<UdpSession<M, MemoryAddress>, M>,
): Promise<UdpListener<M, MemoryAddress>> {
  checkNetwork('listen', network)
  checkSocketOptions('listen', options, 0)
  checkName('name', options.name)
  const opened = await openInMemory(network, options.name)
  return new SessionListener<M, MemoryAddress>(options, opened, new Counters(), accept)
}

/**
 * Makes a conversation with one peer on a network in memory, as `connect` of `@fairlead/udp` does over UDP.
 *
 * @throws TypeError or RangeError that names the option, or the network; ListenError when the name of this end is in
 *   use; with validation ConnectError and TimeoutError with phase `handshake`; `signal.reason` when aborted.
 */
export function connect(
  network: DatagramNetwork,
  options: MemoryConnectOptions & { messages: 'text' },
): Promise<UdpConnection<string, MemoryAddress>>
export function connect(
  network: DatagramNetwork,
  options: MemoryConnectOptions & { messages?: 'binary' },
): Promise<UdpConnection<Uint8Array, MemoryAddress>>
export async function connect<M>(
  network: DatagramNetwork,
  options: MemoryConnectOptions,
): Promise<UdpConnection<M, MemoryAddress>> {
  checkNetwork('connect', network)
  checkSocketOptions('connect', options, 0)
  checkName('to', options.to)
  const { to, name = `connection-${++names}`, signal } = options
  checkName('name', name)
  checkSignal(signal)
  signal?.throwIfAborted()
  return converse<M, MemoryAddress>(await openInMemoryTo(network, name, to), options, new Counters(), 0)
}

function checkNetwork(call: string, network: unknown): void {
  if (typeof (network as DatagramNetwork | undefined | null)?.bind === 'function') return
  throw new TypeError(`Invalid network of ${call}: must be a DatagramNetwork`)
}

function checkName(option: string, name: unknown): void {
  if (typeof name === 'string' && name !== '') return
  throw new TypeError(`Invalid option ${option}: must be a name`)
}
