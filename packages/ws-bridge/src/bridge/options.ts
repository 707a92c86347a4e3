import type { Exchange, HttpListener } from '@fairlead/http'
import type { ConnectOptions, ListenOptions, TlsClientOptions } from '@fairlead/tcp'
import type * as udp from '@fairlead/udp'

import type { WebSocketConnectOptions } from '../client/options.ts'
import type { GuardOptions } from '../guard/guard.ts'
import type { AllowedTargets } from '../guard/targets.ts'
import type { HandshakeRequest, Refusal } from '../handshake.ts'
import type { ConnectionOptions } from '../options.ts'

/**
 * What a bridge carries, and where. One side is WebSocket, the other TCP, TLS, a Unix socket or UDP, either way
 * round. All times are milliseconds.
 */
export interface BridgeOptions {
  /**
   * Where peers come in: `ws://host:port/path`, `wss://`, `tcp://host:port`, `tls://`, `unix:/path` or `udp://`; or
   * an HTTP listener that is there already, which stays as it is for all else and outlives the bridge. Port 0 lets the
   * system choose. The path `/` stands for every path.
   */
  from: string | BridgeServer
  /** Where each of them is led: an endpoint of the same schemes, or, for WebSockets, one by token. */
  to: string | TokenTargets
  /** How peers come in. */
  listen?: BridgeListenOptions
  /** How targets are connected to. */
  connect?: BridgeConnectOptions
  /**
   * How a WebSocket client hears that its target cannot be had. `'status'`: by the answer 502, 504 or 403, and there is
   * no WebSocket. `'close'`: by a Close frame with a code and a text, right behind the 101. A page sees nothing of an
   * answer that is no 101, only the code 1006; a program sees the status, and is not told first that it is connected.
   * `'auto'`: by Close for whoever says which page it is from (`Origin`), by status for all others. Default `'auto'`.
   *
   * What is wrong with the handshake itself (path, origin, token, no room) is always told by status.
   */
  unreachable?: 'auto' | 'status' | 'close'
  /**
   * What becomes of the end of a stream of bytes, when its other direction may go on. WebSocket has no half-close.
   * `'close'`: Close 1000 behind the last byte; what the WebSocket's peer sends from then on is dropped. `'wait'`: the
   * WebSocket is not told, and goes on being carried until its peer closes it, or nothing came for `lingerTimeout`: for
   * clients that end when they have asked, and wait for the answer. Default `'close'`.
   */
  halfClose?: 'close' | 'wait'
  /** How long nothing may come from either side and nothing leave. Default: for ever, and 30,000 from `udp://`. */
  idleTimeout?: number
  /** How long one crossing may last. Default: for ever. */
  totalTimeout?: number
  /** Bytes of the largest WebSocket message, in both directions; 1009 beyond. Default 1 MiB. */
  maxPayload?: number
  /**
   * What one side may take to finish when the other has ended: to read what it was sent and to say goodbye. Then it is
   * cut. Default 30,000.
   */
  lingerTimeout?: number
  /** Pings on the WebSocket side; see `listen` of this package. Default: every 30,000, answered within 30,000. */
  heartbeat?: ConnectionOptions['heartbeat']
  /** Compression of the WebSocket side (RFC 7692). Default false: what is carried is often compressed already. */
  compression?: ConnectionOptions['compression']
}

/** An HTTP listener to take WebSockets from. */
export interface BridgeServer {
  readonly server: HttpListener
  /** Only handshakes for this path. Default `/`: for every path. */
  readonly path?: string
}

