import {
  type Address,
  type CloseOptions,
  type CloseReason,
  type ResourceState,
  SocketError,
} from '@fairlead/core'
import { graceOf, Lifecycle } from '@fairlead/core/transport'
import type { TlsServerOptions } from '@fairlead/tcp'

import type { Bridge } from './bridge.ts'
import type { EndCause } from './crossing.ts'
import { bridgeChannels } from './diagnostics.ts'
import { largestDatagram } from './dial.ts'
import type { Source } from './endpoints.ts'
import type { Halls } from './halls.ts'
import { type CrossingOwner, type Ends, Joint } from './joint.ts'
import type { BridgeOptions } from './options.ts'
import type { Place } from './place.ts'
import { BridgeRefusal, type RefusalCause } from './refusals.ts'
import { type BridgeStats, Counters } from './stats.ts'

/** Milliseconds. What the system holds for a slow reader takes a while. */
const defaultLinger = 30_000
const defaultMaxPayload = 1024 * 1024

/** The {@link Bridge}: keeps its crossings, and counts. */
export class Carrier implements Bridge, Halls, CrossingOwner {
  readonly crossings = new Set<Joint>()
  readonly times
  readonly halfClose: 'close' | 'wait'
  readonly maxPayload: number
  readonly maxMessageSize: number
  readonly #counters = new Counters()
  readonly #life = new Lifecycle()
  readonly #approaches = new Set<AbortController>()
  #place!: Place
  #reason: CloseReason = { kind: 'local' }
  #empty: (() => void) | undefined

  constructor(options: BridgeOptions, { scheme }: Source) {
    const { idleTimeout, totalTimeout, lingerTimeout, maxPayload, listen, connect } = options
    // Sessions of datagrams have a time of their own, which ends them.
    const idle = scheme === 'udp' ? Infinity : (idleTimeout ?? Infinity)
    this.times = { idle, total: totalTimeout ?? Infinity, linger: lingerTimeout ?? defaultLinger }
    this.halfClose = options.halfClose ?? 'close'
    this.maxPayload = maxPayload ?? defaultMaxPayload
    this.maxMessageSize = listen?.maxMessageSize ?? connect?.maxMessageSize ?? largestDatagram
  }

  /** Listens at `place` from now on. */
  at(place: Place): this {
    this.#place = place
    // Whoever owns it has closed it.
    void place.closed.then(() => {
      if (this.state === 'open') void this.close({ grace: 0 })
    })
    return this
  }

  get drops() {
    return this.#counters.drops
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get address(): Address {
    return this.#place.address
  }

  get accepting(): boolean {
    return this.state === 'open' && this.#place.accepting
  }

  suspend(): Promise<void> {
    return this.#place.suspend()
  }

  async resume(): Promise<void> {
    if (this.state === 'open') await this.#place.resume()
  }

  async setTls(options: TlsServerOptions): Promise<void> {
    if (!this.#place.setTls) throw new TypeError('Cannot set TLS: the bridge shows no certificate of its own')
    await this.#place.setTls(options)
  }

  stats(): BridgeStats {
    return this.#counters.snapshot(this.crossings)
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    if (this.state !== 'closed') {
      const first = this.#life.begin()
      for (const approach of this.#approaches) approach.abort(new BridgeRefusal('closing'))
      for (const crossing of this.crossings) crossing.shutdown(grace)
      void this.#place.close({ grace })
      if (first) void this.#finish()
    }
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    if (this.state === 'closed') return
    if (error) this.#reason = { kind: 'error', error: SocketError.from(error, 'Bridge destroyed') }
    for (const crossing of this.crossings) crossing.destroy(error)
    this.#place.destroy(error)
    void this.close({ grace: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // What the entrances tell.

  approach(): AbortController {
    const approach = new AbortController()
    this.#counters.connecting++
    this.#approaches.add(approach)
    if (this.state !== 'open') approach.abort(new BridgeRefusal('closing'))
    return approach
  }

  arrived(approach: AbortController): void {
    this.#counters.connecting--
    this.#approaches.delete(approach)
  }

  refused(peer: Address, cause: RefusalCause, error?: unknown): void {
    this.#counters.refused[cause]++
    if (!bridgeChannels.refuse.hasSubscribers) return
    bridgeChannels.refuse.publish({ bridge: this, peer, cause, ...(error !== undefined && { error }) })
  }

  cross(ends: Ends): void {
    const crossing = new Joint(++this.#counters.total, ends, this)
    this.crossings.add(crossing)
    if (bridgeChannels.open.hasSubscribers) bridgeChannels.open.publish({ bridge: this, crossing })
    crossing.begin()
  }

  over(crossing: Joint, cause: EndCause): void {
    this.crossings.delete(crossing)
    this.#counters.add(crossing)
    this.#counters.ended[cause]++
    if (bridgeChannels.close.hasSubscribers) bridgeChannels.close.publish({ bridge: this, crossing, cause })
    if (this.crossings.size === 0) this.#empty?.()
  }

  /** Each side is cut when its grace is over, so that this has an end. */
  async #finish(): Promise<void> {
    await this.#place.closed
    if (this.crossings.size > 0) await new Promise<void>((resolve) => (this.#empty = resolve))
    this.#life.finish(this.#reason)
  }
}
