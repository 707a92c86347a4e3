import { checkFarewell } from '../close-codes.ts'

/** What a {@link WebSocketError} tells beside its message. */
export interface WebSocketErrorOptions {
  /** The status code of the Close frame (RFC 6455 section 7.4); 1006 where there was none. */
  closeCode?: number
  /** Why, for the peer's program. */
  reason?: string
  /** The error underneath. */
  cause?: unknown
}

/**
 * Why a WebSocket ended that did not end well: what the streams of a `WebSocketStream` fail with. Given to the `abort` or
 * `cancel` of one of them, it says what the Close frame says.
 *
 * @example
 * ```ts
 * await writer.abort(new WebSocketError('no room', { closeCode: 4001, reason: 'the room is full' }))
 * ```
 */
export class WebSocketError extends DOMException {
  readonly closeCode: number | null
  readonly reason: string

  constructor(message = '', { closeCode, reason = '', cause }: WebSocketErrorOptions = {}) {
    super(message, 'WebSocketError')
    this.closeCode = closeCode ?? null
    this.reason = reason
    if (cause !== undefined) Object.defineProperty(this, 'cause', { value: cause })
  }
}

/** What a Close frame says because of `reason`: nothing, unless it is a WebSocketError, of whatever make, that can be said. */
export function farewellOf(reason: unknown): { code?: number; text?: string } {
  const { name, closeCode, reason: text = '' } = Object(reason) as Partial<WebSocketError>
  if (name !== 'WebSocketError' || typeof text !== 'string') return {}
  try {
    const code = closeCode ?? 1000
    checkFarewell(code, text)
    return { code, text }
  } catch {
    return {}
  }
}
