import { ClosedError, type CloseOptions, type CloseReason, type Resource } from '@fairlead/core'
import { graceOf, Lifecycle } from '@fairlead/core/transport'

/** What is asked and told of whoever leaves. */
export interface LeavingHost {
  /** Whether nothing is left but what is under way. */
  readonly empty: boolean
  /** Takes nothing more, and lets go of what is idle. */
  drain(grace: number): void
  /** The grace is over: cuts what is left. */
  cut(): void
}

/** The polite end of what has pools of connections: it waits for what is under way, within a grace. */
export class Leaving {
  readonly #host: LeavingHost
  /** For messages. */
  readonly #refusal: string
  readonly #life = new Lifecycle()
  #underWay = 0
  #grace: ReturnType<typeof setTimeout> | undefined
  /** When what is left is cut. */
  #cutAt = Infinity

  /** @param refusal what whoever comes too late hears. */
  constructor(host: LeavingHost, refusal: string) {
    this.#host = host
    this.#refusal = refusal
  }

  get state(): Resource['state'] {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  /** Something is under way, which `close` waits for. @throws ClosedError behind that. */
  enter(): void {
    if (this.state !== 'open') throw new ClosedError(this.#refusal)
    this.#underWay++
  }

  leave(): void {
    this.#underWay--
    this.settle()
  }

  async close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    if (this.#life.begin()) {
      this.#host.drain(grace)
      this.settle()
    }
    if (this.state === 'closing') this.#cutWithin(grace)
    return this.#life.settled(options?.signal)
  }

  /** Waits for nothing: what is left is cut, by `cut`. */
  destroy(cut: () => void): void {
    this.#life.begin()
    cut()
    this.#underWay = 0
    this.settle()
  }

  /** Something is gone. */
  settle(): void {
    if (this.state !== 'closing' || this.#underWay > 0 || !this.#host.empty) return
    clearTimeout(this.#grace)
    this.#life.finish({ kind: 'local' })
  }

  /** A second, shorter grace shortens the first. */
  #cutWithin(grace: number): void {
    const cutAt = performance.now() + grace
    if (cutAt >= this.#cutAt) return
    this.#cutAt = cutAt
    clearTimeout(this.#grace)
    this.#grace = setTimeout(() => this.#host.cut(), grace)
  }
}
