import { type Address, BrokenError, formatAddress, ListenError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

/** Errors stand on errors, and some in a circle. */
const deepest = 8

/** The code that the system or OpenSSL gave, however many errors stand on it; else the outermost there is. */
export function rootCodeOf(error: unknown): string {
  let root = codeOf(error)
  for (let cause = error, depth = 0; cause instanceof Error && depth < deepest; depth++) {
    cause = cause.cause
    const code = codeOf(cause)
    if (code !== '' && !code.startsWith('ERR_FAIRLEAD_')) root = code
  }
  return root
}

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
