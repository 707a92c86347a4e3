import type { CloseReason, Resource, SocketError } from '@fairlead/core'

import type { Datagram, Destination, IpAddress } from './datagram.ts'
import type { UdpStats } from './stats.ts'

/** Receives what comes to a {@link UdpSocket}: the hot path, plain method calls with nothing async in between. */
export interface DatagramHandler {
  /**
   * Called for each datagram; the callee owns the bytes, and `from` can be given back to `write`. A call that
   * throws or rejects costs its datagram if there is an `onTrouble` to be told, else the socket.
   */
  onDatagram(data: Uint8Array, from: IpAddress): void | Promise<void>
  /** There is room for output again after `write` returned false. */
  onDrain?(): void
  /** Told, not fatal: a datagram that could not be sent, the first of several that were dropped. */
  onTrouble?(error: SocketError): void
  /** Always last, exactly once, unless the handler was replaced before. */
  onClose?(reason: CloseReason): void
}

/**
 * A bound UDP socket (RFC 768): datagrams in and out, each with an address. Whoever bound it owns it.
 *
 * It is handled or iterated, one reader at a time. What comes while nobody reads waits up to the option
 * `receiveQueue`; beyond that the newest is dropped and counted. Nothing that a peer or the network does
 * ends the socket.
 *
 * @example
 * ```ts
 * const socket = await bind({ port: 7000 })
 * for await (const { data, from } of socket) await socket.send(data, from)
 * ```
 */
export interface UdpSocket extends Resource, AsyncIterable<Datagram> {
  /** Where it is bound; with port 0, the port that the system chose. */
  readonly address: IpAddress
  /** Bytes accepted by `write` and not yet taken by the system. */
  readonly buffered: number
  /**
   * Puts `handler` in the one handler slot, in place of the one before, and lets input flow: first what
   * waited, then the rest; never before this call has returned.
   */
  handle(handler: DatagramHandler): void
  /**
   * Sends one datagram; strings as UTF-8. Do not change `data` before `buffered` is back at zero.
   *
   * Returns false when the output stands above the high-water mark: wait for `onDrain` or `drained()`. Who
   * does not, and fills the option `sendQueue`, has the datagram dropped and counted.
   *
   * @throws TypeError or RangeError when `to` is not a literal address with a port, or one that this socket
   *   cannot reach; LimitError when the data is larger than a datagram can be: 65,507 bytes to IPv4, 65,527
   *   to IPv6; ClosedError when the socket is closed.
   */
  write(data: Uint8Array | string, to: Destination): boolean
  /**
   * Like `write`, and resolves when there is room for more, at once while there is; it does not say that
   * anything arrived. Rejects with what `write` throws, and with a LimitError when the datagram was dropped;
   * a rejection that nobody awaits ends nothing.
   */
  send(data: Uint8Array | string, to: Destination): Promise<void>
  /** Resolves when there is room for output; at once if there is. */
  drained(options?: { signal?: AbortSignal }): Promise<void>
  /** What was counted since the socket was bound; a copy, which may be asked for as often as one likes. */
  stats(): UdpStats
}
