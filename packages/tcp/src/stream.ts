import type { ByteConnection, Listener } from '@fairlead/core'

import type { Refusal } from './admission.ts'
import type { TlsServerOptions } from './tls/options.ts'

/** What passed over a connection. */
export interface ConnectionStats {
  /** Bytes received, read by anybody or not; under TLS, of what it carries. */
  readonly bytesIn: number
  /** Bytes handed to the system. */
  readonly bytesOut: number
}

/** A conversation over TCP, TLS or a Unix socket. */
export interface StreamConnection extends ByteConnection {
  /** A copy, as of now. */
  stats(): ConnectionStats
  /**
   * Lets the process end although this connection is open, as one that only waits in a pool should; while something
   * else keeps the process alive, nothing is different. The time limits of a connection never keep it alive, a `close`
   * under way does for its `grace`. Output that waits does on Node until it has left, elsewhere it may be lost with the
   * process: {@link ref} a connection before it is used again. Holds for TLS that comes on top, too. May be repeated,
   * which costs nothing; of no effect once closed.
   */
  unref(): void
  /** Keeps the process alive while this connection is open, as every connection does until {@link unref}. May be repeated. */
  ref(): void
}

/** A step at the very beginning of a connection, before anybody else reads or writes it; rejecting ends it. */
export type Prelude = (connection: StreamConnection) => Promise<void>

/** What a listener counted since it was made; a copy, which may be asked for as often as one likes. */
export interface ListenerStats {
  /** Connections that were given to whoever accepts. */
  readonly accepted: number
  /** Of these, how many are there now. */
  readonly open: number
  /** How many are on their way there: in a prelude or a TLS handshake. */
  readonly pending: number
  /** Peers that did not become connections, by the reason. */
  readonly refused: Readonly<Record<Refusal, number>>
}

/** Waits for connections over TCP, TLS or a Unix socket. */
export interface StreamListener extends Listener<StreamConnection> {
  /**
   * Puts other certificates and rules for TLS in the place of those there are, as a whole: connections and
   * handshakes under way keep theirs, sessions stay resumable. When they are no good this rejects with a TypeError
   * that names the option, and nothing changes.
   */
  setTls(options: TlsServerOptions): Promise<void>
  stats(): ListenerStats
}
