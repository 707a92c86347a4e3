import { type Address, BrokenError, LimitError, ProtocolError, type SocketError } from '@fairlead/core'

/** What the peer did wrong, from an error of `ws`, which has closed with the code for it. */
export function faultOf(error: Error, peer: Address, maxPayload: number): SocketError {
  if ((error as { code?: string }).code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new LimitError(`Cannot read message: it exceeds maxPayload ${maxPayload}`, {
      limit: 'maxPayload',
      value: maxPayload,
      peer,
      cause: error,
    })
  }
  return new ProtocolError(`Cannot read message: ${error.message}`, { side: 'remote', peer, cause: error })
}

/** What broke the socket. */
export function lostBy(error: Error, peer: Address): BrokenError {
  return new BrokenError(`Connection broken: ${error.message}`, { peer, cause: error })
}
