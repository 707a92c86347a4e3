import { ClosedError } from '@fairlead/core'
import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

import type { Exchange } from '../server/exchange.ts'

/**
 * Whether the client is still there, as far as anybody can tell. One that reset or closed is gone at once. One that
 * ended its side may be gone, as an aborted `fetch` is, or may only have nothing more to say (RFC 9112 section 9.6): it
 * has a grace for each further piece of its answer; if it is gone, the first that is sent to it tells.
 *
 * ```text
 *   there ──end──▶ ended ──grace, close──▶ gone
 *     └──reset, close, handlerTimeout──────▶┘
 * ```
 */
export class Presence implements DeadlineOwner {
  /** Called once, when it is gone. */
  onGone: (() => void) | undefined
  readonly #signal: AbortSignal
  readonly #exchange: Exchange | undefined
  readonly #grace: number
  #deadline: Deadline | undefined
  #gone = false
  #over = false

  constructor(signal: AbortSignal, exchange: Exchange | undefined, grace: number) {
    this.#signal = signal
    this.#exchange = exchange
    this.#grace = grace
    if (signal.aborted) this.handleEvent()
    else signal.addEventListener('abort', this)
  }

  get gone(): boolean {
    return this.#gone
  }

  get reason(): unknown {
    return this.#signal.reason
  }

  /** Something of the answer is on its way. */
  progress(): void {
    this.#deadline?.set(this.#grace)
  }

  /** Nobody has to be there any more. May be repeated. */
  over(): void {
    if (this.#over) return
    this.#over = true
    this.#signal.removeEventListener('abort', this)
    this.#deadline?.clear()
  }

  handleEvent(): void {
    const ended = this.#exchange?.abandoned === false && this.reason instanceof ClosedError
    if (!ended || this.#grace === 0) return this.onDeadline()
    this.#deadline = new Deadline(this)
    this.#deadline.set(this.#grace)
  }

  onDeadline(): void {
    if (this.#over) return
    this.over()
    this.#gone = true
    this.onGone?.()
  }
}
