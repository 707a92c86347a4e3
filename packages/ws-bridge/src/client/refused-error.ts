import { ConnectError, type SocketErrorOptions } from '@fairlead/core'
import type { Fields } from '@fairlead/http'

/** What the server answered. */
export interface Answered {
  readonly status: number
  readonly headers: Fields
}

/**
 * The server answered a handshake with a status of its own. `retryable` for one that may pass: 408, 425, 429 and all from
 * 500 on; any other would be the same again. Redirects are not followed, as browsers follow none (RFC 6455 section 4.1).
 *
 * @example
 * ```ts
 * try {
 *   await connect('ws://127.0.0.1:8080/chat')
 * } catch (error) {
 *   if (error instanceof RefusedError && error.status === 401) console.log('who are you?')
 * }
 * ```
 */
export class RefusedError extends ConnectError {
  readonly status: number
  readonly headers: Fields

  constructor(message: string, { status, headers }: Answered, options: SocketErrorOptions = {}) {
    super(message, {
      code: 'ERR_FAIRLEAD_WEBSOCKET_REFUSED',
      phase: 'handshake',
      retryable: mayPass(status),
      ...options,
    })
    this.status = status
    this.headers = headers
  }
}

/** Whether the same handshake may be answered otherwise later. */
function mayPass(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500
}
