import { type Address, LimitError, type SocketError } from '@fairlead/core'
import { codeOf, Fifo, guarded } from '@fairlead/core/transport'

import { isRefusal, sendErrorOf } from '../errno.ts'
import type { Outlet } from './outlet.ts'

/** Whoever sends, and wants to know what became of it. */
export interface LaneOwner {
  /** There is room again, after a write met none. */
  relieved(): void
  /** Everything written is with the system, or lost. */
  flushed(): void
  troubled(error: SocketError): void
  /** The queue is full, and the policy is to close. */
  overflowed(error: LimitError): void
  /** Who that is, for an error's `peer`. */
  addressOf(host: string | undefined, port: number | undefined): Address | undefined
}

/** Calls of `send` that may wait for a place in the queue of a socket, as in core's send queue. */
const maxWaiting = 1_024

/** What a runtime's error says of the datagram that met it. */
type SendError = Error & { address?: string; port?: number }

/** One sender's share of an {@link Outlet}: what it has under way, and whether it should wait. */
export class Lane {
  readonly #outlet: Outlet
  readonly #owner: LaneOwner
  /** What the carrier has. Its callbacks come in the order of the calls, so that one function serves them all. */
  readonly #flying = new Fifo<Uint8Array>()
  #pending = 0
  #bytes = 0
  #congested = false
  /** Of the first that was dropped since there was room. */
  #overflow: LimitError | undefined

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
    const outlet = this.#outlet
    // The same as `byteLength`, for which Node 20 takes ten times as long.
    const bytes = data.length
    this.#pending++
    this.#bytes += bytes
    const taken = outlet.take(this, data, port, host)
    if (!this.#congested && (!taken || outlet.congested)) this.#notice()
    if (taken) return undefined
    this.#pending--
    this.#bytes -= bytes
    if (outlet.policy === 'block') throw this.#full()
    return this.#drop()
  }

  /** Whether a `send` of so many bytes has to {@link wait}: with the policy `block`, when the queue is full. */
  mustWait(bytes: number): boolean {
    if (this.#outlet.policy !== 'block' || this.#outlet.fits(bytes)) return false
    if (!this.#congested) this.#notice()
    return true
  }

  /** Calls `again` when there is `room`. A rejection that nobody awaits ends nothing. */
  wait(room: Promise<void>, again: () => Promise<void>): Promise<void> {
    return guarded(this.#wait(room, again))
  }

  /** The carrier gets it now. */
  launched(data: Uint8Array): void {
    this.#flying.push(data)
  }

  /** The carrier did not take what it got last. */
  launchFailed(error: Error): void {
    this.#settled(this.#flying.pop().length, error)
  }

  /** The carrier's callback for the oldest datagram that it has. */
  readonly settle = (error: SendError | null): void => {
    const data = this.#flying.shift()
    if (error && isRefusal(error)) {
      // The refusal is about an earlier datagram; the one that met it was not sent. Bun has sockets meet refusals that
      // are not connected, and so have no peer who could be meant.
      const { address, port = 0 } = error
      if (address === undefined) this.#refused(error)
      this.#outlet.again(data, port, address, (refusal) => this.#settled(data.length, refusal))
    } else {
      this.#settled(data.length, error)
    }
  }

  /** The policy gave up one that waited. */
  dropped(bytes: number): void {
    this.#drop()
    this.#forget(bytes)
  }

  relieved(): void {
    this.#congested = false
    this.#overflow = undefined
    this.#owner.relieved()
  }

  /** Bounded: who never awaits a `send` would fill the memory from here. */
  async #wait(room: Promise<void>, again: () => Promise<void>): Promise<void> {
    const outlet = this.#outlet
    if (outlet.waiting >= maxWaiting) {
      const message = 'Cannot send: the send queue is full, and as many wait for it as may'
      throw new LimitError(message, { phase: 'write', limit: 'maxWaiting', value: outlet.waiting + 1 })
    }
    outlet.waiting++
    await room.finally(() => outlet.waiting--)
    return again()
  }

  #settled(bytes: number, error: Error | null): void {
    const { counters } = this.#outlet
    if (error) {
      if (isRefusal(error)) this.#refused(error)
      else this.#trouble(error)
      counters.sendErrors++
    } else {
      counters.sent++
      counters.sentBytes += bytes
    }
    this.#outlet.settled(bytes)
    this.#forget(bytes)
  }

  #forget(bytes: number): void {
    this.#pending--
    this.#bytes -= bytes
    if (this.#pending === 0) this.#owner.flushed()
  }

  #refused(error: Error): void {
    this.#outlet.counters.refused++
    this.#trouble(error)
  }

  #trouble(error: SendError): void {
    // Cancelled by our own destroy: nobody is there to be told.
    if (codeOf(error) === 'ECANCELED' || codeOf(error) === 'ERR_SOCKET_DGRAM_NOT_RUNNING') return
    this.#tell(sendErrorOf(error, this.#owner.addressOf(error.address, error.port)))
  }

  #notice(): void {
    this.#congested = true
    this.#outlet.notify(this)
  }

  #full(): LimitError {
    return new LimitError('Cannot send: the send queue is full', {
      phase: 'write',
      limit: 'sendQueue',
      value: this.#pending,
      retryable: true,
    })
  }

  #drop(): LimitError {
    const { policy, counters } = this.#outlet
    counters.sendDropped++
    // Made and told once until there was room again: an error for each would cost more than the datagram, and
    // whoever writes when he hears of it would be told again, and again.
    const first = this.#overflow === undefined
    const error = (this.#overflow ??= this.#full())
    if (first) this.#tell(error)
    if (policy === 'close') this.#owner.overflowed(error)
    return error
  }

  #tell(error: SocketError): void {
    this.#outlet.counters.lastError = error
    this.#owner.troubled(error)
  }
}
