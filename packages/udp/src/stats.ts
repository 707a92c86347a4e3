import type { SocketError } from '@fairlead/core'

/** What a UDP socket counted since it was opened. Datagrams, unless the name says bytes. */
export interface UdpStats {
  /** The system took them. What becomes of them on the way nobody knows. */
  readonly sent: number
  readonly sentBytes: number
  /** Accepted by `write`, but not sent: the system refused, or the socket was destroyed before. */
  readonly sendErrors: number
  /** Not accepted, because the send queue was full. */
  readonly sendDropped: number
  /** The system handed them over; some may have been dropped here afterwards. */
  readonly received: number
  readonly receivedBytes: number
  /** Dropped because nobody read fast enough and the receive queue was full. */
  readonly receiveDropped: number
  /** Times that ICMP said nobody listens there. Only a connected socket is told. */
  readonly refused: number
  /** Dropped by a connected socket because they came from somebody else. */
  readonly filtered: number
  /** Dropped by a listener because it would have needed one session more than it may have. */
  readonly rejected: number
  /** Sessions that ended because nothing came and went for too long. */
  readonly expired: number
  /** Calls of a handler that threw or rejected. */
  readonly handlerErrors: number
  /** Bytes of the system's receive buffer, as granted: Linux reports twice what it was asked for; 0 where the runtime does not tell. */
  readonly recvBufferSize: number
  /** The last trouble, told to a handler or not. */
  readonly lastError: SocketError | undefined
}

type Counts = { -readonly [Name in keyof UdpStats]: UdpStats[Name] }

/** The counters of one socket, shared by everything that sits on it. */
export class Counters implements Counts {
  sent = 0
  sentBytes = 0
  sendErrors = 0
  sendDropped = 0
  received = 0
  receivedBytes = 0
  receiveDropped = 0
  refused = 0
  filtered = 0
  rejected = 0
  expired = 0
  handlerErrors = 0
  recvBufferSize = 0
  lastError: SocketError | undefined

  snapshot(): UdpStats {
    return Object.freeze(Object.assign({} as Counts, this))
  }
}
