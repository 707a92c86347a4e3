import { type Address, formatAddress, TimeoutError } from '@fairlead/core'
import type { Backoff } from '@fairlead/core/reconnect'

import type { RequestSettings } from './request-options.ts'

/** How a request ended. */
export type Outcome = 'answers' | 'failures' | 'timeouts' | 'aborted'

/** Who sends what a {@link PendingRequest} wants sent, and counts. */
export interface PendingOwner<To, M> {
  retry(request: PendingRequest<To, M>): void
  /** It is settled, or about to be. Once. */
  ended(request: PendingRequest<To, M>, outcome: Outcome): void
}

/** What a {@link PendingRequest} is made of. */
export interface PendingParts<To> extends RequestSettings<To> {
  readonly id: string
  readonly datagram: Uint8Array
  /** The address of `to`. */
  readonly peer: Address
}

/**
 * A request that is sent, and waits for its answer, its next retry, or its end.
 *
 * Each has a timer of its own, in milliseconds: a shared tick would send all retries that are due in one burst.
 * The runtime keeps them in one heap behind one timer of the system, which is what one could build here.
 */
export class PendingRequest<To, M> {
  readonly id: string
  readonly to: To
  readonly datagram: Uint8Array
  readonly peer: Address
  readonly answer: Promise<M>
  readonly #owner: PendingOwner<To, M>
  readonly #timeout: number
  readonly #until: number
  readonly #backoff: Backoff | undefined
  readonly #signal: AbortSignal | undefined
  #resolve!: (answer: M) => void
  #reject!: (error: unknown) => void
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(owner: PendingOwner<To, M>, parts: PendingParts<To>) {
    const { id, to, datagram, peer, timeout, backoff, signal } = parts
    this.id = id
    this.to = to
    this.datagram = datagram
    this.peer = peer
    this.#owner = owner
    this.#timeout = timeout
    this.#until = performance.now() + timeout
    this.#backoff = backoff
    this.#signal = signal
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    signal?.addEventListener('abort', this.#abort, { once: true })
    this.#wait()
  }

  resolve(answer: M): void {
    this.#end('answers')
    this.#resolve(answer)
  }

  reject(error: unknown, outcome: Outcome): void {
    this.#end(outcome)
    this.#reject(error)
  }

  /** It was not sent: nothing becomes of it. */
  withdraw(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#abort)
  }

  #end(outcome: Outcome): void {
    this.withdraw()
    this.#owner.ended(this, outcome)
  }

  readonly #abort = (): void => this.reject(this.#signal?.reason, 'aborted')

  #wait(): void {
    const left = this.#until - performance.now()
    const wait = this.#backoff?.next()
    // A retry at the very end could not be answered any more.
    if (wait !== undefined && wait < left) this.#timer = setTimeout(() => this.#retry(), wait)
    else this.#timer = setTimeout(() => this.#expire(), Math.max(0, left))
  }

  #retry(): void {
    // First, so that a callback that ends the request on hearing of trouble ends this wait, too.
    this.#wait()
    this.#owner.retry(this)
  }

  #expire(): void {
    const message = `Cannot get an answer from ${formatAddress(this.peer)}: none within ${this.#timeout} ms`
    const { peer } = this
    this.reject(new TimeoutError(message, { phase: 'total', peer }), 'timeouts')
  }
}
