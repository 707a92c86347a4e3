import { type Address, BrokenError, formatAddress, ListenError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

/** The end of a connection that the peer or the network broke. */
export function brokenBy(error: Error, peer: Address): BrokenError {
  return new BrokenError(`Connection broken: ${reasonOf(error)}`, { peer, cause: error })
}

/** An address that could not be listened on. */
export function listenErrorOf(error: unknown, where: string | Address): ListenError {
  const address = typeof where === 'string' ? where : formatAddress(where)
  return new ListenError(`Cannot listen on ${address}: ${reasonOf(error)}`, {
    cause: error,
    retryable: codeOf(error) === 'EADDRINUSE',
  })
}
