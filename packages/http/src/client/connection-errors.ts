import { BrokenError, ClosedError, type CloseReason, TimeoutError } from '@fairlead/core'

import { HttpProtocolError } from '../errors.ts'

export function abandoned(): ClosedError {
  return new ClosedError('Cannot read: it was abandoned')
}

export function unanswered(): BrokenError {
  return new BrokenError('The server closed the connection before it answered', { phase: 'headers' })
}

export function unwanted(): BrokenError {
  return new BrokenError('The server closed the connection before it took the body', { phase: 'write' })
}

export function unasked(): HttpProtocolError {
  return unexpected('bytes came that answer no request')
}

export function unexpected(what: string): HttpProtocolError {
  return new HttpProtocolError(`Cannot read message: ${what}`, {
    side: 'remote',
    statusHint: 502,
    code: 'ERR_FAIRLEAD_HTTP_UNEXPECTED',
  })
}

/** What a request hears of the end of its connection. */
export function errorOf(reason: CloseReason): Error {
  switch (reason.kind) {
    case 'error':
      return reason.error
    case 'timeout':
      return new TimeoutError(`${reason.phase} timeout`, { phase: reason.phase })
    case 'remote':
      return new BrokenError('The server closed the connection')
    case 'local':
    case 'shutdown':
    case 'handover':
    default:
      return new ClosedError('The connection was closed')
  }
}
