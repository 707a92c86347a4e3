import { randomBytes } from 'node:crypto'

import { ClosedError, type Resource } from '@fairlead/core'
import { checkOptions } from '@fairlead/core/transport'

import type { IpAddress } from '../address/datagram.ts'
import { AnnounceSchedule } from './announce-schedule.ts'
import type { Random } from './jitter.ts'
import type { Medium } from './medium.ts'
import { type Announce, encode, type Message } from './message.ts'
import { type DiscoveryStats, Participant } from './participant.ts'
import { checkService, type Service, type ServiceUpdate } from './service.ts'

/** Milliseconds between two goodbyes: what loses one datagram often loses the next. */
const goodbyeGap = 50

/**
 * A service that is being announced, for as long as this is open. Whoever called `announce` owns it.
 *
 * `close` says goodbye; after `destroy`, or a crash, others notice when the lifetime has passed.
 */
export interface Announcement extends Resource {
  /** Random: what others find it by, and a peer leaves itself out by. 32 hexadecimal digits. */
  readonly id: string
  /** As it is announced. */
  readonly service: Required<Service>
  /**
   * Announces what changed, in 20 to 120 ms; updates in quick succession go out as one, at most four in a
   * second. May be repeated.
   *
   * @throws TypeError, RangeError or LimitError as `announce`, and then nothing changed; ClosedError.
   */
  update(changes: ServiceUpdate): void
  stats(): DiscoveryStats
}

/** What is announced first, under a new id. @throws LimitError when it does not fit into a datagram. */
export function firstAnnounce(service: Required<Service>, lifetime: number): Announce {
  const id = randomBytes(16).toString('hex')
  const announce = { kind: 'announce', id, revision: 0, lifetime, service } as const
  encode(announce)
  return announce
}

/** The {@link Announcement} over a medium, which it owns. */
export class ServiceAnnouncement extends Participant implements Announcement {
  readonly id: string
  readonly #schedule: AnnounceSchedule
  #announce: Announce
  #datagram: Uint8Array

  constructor(medium: Medium, first: Announce, random: Random = Math.random) {
    super(medium)
    this.id = first.id
    this.#announce = first
    this.#datagram = encode(first)
    this.#schedule = new AnnounceSchedule(first.lifetime, random)
    this.start()
  }

  get service(): Required<Service> {
    return this.#announce.service
  }

  update(changes: ServiceUpdate): void {
    if (this.state !== 'open') throw new ClosedError('Cannot update: announcement is closed')
    checkOptions('update', changes)
    const service = checkService({ ...this.service, ...changes, type: this.service.type })
    const announce = { ...this.#announce, revision: this.#announce.revision + 1, service }
    this.#datagram = encode(announce)
    this.#announce = announce
    this.again()
  }

  protected get refused(): number {
    return 0
  }

  protected get next(): number {
    return this.#schedule.next
  }

  protected restart(now: number): void {
    this.#schedule.restart(now)
  }

  protected hear(message: Message, _from: IpAddress, now: number): void {
    if (message.kind !== 'query') return
    if (message.type === '' || message.type === this.service.type) this.#schedule.asked(now)
  }

  protected ring(now: number): number {
    if (this.#schedule.take(now)) this.medium.send(this.#datagram)
    return this.next
  }

  protected override async farewell(grace: number): Promise<void> {
    const goodbye = encode({ ...this.#announce, lifetime: 0 })
    this.medium.send(goodbye)
    await new Promise((resolve) => setTimeout(resolve, Math.min(goodbyeGap, grace)))
    if (this.state !== 'closed') this.medium.send(goodbye)
  }
}
