import { type Address, ConnectError, formatAddress, type SocketError, TimeoutError } from '@fairlead/core'
import { reasonOf, unlessAborted } from '@fairlead/core/transport'

import { isRefusal } from '../errno.ts'
import { Lane, type LaneOwner } from '../queue/lane.ts'
import type { Outlet } from '../queue/outlet.ts'
import { Prover, type ProverOwner, systemSource } from './prover.ts'

/** Whom an {@link Introduction} is for. */
export interface Newcomer {
  readonly remoteAddress: Address
  /** Told, not fatal. */
  report(error: SocketError): void
}

/**
 * Makes a connection known to a listener that validates by cookie: at first, which is waited for, and whenever
 * the listener has forgotten it.
 */
export class Introduction implements ProverOwner, LaneOwner {
  readonly #newcomer: Newcomer
  readonly #timeout: number
  readonly #lane: Lane
  readonly #prover: Prover
  /** While the first is waited for. */
  #waiter: { resolve(): void; reject(error: Error): void } | undefined

  /** `timeout`: milliseconds that each may take. */
  constructor(newcomer: Newcomer, outlet: Outlet, timeout: number) {
    this.#newcomer = newcomer
    this.#timeout = timeout
    this.#lane = new Lane(outlet, this)
    this.#prover = new Prover(this, timeout, systemSource)
  }

  /**
   * Resolves when the listener knows this end. `spent` are the milliseconds that are over already.
   *
   * @throws ConnectError, TimeoutError with phase `handshake`, `signal.reason`.
   */
  async made(spent: number, signal: AbortSignal | undefined): Promise<void> {
    const outcome = new Promise<void>((resolve, reject) => (this.#waiter = { resolve, reject }))
    this.#prover.begin(Math.max(this.#timeout - spent, 1))
    await (signal ? unlessAborted(outcome, signal) : outcome)
  }

  /** Whether a datagram was for this and not for the application. */
  takes(data: Uint8Array): boolean {
    return this.#prover.takes(data)
  }

  /** A message of so many bytes is to be sent. */
  sending(bytes: number): void {
    this.#prover.sending(bytes)
  }

  /** ICMP says that nobody listens. False when that is not for this to tell: later on, somebody may listen again. */
  unreachable(cause: unknown): boolean {
    if (!this.#waiter) return false
    this.#settle(this.#refusal(cause))
    return true
  }

  stop(): void {
    this.#prover.stop()
  }

  // What the prover tells, and asks for.

  pass(data: Uint8Array): void {
    // When there is no room it is lost, as on the way, and repeated.
    if (!this.#lane.mustWait(data.byteLength)) this.#lane.write(data, 0)
  }

  proved(): void {
    this.#settle()
  }

  failed(why: 'refused' | 'silent'): void {
    const refusal = why === 'refused' && this.#refusal(new Error('the listener takes nobody now'))
    this.#settle(refusal || this.#timeoutError())
  }

  // What the lane tells.

  troubled(error: SocketError): void {
    if (isRefusal(error.cause)) this.unreachable(error.cause)
  }

  addressOf(): Address {
    return this.#newcomer.remoteAddress
  }

  relieved(): void {}
  flushed(): void {}
  overflowed(): void {}

  #settle(error?: SocketError): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (!error) waiter?.resolve()
    else if (waiter) waiter.reject(error)
    else this.#newcomer.report(error)
  }

  #refusal(cause: unknown): ConnectError {
    const peer = this.#newcomer.remoteAddress
    return new ConnectError(`Cannot connect to ${formatAddress(peer)}: ${reasonOf(cause)}`, { peer, cause })
  }

  #timeoutError(): TimeoutError {
    const peer = this.#newcomer.remoteAddress
    const message = `Cannot connect to ${formatAddress(peer)}: no answer in ${this.#timeout} ms`
    return new TimeoutError(message, { phase: 'handshake', peer, retryable: true })
  }
}
