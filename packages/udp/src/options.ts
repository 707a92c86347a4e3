import type { QueueLimits } from './quota.ts'

/** Where to bind, and how: what every UDP socket has. */
export interface SocketOptions {
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
  /** Bytes of the system's receive buffer; the system may grant less, see `stats()`. Default 4 MiB. */
  recvBufferSize?: number
  /** What may wait to be sent when the system's buffer is full. Default 1,024 datagrams, 4 MiB. */
  sendQueue?: QueueLimits
  /** Ends the attempt: the call rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
}

/** Options of `bind`. */
export interface BindOptions extends SocketOptions {
  /** Whether broadcast addresses may be sent to. Default false. */
  broadcast?: boolean
  /** What may wait while nobody reads. Default 4,096 datagrams, 16 MiB. */
  receiveQueue?: QueueLimits
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
  /** What may wait, for each peer, while nobody reads. Default 256 datagrams, 1 MiB. */
  receiveQueue?: QueueLimits
}

/** Options of `listen`. */
export interface ListenOptions extends SocketOptions, MessageOptions {
  /** Sessions at a time; a datagram that would begin one more is dropped. Default 10,000. */
  maxSessions?: number
  /** Sessions at a time with one IP address. Default 64. */
  maxSessionsPerAddress?: number
  /** Milliseconds after which a session ends in which nothing comes and nothing is sent. Default 30,000. */
  idleTimeout?: number
}

/** Options of `connect`. */
export interface ConnectOptions
  extends MessageOptions, Pick<SocketOptions, 'recvBufferSize' | 'sendQueue' | 'signal'> {
  /** The peer's port, 1 to 65535. */
  port: number
  /** The peer: a literal address, or a name that is resolved once. Default `127.0.0.1`. */
  host?: string
  /** Milliseconds that resolving the name may take. Default 10,000. */
  connectTimeout?: number
}

export const defaultHost = '127.0.0.1'
export const defaultConnectTimeout = 10_000
export const defaultIdleTimeout = 30_000
export const defaultMaxMessageSize = 1_200
export const defaultMaxSessions = 10_000
export const defaultMaxSessionsPerAddress = 64
/** 208 KiB, Linux's own default, overflows when the event loop stalls for 20 ms under 30,000 datagrams a second. */
export const defaultRecvBufferSize = 4 * 1024 * 1024

export const defaultSendQueue: Required<QueueLimits> = { datagrams: 1_024, bytes: 4 * 1024 * 1024 }
/** Of a socket without sessions, and of all sessions of a listener together. */
export const defaultSocketQueue: Required<QueueLimits> = { datagrams: 4_096, bytes: 16 * 1024 * 1024 }
/** Of one peer. */
export const defaultPeerQueue: Required<QueueLimits> = { datagrams: 256, bytes: 1024 * 1024 }
