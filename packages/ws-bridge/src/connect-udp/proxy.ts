import {
  type CloseOptions,
  type CloseReason,
  type Resource,
  type ResourceState,
  SocketError,
} from '@fairlead/core'
import { graceOf, Lifecycle } from '@fairlead/core/transport'
import type { Exchange, HttpListener } from '@fairlead/http'

import { Admission, type AdmissionHost } from './admission.ts'
import type { UdpProxySettings } from './options.ts'
import type { RefusalCause } from './refusal.ts'
import { Counters, type UdpProxyStats } from './stats.ts'
import { Tunnel, type TunnelHost, type TunnelSides } from './tunnel.ts'

/**
 * Makes UDP tunnels of what an HTTP listener is asked for. It closes with the listener, and its tunnels are told of the
 * listener's shutdown; `shutdown` of `@fairlead/core` takes it beside listeners.
 */
export interface UdpProxy extends Resource {
  /** Whether new tunnels are made; others are asked for in vain, with 503. */
  readonly accepting: boolean
  /** Makes no new tunnels until {@link resume}; those that there are go on. */
  suspend(): Promise<void>
  resume(): Promise<void>
  /** What was counted since it was made; a copy, which may be asked for as often as one likes. */
  stats(): UdpProxyStats
}

/** The {@link UdpProxy} on a listener. */
export class TunnelProxy implements UdpProxy, AdmissionHost, TunnelHost {
  readonly settings: UdpProxySettings
  readonly counters = new Counters()
  readonly #server: HttpListener
  readonly #life = new Lifecycle()
  readonly #tunnels = new Map<Tunnel, string>()
  readonly #admissions = new Set<Admission>()
  /** Tunnels that are there or being made, by the client's address. */
  readonly #places = new Map<string, number>()
  #taken = 0
  #suspended = false
  readonly #off: () => void
  #reason: CloseReason = { kind: 'local' }

  constructor(server: HttpListener, settings: UdpProxySettings) {
    this.settings = settings
    this.#server = server
    this.#off = server.onUpgrade((exchange) => this.#take(exchange))
    void server.closed.then((reason) => {
      this.#reason = reason
      void this.close({ grace: 0 })
    })
  }

  get state(): ResourceState {
    return this.#life.state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get accepting(): boolean {
    return !this.#suspended && this.state === 'open' && this.#server.state === 'open'
  }

  suspend(): Promise<void> {
    this.#suspended = true
    return Promise.resolve()
  }

  resume(): Promise<void> {
    this.#suspended = false
    return Promise.resolve()
  }

  stats(): UdpProxyStats {
    return this.counters.snapshot(this.#tunnels.size)
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    if (this.#life.begin()) {
      this.#off()
      for (const admission of this.#admissions) admission.abort()
    }
    if (this.state === 'closing') {
      // Each of the two sides is cut when the grace is over.
      for (const tunnel of this.#tunnels.keys()) tunnel.close(grace)
      this.#settle()
    }
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    if (this.state === 'closed') return
    if (error) this.#reason = { kind: 'error', error: SocketError.from(error, 'Proxy destroyed') }
    for (const tunnel of this.#tunnels.keys()) tunnel.destroy(error)
    void this.close({ grace: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // What an admission asks and tells.

  reserve(place: string): RefusalCause | undefined {
    const { maxTunnels, maxTunnelsPerAddress } = this.settings
    const there = this.#places.get(place) ?? 0
    if (this.#taken >= maxTunnels) return 'maxTunnels'
    if (there >= maxTunnelsPerAddress) return 'maxTunnelsPerAddress'
    this.#taken++
    this.#places.set(place, there + 1)
    return undefined
  }

  open(sides: TunnelSides, head: Uint8Array, place: string): void {
    const tunnel = new Tunnel(sides, this)
    this.counters.accepted++
    this.#tunnels.set(tunnel, place)
    tunnel.begin(head)
  }

  over(admission: Admission, place: string | undefined): void {
    this.#admissions.delete(admission)
    if (place !== undefined) this.#free(place)
  }

  // What a tunnel tells.

  release(tunnel: Tunnel): void {
    const place = this.#tunnels.get(tunnel)
    if (place === undefined) return
    this.#tunnels.delete(tunnel)
    this.#free(place)
    this.#settle()
  }

  #take(exchange: Exchange): boolean {
    const { request } = exchange
    if (!request.upgrade?.includes('connect-udp')) return false
    const variables = this.settings.template.match(targetOf(request))
    if (!variables) return false
    const admission = new Admission(exchange, this)
    this.#admissions.add(admission)
    void admission.decide(variables)
    return true
  }

  #free(place: string): void {
    this.#taken--
    const left = (this.#places.get(place) ?? 1) - 1
    if (left === 0) this.#places.delete(place)
    else this.#places.set(place, left)
  }

  #settle(): void {
    if (this.state !== 'closing' || this.#tunnels.size > 0) return
    this.#life.finish(this.#reason)
  }
}

/** Path and query as sent, of the absolute form, too, which RFC 9298 section 3.2 has in its example. */
function targetOf({ form, target }: Exchange['request']): string {
  return form === 'absolute' ? target.replace(/^[a-z][\d+.a-z-]*:\/\/[^/?#]*/i, '') : target
}
