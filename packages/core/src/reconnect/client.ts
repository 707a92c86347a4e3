import type { Connection, ConnectionHandler } from '../connection.ts'
import type { Resource } from '../resource.ts'

/** What a connection brings. */
export type InputOf<C> = C extends Connection<infer In> ? In : never
/** What a connection takes. */
export type OutputOf<C> = C extends Connection<infer _, infer Out> ? Out : never

/** Makes one attempt; called again after each failure and each loss. Minds `signal`. */
export type Connect<C> = (options: { signal: AbortSignal }) => Promise<C>

/**
 * Called once for each connection, with the three returns of `Accept`. `attempt` is 1 for the first attempt of
 * all, and higher for each one made since a connection was last stable.
 */
export type OnConnection<C> = (
  connection: C,
  attempt: number,
) => ConnectionHandler<InputOf<C>> | Promise<ConnectionHandler<InputOf<C>> | void> | void

/**
 * A client that connects again when its connection is lost, for as long as it is open:
 *
 * ```text
 *   connecting ───────▶ connected
 *     ▲    │ failed          │ lost
 *     │    ▼                 │
 *    waiting ◀───────────────┘
 *          └──given up──▶ closed
 * ```
 *
 * Without an {@link OnConnection} callback it is iterated: `for await (const connection of client)` hands out
 * one connection after the other, and asking for the next closes the one before unless somebody reads it.
 * Iteration ends quietly when the client was closed, and throws when it gave up.
 *
 * However a connection ends, by this side or the other, it is followed by another one. Somebody must read each
 * connection: that is how its loss is noticed.
 */
export interface ReconnectingClient<C> extends Resource, AsyncIterable<C> {
  /** The connection that stands; undefined while connecting or waiting. */
  readonly connection: C | undefined
  /**
   * Sends on the connection that stands, at most once: what was handed to a connection that broke is never
   * sent again.
   *
   * - Handed over, and there was room: resolved. Whether the peer got it, only the peer can say.
   * - Handed over, and the connection broke before there was room: rejects with that connection's BrokenError.
   * - Not handed over, for there was no connection: rejects with a BrokenError that is `retryable`, or waits
   *   for one, as the option `whileDisconnected` says; what waits is sent in order, after what the callback
   *   itself sent at once, and rejects unsent when the client ends. A LimitError says that too much waits.
   *
   * `signal` ends the waiting, with `signal.reason`, not what was handed over.
   */
  send(data: OutputOf<C>, options?: { signal?: AbortSignal }): Promise<void>
}
