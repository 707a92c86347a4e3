import type { CloseOptions, MessageConnection } from '@fairlead/core'

/** How to close a WebSocket. */
export interface WebSocketCloseOptions extends CloseOptions {
  /** The status code of the Close frame: 1000 to 1014, or 3000 to 4999. Default 1000. */
  code?: number
  /** Why, for the peer's program: at most 123 bytes. Default: nothing. */
  text?: string
}

/**
 * A conversation in WebSocket messages (RFC 6455). There is no half-close: a Close frame ends both directions. Bytes that
 * are written are the connection's from then on, as those of a socket are: change a copy.
 */
export interface WebSocketConnection<
  M extends string | Uint8Array = string | Uint8Array,
> extends MessageConnection<M> {
  /** The subprotocol that was agreed on; empty for none. */
  readonly protocol: string
  /** Whether permessage-deflate was agreed on (RFC 7692). */
  readonly compressed: boolean
  /** Milliseconds that the last ping took until it was answered; undefined before that. */
  readonly roundTrip: number | undefined
  /**
   * Asks the peer for a sign of life, beside the heartbeat. May be repeated.
   *
   * @returns milliseconds until the answer.
   * @throws ClosedError or BrokenError when the connection is over before; `signal.reason` when aborted.
   */
  ping(options?: { signal?: AbortSignal }): Promise<number>
  /**
   * Closes politely, with a Close frame behind what was written, and waits for the peer's. Behind the first call, `code`
   * and `text` are of no effect.
   *
   * @throws RangeError or TypeError that names the option.
   */
  close(options?: WebSocketCloseOptions): Promise<void>
}
