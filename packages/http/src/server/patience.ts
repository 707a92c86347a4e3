import { Deadline } from '@fairlead/core/transport'

import type { HttpTimes } from './options.ts'

/**
 * What a connection waits for: the first byte of another request, the rest of a head, more of a body that somebody
 * wants, the rest of one that nobody does, or the application (and, with it, a peer that has to read first).
 */
export type Phase = 'idle' | 'headers' | 'body' | 'rest' | 'handler'

/** Who hears that something did not come in time. */
export interface PatienceHost {
  /** The peer did not do its part of `phase`. */
  readTimedOut(phase: Exclude<Phase, 'handler'>): void
  /** The application did not. */
  handlerTimedOut(): void
}

/**
 * How long a connection waits for what, on its reading side.
 *
 * ```text
 *   (new) ─▶ headers ──head──▶ handler ◀──somebody reads──▶ body
 *               ▲                 │                           │
 *             byte              answer                  answer, early
 *               │                 ▼                           ▼
 *               └────────────── idle ◀──────end──────────── rest
 * ```
 *
 * It is told the phase when a turn's work is done, not at each step of it: of a thousand requests that came
 * together, the clock is looked at once.
 */
export class Patience {
  readonly #times: HttpTimes
  readonly #host: PatienceHost
  readonly #reading = new Deadline({ onDeadline: () => this.#passed() })
  /** Only where `handlerTimeout` is finite. */
  readonly #handling: Deadline | undefined
  #phase: Phase = 'headers'
  /** What the peer has left for more of the body, and when that ends: pausing does not wind the clock up. */
  #bodyLeft: number
  #bodyUntil = Infinity

  /** A new connection has `headersTimeout` for its first head, whether or not a byte of it has come. */
  constructor(times: HttpTimes, host: PatienceHost) {
    this.#times = times
    this.#bodyLeft = times.bodyTimeout
    this.#host = host
    this.#reading.set(times.headersTimeout)
    if (times.handlerTimeout !== Infinity) {
      this.#handling = new Deadline({ onDeadline: () => host.handlerTimedOut() })
    }
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Waits for `phase` from now on. One that goes on keeps its deadline, unless it begins anew. */
  enter(phase: Phase, anew: boolean): void {
    if (phase === this.#phase && !anew) return
    if (anew) this.#bodyLeft = this.#times.bodyTimeout
    else if (this.#phase === 'body') this.#bodyLeft = this.#bodyUntil - Deadline.now()
    this.#phase = phase
    if (phase === 'body') this.#bodyUntil = Deadline.now() + this.#bodyLeft
    if (phase === 'handler') this.#reading.clear()
    else this.#set(this.#timeOf(phase))
  }

  /** The listener shuts down: an idle peer has that long. */
  shorten(milliseconds: number): void {
    this.#phase = 'idle'
    this.#set(milliseconds)
  }

  /** A request was given to the application. */
  begin(): void {
    this.#handling?.set(this.#times.handlerTimeout)
  }

  /** It was answered, whole. */
  end(): void {
    this.#handling?.clear()
  }

  /** Nothing is waited for any more but an answer that is on its way. */
  deafen(): void {
    this.#reading.clear()
  }

  release(): void {
    this.#reading.release()
    this.#handling?.release()
  }

  #timeOf(phase: Exclude<Phase, 'handler'>): number {
    const { headersTimeout, bodyTimeout, keepAliveTimeout, lingerGrace } = this.#times
    if (phase === 'idle') return keepAliveTimeout
    // The peer has its answer, and is only heard out.
    if (phase === 'rest') return Math.min(lingerGrace, bodyTimeout)
    return phase === 'body' ? this.#bodyLeft : headersTimeout
  }

  #set(milliseconds: number): void {
    if (milliseconds === Infinity) this.#reading.clear()
    else this.#reading.set(milliseconds)
  }

  #passed(): void {
    if (this.#phase !== 'handler') this.#host.readTimedOut(this.#phase)
  }
}
