import { ProtocolError, SocketError, type SocketErrorOptions } from '@fairlead/core'

import { CodecError } from './codec/index.ts'

/** Somebody did not speak HTTP; `statusHint` is the status that says so (RFC 9110 section 15). */
export class HttpProtocolError extends ProtocolError {
  readonly statusHint: number

  constructor(
    message: string,
    options: SocketErrorOptions & { side: 'local' | 'remote'; statusHint: number },
  ) {
    super(message, { code: 'ERR_FAIRLEAD_HTTP', ...options })
    this.statusHint = options.statusHint
  }
}

/** The codec's own error in the words of core. */
export function protocolErrorOf(error: unknown): SocketError {
  if (!(error instanceof CodecError)) return SocketError.from(error, 'Cannot read message')
  const { message, code, statusHint } = error
  return new HttpProtocolError(message, { side: 'remote', code, statusHint, cause: error })
}
