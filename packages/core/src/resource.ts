import type { SocketError } from './errors.ts'

/**
 * The life of every resource, one way only:
 *
 * ```text
 *   open ──close()──▶ closing ──peer done, or grace over──▶ closed
 *     └───────────────destroy(), or the link broke───────────▲
 * ```
 */
export type ResourceState = 'open' | 'closing' | 'closed'

/** The part of a conversation that a {@link TimeoutError} or a timeout {@link CloseReason} is about. */
export type TimeoutPhase =
  | 'dns'
  | 'connect'
  | 'tls'
  | 'handshake'
  | 'headers'
  | 'body'
  | 'handler'
  | 'read'
  | 'write'
  | 'idle'
  | 'total'
  | 'close'

/**
 * Why a resource is closed.
 *
 * - `local`: this side asked for it, or ended first; `remote`: the peer did.
 * - `shutdown`: the listener that owned the connection was closed.
 * - `handover`: the socket went to another owner.
 * - `timeout`: a deadline passed; `phase` says which.
 * - `error`: somebody or something broke it.
 *
 * `code` and `text` are WebSocket's close code and reason (RFC 6455 section 7.4).
 */
export type CloseReason =
  | { kind: 'local' | 'remote' | 'shutdown' | 'handover'; code?: number; text?: string }
  | { kind: 'timeout'; phase: TimeoutPhase }
  | { kind: 'error'; error: SocketError }

/** How politely {@link Resource.close} goes about it. */
export interface CloseOptions {
  /** Milliseconds that unfinished work may take before it is cut off. */
  grace?: number
  /** Cancels the waiting, not the closing: the returned promise rejects with `signal.reason`. */
  signal?: AbortSignal
}

/** Anything with a beginning and one end: a connection, a listener, a datagram socket. */
export interface Resource extends AsyncDisposable {
  /** Only ever goes on: open, closing, closed. */
  readonly state: ResourceState
  /** Resolves once, with the reason, when the resource is closed. Never rejects. */
  readonly closed: Promise<CloseReason>
  /**
   * Closes politely: finishes what was written, tells the peer, waits for it up to `grace`, then cuts.
   * May be repeated; resolves when the resource is closed, however that came about.
   */
  close(options?: CloseOptions): Promise<void>
  /** Closes now and drops what is unfinished. May be repeated, and may follow `close`. */
  destroy(error?: Error): void
}
