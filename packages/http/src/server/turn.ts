import type { RequestHead } from '../codec/index.ts'
import { httpChannels } from './diagnostics.ts'
import { Exchange, type ExchangeHost } from './exchange.ts'
import { Intake, type IntakeHost } from './intake.ts'
import type { Outlet } from './outlet.ts'
import type { Counters } from './stats.ts'

/** What a {@link Turn} happens on. */
export interface TurnHost extends ExchangeHost, IntakeHost {}

/**
 * Whose turn it is on a connection: one request after the other, each from its head to the end of its answer and
 * of its body, whichever comes later. Keeps the books of them.
 *
 * ```text
 *   (nobody's) ──begin──▶ exchange, and intake with a body
 *       ▲                      │
 *       │            answered, │ abandoned
 *       │                      ▼
 *       └──clear────── (only the rest of the intake, to be dropped)
 * ```
 */
export class Turn {
  readonly #host: TurnHost
  readonly #counters: Counters
  readonly #outlet: Outlet
  /** The head read last, until {@link clear}. */
  head: RequestHead | undefined
  /** The request that is not wholly answered. */
  exchange: Exchange | undefined
  /** The body of the request at hand, if one comes with it. */
  intake: Intake | undefined
  /** When it began, if anybody asks; and how much had been written by then. */
  #since = NaN
  #written = 0

  constructor(host: TurnHost, counters: Counters, outlet: Outlet) {
    this.#host = host
    this.#counters = counters
    this.#outlet = outlet
  }

  /** Whether bytes of a body are to come. */
  get inBody(): boolean {
    return this.intake !== undefined && !this.intake.ended
  }

  /** Whether bytes may come: of a body that is wanted, or of another request. */
  get open(): boolean {
    const { intake } = this
    return intake !== undefined && !intake.ended ? intake.open : this.exchange === undefined
  }

  /** Whether, as far as the request goes, the connection outlives an answer that is given now. */
  get lasting(): boolean {
    return this.head?.keepAlive === true && this.intake?.worthDropping !== false
  }

  /** The same of an answer that only begins: what is being read of the body will have been read by its end. */
  get hopeful(): boolean {
    return this.head?.keepAlive === true && (this.intake?.read === true || this.lasting)
  }

  /** A request came. */
  begin(head: RequestHead): Exchange {
    const { framing } = head
    const intake = framing === 'none' || framing === 0 ? undefined : new Intake(head, this.#host)
    const exchange = new Exchange(head, intake?.body, this.#host)
    this.head = head
    this.intake = intake
    this.exchange = exchange
    this.#counters.requests++
    this.#counters.active++
    this.#written = this.#outlet.written
    const { request, answer } = httpChannels
    this.#since = answer.hasSubscribers ? performance.now() : NaN
    if (request.hasSubscribers) request.publish({ exchange })
    return exchange
  }

  /** It has its answer, all of it. */
  answered(status: number): void {
    const { exchange } = this
    this.end()
    // Who did not listen at its beginning does not hear of its end.
    if (!exchange || !httpChannels.answer.hasSubscribers || Number.isNaN(this.#since)) return
    const duration = performance.now() - this.#since
    const bytesOut = this.#outlet.written - this.#written
    httpChannels.answer.publish({ exchange, status, duration, bytesOut })
  }

  /** There will be no answer, or no more of it. */
  end(): void {
    if (!this.exchange) return
    this.exchange.release()
    this.exchange = undefined
    this.#counters.active--
  }

  /** The client is gone, or cannot be understood any more. */
  abandon(error: Error): void {
    if (this.exchange?.abandon(error)) this.#counters.aborted++
    this.intake?.body.abort(error)
  }

  /** Request and answer are both over: the next one may come. */
  clear(): void {
    this.intake = this.head = undefined
  }
}
