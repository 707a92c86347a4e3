import type { Address } from './address.ts'
import type { SocketError } from './errors.ts'
import type { CloseReason, Resource } from './resource.ts'

/** One datagram and who sent it. The receiver owns the bytes. */
export interface Datagram<From extends Address = Address> {
  readonly data: Uint8Array
  readonly from: From
}

/** Receives what comes to a {@link DatagramSocket}: the hot path, plain method calls with nothing async in between. */
export interface DatagramHandler<From extends Address = Address> {
  /**
   * Called for each datagram; the callee owns the bytes, and `from` can be given back to `write`. A call that
   * throws or rejects costs its datagram if there is an `onTrouble` to be told, else the socket.
   */
  onDatagram(data: Uint8Array, from: From): void | Promise<void>
  /** There is room for output again after `write` returned false. */
  onDrain?(): void
  /** Told, not fatal: a datagram that could not be sent, the first of several that were dropped. */
  onTrouble?(error: SocketError): void
  /** Always last, exactly once, unless the handler was replaced before. */
  onClose?(reason: CloseReason): void
}

/**
 * A socket of datagrams, each with an address: UDP's, or one in memory. What is built on this interface runs on
 * both. Nothing that a peer or the network does ends it.
 *
 * It is handled or iterated, one reader at a time; what comes while nobody reads waits, up to a limit.
 */
export interface DatagramSocket<From extends Address = Address, To = From>
  extends Resource, AsyncIterable<Datagram<From>> {
  /** Where it is bound. */
  readonly address: From
  /** Bytes accepted by `write` and not yet handed on. */
  readonly buffered: number
  /**
   * Puts `handler` in the one handler slot, in place of the one before, and lets input flow: first what
   * waited, then the rest; never before this call has returned.
   */
  handle(handler: DatagramHandler<From>): void
  /**
   * Sends one datagram; strings as UTF-8. Returns false when the output stands above the high-water mark: wait
   * for `onDrain` or `drained()`.
   *
   * @throws TypeError or RangeError for what cannot be sent there; LimitError when it is too large for a
   *   datagram; ClosedError when the socket is closed.
   */
  write(data: Uint8Array | string, to: To): boolean
  /**
   * Like `write`, and resolves when there is room for more; it does not say that anything arrived. Rejects with
   * what `write` throws, and with a LimitError when the datagram was dropped at once; a rejection that nobody
   * awaits ends nothing.
   */
  send(data: Uint8Array | string, to: To): Promise<void>
  /** Resolves when there is room for output; at once if there is. */
  drained(options?: { signal?: AbortSignal }): Promise<void>
}