/** A target for each token. */
export interface TokenTargets {
  /**
   * The targets: a map or an object of them by token; the path of a file of lines `token: host:port`, or of a folder of
   * such files, as `websockify` reads them; or a function. A target is an endpoint (`tcp://`, `tls://`, `unix:/path`,
   * `udp://`), `host:port` for TCP, or `unix_socket:/path`. A token without one is answered with 404.
   */
  readonly tokens: ReadonlyMap<string, string> | Readonly<Record<string, string>> | string | TargetOf
  /**
   * Where the token stands in the request: in the query parameter `token`, or in the one segment that follows the path
   * of `from`. Default `'query'`.
   */
  readonly by?: 'query' | 'path'
  /**
   * Whom a token may lead to, by its resolved address, which is the one that is connected to: no name is resolved a second
   * time. Default `'public'`: neither this machine nor its networks, nor a Unix socket.
   */
  readonly allow?: AllowedTargets
}

/**
 * The target for a token, which is empty when the request has none; undefined for a token that there is not, or no
 * longer: 404. What it throws, or rejects with, is answered with 500.
 */
export type TargetOf = (
  token: string,
  request: HandshakeRequest,
) => string | undefined | Promise<string | undefined>

/**
 * How peers come in. An option that means nothing where the bridge listens is refused: those of the guard, `authorize` and
 * `protocols` are for WebSockets; `tls` is for `wss://` and `tls://`, which need it; `allow`, `deny` and `acceptRate` are as
 * in `listen` of tcp, and not for a listener that is there already; `mode` is for `unix:`; `validation`, `maxAmplification`
 * (on loopback by default without limit), `maxUnvalidatedDatagrams` and `maxMessageSize` (default 65,507) are for `udp://`,
 * as in `listen` of udp.
 */
export interface BridgeListenOptions
  extends
    GuardOptions,
    Pick<ListenOptions, 'tls' | 'allow' | 'deny' | 'acceptRate' | 'mode' | 'maxConnectionsPerAddress'>,
    Pick<
      udp.ListenOptions,
      'validation' | 'maxAmplification' | 'maxUnvalidatedDatagrams' | 'maxMessageSize'
    > {
  /**
   * Peers at a time, those included whose target is still being connected to; 503 beyond. Over `tcp://` and the like it
   * is a reset; over `udp://` another session gives way, if one may. Default 10,000.
   */
  maxConnections?: number
  /** Of these, how many whose target is still being connected to. Default 1,000. */
  maxHandshakes?: number
  /** WebSocket: how long `authorize` and the token may take together; 504 beyond. Default 10,000. */
  authorizeTimeout?: number
  /** WebSocket: called before anything is connected to; what it returns is the answer instead of 101. */
  authorize?: (
    request: HandshakeRequest,
    exchange: Exchange,
  ) => Refusal | undefined | Promise<Refusal | undefined>
  /**
   * WebSocket: subprotocols that are spoken through the bridge. The first offered one that is in the list is agreed on; a
   * client that offers only others is answered with 400. Default `['binary']`, which noVNC offers.
   */
  protocols?: readonly string[]
}

/**
 * How targets are connected to. An option that means nothing to the target that stands in `to` is refused. `lookup` is not
 * for WebSockets and Unix sockets; `dnsTimeout`, `family`, `localAddress` and `keepAlive` are for `tcp://` and `tls://`,
 * `tlsTimeout` for `tls://`, `maxMessageSize` (default 65,507) for `udp://`, `headers`, `proxy` and `handshakeTimeout` for
 * WebSockets.
 */
export interface BridgeConnectOptions
  extends
    Pick<
      ConnectOptions,
      'connectTimeout' | 'dnsTimeout' | 'tlsTimeout' | 'lookup' | 'family' | 'localAddress' | 'keepAlive'
    >,
    Pick<WebSocketConnectOptions, 'headers' | 'proxy' | 'handshakeTimeout'>,
    Pick<udp.ConnectOptions, 'maxMessageSize'> {
  /** `tls://` and `wss://`: whom to believe, and who to be. Default: as `connect` of tcp does. */
  tls?: TlsClientOptions
  /** WebSocket: subprotocols to offer, the preferred one first. Default `['binary']`. */
  protocols?: readonly string[]
}
