import { createSocket, type RemoteInfo } from 'node:dgram'

import { type ConnectAttempt, ConnectError, formatAddress } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

import { addressFrom, type IpAddress } from '../address/datagram.ts'
import type { ResolveOptions } from '../address/resolve.ts'
import { wireHost } from '../address/wire.ts'
import type { Opened } from '../carrier.ts'
import type { Counters } from '../stats.ts'
import { addressesOf, equipped, type OpenedSocket, quiet, settled, typeOf } from './opening.ts'
import type { TrafficOptions } from './socket-options.ts'

/** Whom to connect to, and how. */
interface ConnectedOptions extends ResolveOptions, TrafficOptions {
  readonly host: string
  readonly port: number
}

/**
 * Connects a socket in the kernel, to the first address of a host that the system knows a way to. That is found out at
 * once, and nothing is sent: so the addresses are tried one after the other.
 *
 * @throws ConnectError, TimeoutError with phase `dns`, `signal.reason`.
 */
export async function openConnected(
  options: ConnectedOptions,
  counters: Counters,
): Promise<OpenedSocket & Required<Opened<IpAddress>>> {
  const { host, port } = options
  const refuse = (cause: unknown, where: string, attempts: readonly ConnectAttempt[] = []): ConnectError =>
    new ConnectError(`Cannot connect to ${where}: ${reasonOf(cause)}`, { cause, attempts })
  const addresses = await addressesOf({ ...options, refuse })
  const attempts: ConnectAttempt[] = []
  let failure: unknown
  for (const address of addresses) {
    const since = performance.now()
    try {
      return await openTo(address, options, counters)
    } catch (error) {
      if (options.signal?.aborted || error instanceof ConnectError) throw error
      failure = error
      attempts.push({ address, phase: 'connect', code: codeOf(error), duration: performance.now() - since })
    }
  }
  const where = addresses.length === 1 ? formatAddress(addresses[0]) : `${host}:${port}`
  throw refuse(failure, where, attempts)
}

async function openTo(
  address: IpAddress,
  options: ConnectedOptions,
  counters: Counters,
): Promise<OpenedSocket & Required<Opened<IpAddress>>> {
  const { family, port } = address
  // The literal is looked up once, here; with a lookup that answers at once, Deno never says it is connected.
  const socket = quiet(createSocket(typeOf(address)))
  // Deno does not connect in the kernel: unless it is bound, its socket is open to the network, at no address of its own.
  if (isLoopback(address)) {
    await settled(socket, (done) => socket.bind({ address: address.host, exclusive: true }, done))
  }
  await settled(socket, (done) => socket.connect(port, wireHost(address), done))
  const opened = equipped(socket, [family], options, counters, ConnectError)
  const sender = socket.remoteAddress() as RemoteInfo
  return { ...opened, peer: { address: addressFrom(sender), sender } }
}

function isLoopback({ host }: IpAddress): boolean {
  return host === '127.0.0.1' || host === '::1'
}
