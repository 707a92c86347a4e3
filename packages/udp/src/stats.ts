import type { SocketError } from '@fairlead/core'

import { kernelDrops, type SocketPlace } from './kernel-drops.ts'
import type { GrantedBuffers } from './opening/socket-options.ts'

/**
 * What a UDP socket counted since it was opened. Datagrams, unless the name says bytes.
 *
 * Each of the `received` was given to a reader, or waits for one, or is one of `receiveDropped` or `rejected`; the
 * rest are the control datagrams of validation by cookie.
 */
export interface UdpStats {
  /** The system took them. What becomes of them on the way nobody knows. */
  readonly sent: number
  readonly sentBytes: number
  /** Accepted by `write`, but not sent: the system refused, or the socket was destroyed before. */
  readonly sendErrors: number
  /**
   * Dropped because the send queue was full, or too much waited for a name. The queue has one policy, so these are
   * the newest, or the oldest, as that says. What `block` refuses is thrown, and not counted.
   */
  readonly sendDropped: number
  /** Refused by `write` and `send` because they were larger than a datagram, or a message, may be. */
  readonly oversized: number
  /** The system handed them over, and they were not `filtered`; some may have been dropped here afterwards. */
  readonly received: number
  readonly receivedBytes: number
  /**
   * Dropped because nobody read them: the receive queue was full, or the conversation was closing or closed. A queue
   * has one policy, so what a full one dropped are the newest, or the oldest, as that says.
   */
  readonly receiveDropped: number
  /**
   * Dropped by the system before they came here, mostly because its receive buffer was full. Undefined where it
   * does not tell: everywhere but on Linux, and there for sockets that share an address. Once the socket is closed,
   * what was known of it last.
   */
  readonly kernelDropped: number | undefined
  /** Times that ICMP said nobody listens there. Only a connected socket is told. */
  readonly refused: number
  /** Dropped because of their sender: on a connected socket somebody else, on a bound one nobody, by port 0. */
  readonly filtered: number
  /**
   * Dropped by a listener that had no session for them: it has as many as it may, too many wait to be accepted, it is
   * suspended, or the peer is not validated: it had its share, or has shown no cookie.
   */
  readonly rejected: number
  /** Sessions that ended because nothing came for too long. */
  readonly expired: number
  /** Sessions that ended because a newer one needed their place. */
  readonly evicted: number
  /** Refused by `write` and `send` of a session: more than may go to a peer that is not validated. */
  readonly withheld: number
  /** Cookies sent to those who wanted a session and had none. */
  readonly cookies: number
  /** Answers with a cookie that was not made for them, or too long ago. */
  readonly badCookies: number
  /** Calls of a handler, or of an accept callback, that threw or rejected. */
  readonly handlerErrors: number
  /** Bytes of the system's receive buffer, as granted: Linux reports twice what it was asked for; 0 where the runtime does not tell. */
  readonly recvBufferSize: number
  /** Bytes of the system's send buffer, likewise. */
  readonly sendBufferSize: number
  /** The last trouble, told to a handler or not. */
  readonly lastError: SocketError | undefined
}

type Counts = { -readonly [Name in keyof UdpStats]: UdpStats[Name] }

/** The counters of one socket, shared by everything that sits on it. */
export class Counters implements Counts {
  #place: SocketPlace | undefined
  sent = 0
  sentBytes = 0
  sendErrors = 0
  sendDropped = 0
  oversized = 0
  received = 0
  receivedBytes = 0
  receiveDropped = 0
  refused = 0
  filtered = 0
  rejected = 0
  expired = 0
  evicted = 0
  withheld = 0
  cookies = 0
  badCookies = 0
  handlerErrors = 0
  kernelDropped: number | undefined
  recvBufferSize = 0
  sendBufferSize = 0
  lastError: SocketError | undefined

  /** The socket is there now. */
  opened(place: SocketPlace, buffers: GrantedBuffers): void {
    this.#place = place
    Object.assign(this, buffers)
  }

  /** What was counted until now. */
  snapshot(): UdpStats {
    // The kernel forgets what it counted of a socket that is closed.
    if (this.#place) this.kernelDropped = kernelDrops(this.#place) ?? this.kernelDropped
    return Object.freeze(Object.assign({} as Counts, this))
  }
}
