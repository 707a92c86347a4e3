import { createSocket, type SocketOptions as SocketConfig } from 'node:dgram'

import { formatAddress, ListenError, type SocketError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

import { wireHost } from '../address/wire.ts'
import { defaultConnectTimeout, defaultHost, type SocketOptions } from '../options.ts'
import type { Counters } from '../stats.ts'
import { addressesOf, equipped, type OpenedSocket, quiet, settled, typeOf } from './opening.ts'
import { requireReusePort } from './reuse-port.ts'

/** Binds a socket. @throws ListenError, TimeoutError with phase `dns`, `signal.reason`. */
export async function openBound(
  options: SocketOptions,
  counters: Counters,
  attempt: 'bind' | 'listen on' = 'bind',
): Promise<OpenedSocket> {
  const { host = defaultHost, port = 0, signal, lookup: ask } = options
  const { reuseAddr = false, reusePort = false, ipv6Only = false } = options
  const refuse = (error: unknown, where: string): SocketError =>
    new ListenError(`Cannot ${attempt} ${where}: ${reasonOf(error)}`, {
      phase: 'bind',
      retryable: codeOf(error) === 'EADDRINUSE',
      cause: error,
    })
  const [address] = await addressesOf({
    host,
    port,
    timeout: defaultConnectTimeout,
    signal,
    lookup: ask,
    refuse,
  })
  if (reusePort) await requireReusePort()
  const { family } = address
  // Only vetted literals come here. The runtime's default would ask the resolver in a later tick: it would
  // read the bytes late, mix up the order, and never call back on a socket closed meanwhile.
  const lookup: SocketConfig['lookup'] = (literal, _options, callback) => callback(null, literal, family)
  // Types of Node 20 know nothing of it.
  const sharing = reusePort ? ({ reusePort } as object) : {}
  const socket = quiet(createSocket({ type: typeOf(address), reuseAddr, ipv6Only, lookup, ...sharing }))
  // One worker's socket: sessions shared out among the workers of a cluster would be torn apart.
  const place = { port, address: wireHost(address), exclusive: true }
  await settled(socket, (done) => socket.bind(place, done)).catch((error: unknown) => {
    throw refuse(error, formatAddress(address))
  })
  const isDual = address.host === '::' && !ipv6Only
  return equipped(socket, isDual ? [6, 4] : [family], options, counters, ListenError)
}
