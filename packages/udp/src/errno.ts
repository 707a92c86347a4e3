import { type Address, BrokenError, formatAddress, type SocketError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

/** ICMP's "port unreachable", as the system reports it on a connected socket. */
export function isRefusal(error: unknown): boolean {
  return codeOf(error) === 'ECONNREFUSED'
}

/** A datagram that did not leave, or that nobody took. */
export function sendErrorOf(error: unknown, peer: Address | undefined): SocketError {
  const hint = codeOf(error) === 'EACCES' ? ' (a broadcast address needs the option broadcast)' : ''
  const to = peer ? ` to ${formatAddress(peer)}` : ''
  return new BrokenError(`Cannot send${to}: ${reasonOf(error)}${hint}`, {
    phase: 'write',
    ...(peer && { peer }),
    retryable: isRefusal(error),
    cause: error,
  })
}

/** What the system reports about a socket without saying which datagram it is about. */
export function receiveErrorOf(error: unknown): SocketError {
  return new BrokenError(`Cannot receive: ${reasonOf(error)}`, { phase: 'read', cause: error })
}
