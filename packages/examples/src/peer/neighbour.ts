import { formatAddress } from '@fairlead/core'
import type { IpAddress } from '@fairlead/udp'
import type { Peer } from '@fairlead/udp/discovery'

import { Budget } from '../hub/budget.ts'
import { nickname } from '../hub/talk.ts'
import { Outbox } from './outbox.ts'

/** Messages that one may send at once, and then each second. */
const burst = 50
const perSecond = 20

/** Another peer, for as long as it is there. */
export class Neighbour {
  readonly name: string
  /** Tells those of one name apart: given here, because a name, an id and a port can be anybody's claim. */
  readonly number: number
  readonly since = new Date()
  readonly outbox = new Outbox()
  readonly #gone = new AbortController()
  readonly #budget = new Budget(burst, perSecond)
  #speaking = false
  #peer: Peer

  constructor(peer: Peer, number: number) {
    this.#peer = peer
    this.name = nameOf(peer)
    this.number = number
  }

  get id(): string {
    return this.#peer.id
  }

  get address(): IpAddress {
    return this.#peer.address
  }

  get where(): string {
    return formatAddress(this.address)
  }

  /** Aborted when it is there no more. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** What was announced anew. The name it came with stays. */
  update(peer: Peer): void {
    this.#peer = peer
  }

  leave(): void {
    this.#gone.abort()
  }

  /** Whether a datagram from this address is its. */
  isAt({ host, port }: IpAddress): boolean {
    return this.#peer.addresses.some((it) => it.host === host && it.port === port)
  }

  /**
   * Whether it may say something now; if it says too much, that takes a while. Who is honest says one thing after
   * the other, and is so slowed down; who is not is refused.
   */
  async admit(): Promise<boolean> {
    if (this.#speaking) return false
    this.#speaking = true
    await this.#budget.spend()
    this.#speaking = false
    return true
  }
}

/** As it is shown: without spaces and colons, so that it cannot pass for a notice, or for somebody else's words. */
export function nameOf({ name }: Peer): string {
  return nickname(name) ?? 'somebody'
}
