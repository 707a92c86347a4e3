import { type Address, LimitError, type SocketError } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

import { sendErrorOf } from './errno.ts'
import type { Outlet } from './outlet.ts'

/** Whoever sends, and wants to know what became of it. */
export interface LaneOwner {
  /** There is room again, after a write met none. */
  relieved(): void
  /** Everything written is with the system, or lost. */
  flushed(): void
  troubled(error: SocketError): void
  /** Who that is, for an error's `peer`. */
  addressOf(host: string | undefined, port: number): Address
}

/** One sender's share of an {@link Outlet}: what it has under way, and whether it should wait. */
export class Lane {
  readonly #outlet: Outlet
  readonly #owner: LaneOwner
  #pending = 0
  #bytes = 0
  #congested = false
  #overflowing = false

  constructor(outlet: Outlet, owner: LaneOwner) {
    this.#outlet = outlet
    this.#owner = owner
  }

  /** Datagrams under way. */
  get pending(): number {
    return this.#pending
  }

  /** Bytes under way. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a write met no room and {@link LaneOwner.relieved} is still to come. */
  get congested(): boolean {
    return this.#congested
  }

  /** Sends, or drops and counts when the queue is full: then the error to tell is returned. */
  write(data: Uint8Array, port: number, host?: string): LimitError | undefined {
    const dropped = this.#outlet.isFull(data.byteLength)
    if (!dropped) {
      this.#pending++
      this.#bytes += data.byteLength
      this.#outlet.pass(this, data, port, host)
    }
    if (!this.#congested && this.#outlet.congested) {
      this.#congested = true
      this.#outlet.notify(this)
    }
    return dropped ? this.#drop() : undefined
  }

  settled(bytes: number): void {
    this.#pending--
    this.#bytes -= bytes
    if (this.#pending === 0) this.#owner.flushed()
  }

  relieved(): void {
    this.#congested = this.#overflowing = false
    this.#owner.relieved()
  }

  trouble(error: Error, port: number, host: string | undefined): void {
    // Cancelled by our own destroy: nobody is there to be told.
    if (codeOf(error) === 'ECANCELED' || codeOf(error) === 'ERR_SOCKET_DGRAM_NOT_RUNNING') return
    this.#tell(sendErrorOf(error, this.#owner.addressOf(host, port)))
  }

  #drop(): LimitError {
    this.#outlet.counters.sendDropped++
    const error = new LimitError('Cannot send: the send queue is full', {
      phase: 'write',
      limit: 'sendQueue',
      value: this.#pending,
      retryable: true,
    })
    // Told once until there was room again: an error for each would cost more than the datagram.
    if (!this.#overflowing) this.#tell(error)
    this.#overflowing = true
    return error
  }

  #tell(error: SocketError): void {
    this.#outlet.counters.lastError = error
    this.#owner.troubled(error)
  }
}
