import type { Address } from './address.ts'
import type { ConnectionHandler } from './connection.ts'
import type { Resource } from './resource.ts'

/**
 * Called once for each new connection. It may return
 *
 * - a handler, which is installed (the hot path);
 * - a promise: a handler it resolves with is installed; when it resolves with nothing and no handler was
 *   installed, the connection is closed; when it rejects, the connection is destroyed;
 * - nothing: the connection was handled, or will be.
 *
 * Throwing destroys the connection. The listener goes on in every case.
 */
export type Accept<C, In> = (
  connection: C,
) => ConnectionHandler<In> | Promise<ConnectionHandler<In> | void> | void

/**
 * Waits for peers. Without an {@link Accept} callback it is iterated: `for await (const connection of listener)`.
 *
 * `close` stops accepting, tells every connection (`onShutdown`), waits up to `grace`, and destroys the rest.
 */
export interface Listener<C, Item = C> extends Resource, AsyncIterable<Item> {
  /** Where it listens, with the port that the system chose. */
  readonly address: Address
  /** False while suspended, and once closing. */
  readonly accepting: boolean
  /** Those that are there now: live, not a copy. */
  readonly connections: ReadonlySet<C>
  /** Stops listening; connections live on. Those still in the system's queue may be reset. */
  suspend(): Promise<void>
  /** Listens again on the same address. @throws ListenError when it cannot be had again. */
  resume(): Promise<void>
}

/** A way to reach oneself: what contract suites, in-process tests, pools and reconnecting clients take. */
export interface Transport<C, In> {
  listen(accept?: Accept<C, In>): Promise<Listener<C>>
  connect(options?: { signal?: AbortSignal }): Promise<C>
}
