import {
  type CloseOptions,
  type CloseReason,
  type Resource,
  type ResourceState,
  SocketError,
} from '@fairlead/core'
import { Deadline, graceOf, Lifecycle } from '@fairlead/core/transport'

import type { IpAddress } from '../address/datagram.ts'
import { Alarm } from './alarm.ts'
import type { Medium, MediumStats } from './medium.ts'
import { decode, type Message } from './message.ts'

/** What an announcement or a discovery counted since it began; a copy. */
export interface DiscoveryStats extends MediumStats {
  /** Dropped, because they were no messages of this protocol and version. */
  readonly malformed: number
  /** Announcements of peers for which a discovery had no room. */
  readonly refused: number
}

/** What announcing and discovering have in common: a medium, a timer and a life. */
export abstract class Participant implements Resource {
  protected readonly medium: Medium
  readonly #life = new Lifecycle()
  readonly #alarm = new Alarm((now) => this.ring(now))
  #malformed = 0

  constructor(medium: Medium) {
    this.medium = medium
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  stats(): DiscoveryStats {
    return Object.freeze({ ...this.medium.stats(), malformed: this.#malformed, refused: this.refused })
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    if (this.#life.begin()) void this.#part(grace)
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    this.#alarm.stop()
    this.medium.destroy()
    this.finish(
      error ? { kind: 'error', error: SocketError.from(error, 'Discovery destroyed') } : { kind: 'local' },
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Begins, once all is made. */
  protected start(): void {
    this.medium.handle({
      onDatagram: (data, from) => this.#heard(data, from),
      onLink: () => this.again(),
    })
    this.again()
  }

  /** Begins anew: something changed, or there is somebody new to tell. */
  protected again(): void {
    if (this.state !== 'open') return
    const now = Deadline.now()
    this.restart(now)
    this.#alarm.set(this.next)
  }

  protected finish(reason: CloseReason): void {
    this.#life.finish(reason)
  }

  /** What is said last. */
  protected async farewell(_grace: number): Promise<void> {}

  protected abstract readonly refused: number
  /** When {@link ring} is to be called. */
  protected abstract readonly next: number
  protected abstract restart(now: number): void
  protected abstract hear(message: Message, from: IpAddress, now: number): void
  /** Does what is due, and returns when to be called again. */
  protected abstract ring(now: number): number

  #heard(data: Uint8Array, from: IpAddress): void {
    if (this.state !== 'open') return
    const message = decode(data)
    if (!message) return void this.#malformed++
    this.hear(message, from, Deadline.now())
    this.#alarm.set(this.next)
  }

  async #part(grace: number): Promise<void> {
    this.#alarm.stop()
    await this.farewell(grace)
    await this.medium.close(grace)
    this.finish({ kind: 'local' })
  }
}
