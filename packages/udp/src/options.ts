import type { Lookup } from './address/resolve.ts'
import type { TrafficOptions } from './opening/socket-options.ts'
import type { ReceiveQueueOptions, SendQueueOptions } from './queue/quota.ts'

/** Where to bind, and how: what every UDP socket has. */
export interface SocketOptions extends TrafficOptions {
  /** 0 lets the system choose. Default 0. */
  port?: number
  /**
   * A literal address or a name of this machine, resolved once. Default `127.0.0.1`: opening to the network
   * is a decision, said as `0.0.0.0`, or as `::` for IPv6 and IPv4 together.
   */
  host?: string
  /**
   * Lets several sockets bind the same port. For multicast only: of what is sent to this machine alone, any
   * other process that does the same takes its share or all. Default false.
   */
  reuseAddr?: boolean
  /**
   * Lets several sockets that all say so share a port; each peer's datagrams go to one of them. A TypeError where
   * the runtime does not have it, as Node 20. Default false.
   */
  reusePort?: boolean
  /** IPv6 alone, where `host` is `::` and would mean IPv4, too. Default false. */
  ipv6Only?: boolean
  /** What may wait to be sent while the system's buffer is full. Default 1,024 datagrams, 4 MiB, `drop-newest`. */
  sendQueue?: SendQueueOptions
  /**
   * Resolves names instead of the system. A literal address never gets here, and each name does once. `bind` and
   * what is sent by name take the first address of a family that the socket can send to; `connect` takes the first
   * that the system knows a way to.
   */
  lookup?: Lookup
  /** Ends the attempt: the call rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
}

/** Options of `bind`. */
export interface BindOptions extends SocketOptions {
  /** What may wait while nobody reads. Default 4,096 datagrams, 16 MiB, `drop-newest`. */
  receiveQueue?: ReceiveQueueOptions
}

/** What a message is: the datagram's bytes, or its bytes read as UTF-8. */
export type Messages = 'binary' | 'text'

/** Options of conversations with one peer each. */
export interface MessageOptions {
  /** What a message is. Default `'binary'`. */
  messages?: Messages
  /**
   * Bytes of the largest message that may be sent. Default 1,200, which passes nearly every path whole
   * (RFC 8085 section 3.2, RFC 9000 section 14); larger ones are lost when any one fragment is.
   */
  maxMessageSize?: number
  /** What may wait, for each peer, while nobody reads. Default 256 datagrams, 1 MiB, `drop-newest`. */
  receiveQueue?: ReceiveQueueOptions
}

/** How a listener knows that its peers are where their addresses say. */
export type Validation = 'none' | 'cookie'

/** Options of sessions: what a listener has, wherever it listens. */
export interface SessionOptions extends MessageOptions {
  /**
   * Sessions at a time. A peer whose session ended, and that is remembered for `maxUnvalidatedDatagrams`, takes a
   * place, too. For one more another gives way, but never a validated session in use. The order stands in docs/UDP.md,
   * "Who gives way". Default 10,000.
   */
  maxSessions?: number
  /**
   * Of these, with one IP address. For one more, one of them gives way, in the same order. All addresses of an IPv6
   * network of 64 bits count as one, since one owner has them all (RFC 4291 section 2.5.4); link-local ones do not.
   * Default 64.
   */
  maxSessionsPerAddress?: number
  /** Milliseconds after which a session ends from which nothing came; sending does not count. Default 30,000. */
  idleTimeout?: number
  /**
   * `'cookie'` makes a session only of a peer that has shown that it reads what is sent to its address: by
   * exchanging two datagrams with it, for which nothing is kept (docs/wire/VALIDATION.md). Peers have to
   * `connect` with the same option. `'none'` leaves it to the messages to find that out, and to say so with
   * `session.validate()`. Default `'none'`.
   */
  validation?: Validation
  /**
   * How many times as many bytes of messages may be sent to a peer that is not validated as came from it, so that
   * nobody can have others flooded by writing their address (RFC 9000 section 8.1). A server that greets first meets
   * it at once: validate by cookie. Infinity lifts this and `maxUnvalidatedDatagrams`: only for networks in which
   * nobody writes another's address. Default 3.
   */
  maxAmplification?: number
  /**
   * Datagrams that may be sent to a peer that is not validated, in all its sessions together. After these it gets no
   * more until it was silent for `idleTimeout`. This ends a loop: one forged datagram can make two servers answer each
   * other for ever. Default 1,000.
   */
  maxUnvalidatedDatagrams?: number
  /** What may wait to be sent while the system's buffer is full. Default 1,024 datagrams, 4 MiB, `drop-newest`. */
  sendQueue?: SendQueueOptions
}

/** Options of `listen`. */
export interface ListenOptions extends SocketOptions, SessionOptions {}

/** Options of `connect`. */
export interface ConnectOptions
  extends
    MessageOptions,
    Pick<SocketOptions, 'lookup' | 'recvBufferSize' | 'sendBufferSize' | 'sendQueue' | 'signal' | 'ttl'> {
  /** The peer's port, 1 to 65535. */
  port: number
  /** The peer: a literal address, or a name that is resolved once. Default `127.0.0.1`. */
  host?: string
  /** The interface of a link-local IPv6 address (RFC 4007), as in a `remoteAddress`; may also stand in `host` behind a `%`. */
  zone?: string
  /** `'cookie'` where the listener has that option. Default `'none'`. */
  validation?: Validation
  /** Milliseconds that resolving the name, and validation by cookie, may take together. Default 10,000. */
  connectTimeout?: number
}

export const defaultHost = '127.0.0.1'
export const defaultConnectTimeout = 10_000
export const defaultIdleTimeout = 30_000
export const defaultMaxMessageSize = 1_200
export const defaultMaxSessions = 10_000
export const defaultMaxSessionsPerAddress = 64
/** RFC 9000 section 8.1. */
export const defaultMaxAmplification = 3
/** More than an exchange needs that nobody validates; few enough to be met while a program is still tried out. */
export const defaultMaxUnvalidatedDatagrams = 1_000
/** 208 KiB, Linux's own default, overflows when the event loop stalls for 20 ms under 30,000 datagrams a second. */
export const defaultRecvBufferSize = 4 * 1024 * 1024

export const defaultSendQueue: Required<SendQueueOptions> = {
  datagrams: 1_024,
  bytes: 4 * 1024 * 1024,
  policy: 'drop-newest',
}
/** Of a socket without sessions, and of all sessions of a listener together. */
export const defaultSocketQueue: Required<ReceiveQueueOptions> = {
  datagrams: 4_096,
  bytes: 16 * 1024 * 1024,
  policy: 'drop-newest',
}
/** Of one peer. */
export const defaultPeerQueue: Required<ReceiveQueueOptions> = {
  datagrams: 256,
  bytes: 1024 * 1024,
  policy: 'drop-newest',
}
