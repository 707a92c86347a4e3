import { ClosedError, type CloseOptions, type CloseReason, LimitError, type Resource } from '@fairlead/core'
import { checkFunction, checkOptions, checkPositive, checkTime, Deadline } from '@fairlead/core/transport'

import { Call, type CallHost, type CallOptions, type Outcome } from '../client/call.ts'
import { clientChannels } from '../client/diagnostics.ts'
import { Leaving, type LeavingHost } from '../client/leaving.ts'
import { Pools } from '../client/pools.ts'
import type { PreparedRequest } from '../client/prepared-request.ts'
import { checkCount, type Limits, limitsOf, type Shared, sharedOf } from '../client/settings.ts'
import { Counters } from '../client/stats.ts'
import { type Allow, connecting } from './connect.ts'
import type { ProxyOptions, ProxyStats } from './options.ts'
import type { Presence } from './presence.ts'
import type { Tunnel } from './tunnel.ts'

/** What a request on its way is told and asked. */
export interface Asking extends Pick<CallOptions, 'onInform' | 'trailers'> {
  /** Of whom it is for: without it, it is aborted. */
  readonly presence: Presence
}

/**
 * The servers behind a proxy: a pool for each origin, and what became of upgrades. Requests go out as they were
 * prepared: with the target and the fields of whoever asked, and none of a client's own.
 */
export class Upstream implements CallHost, LeavingHost, Resource {
  readonly limits: Limits
  readonly #shared: Shared
  readonly #pools: Pools
  readonly #counters = new Counters()
  readonly #queueTimeout: number
  readonly #tunnels = new Set<Tunnel>()
  /** Requests that have not come to an answer keep it. */
  readonly #leaving = new Leaving(this, 'Cannot pass on: the proxy is closed')

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: ProxyOptions, allow: Allow | undefined) {
    const { maxConnections = 256, maxQueued = 1_024, queueTimeout = 30_000, idleTimeout = 4_000 } = options
    checkPositive('maxConnections', maxConnections)
    checkCount('maxQueued', maxQueued, Infinity)
    checkTime('idleTimeout', idleTimeout)
    checkFunction('connect', options.connect)
    if (options.tls !== undefined) checkOptions('tls', options.tls)
    const { retry, timeouts, unix, tls, connect } = options
    this.limits = limitsOf(options)
    this.#queueTimeout = queueTimeout
    this.#shared = sharedOf({
      decode: false,
      redirects: 0,
      ...(retry !== undefined && { retry }),
      ...(timeouts !== undefined && { timeouts }),
      ...(unix !== undefined && { unix }),
    })
    const count = (bytesIn: number, bytesOut: number): void => this.#counters.pass(bytesIn, bytesOut)
    const settings = { limits: this.limits, pipelining: 1, idleTimeout, maxConnections, maxQueued, count }
    this.#pools = new Pools({ connect: connecting(allow, connect), ...(tls && { tls }) }, settings, () =>
      this.#leaving.settle(),
    )
  }

  get state(): Resource['state'] {
    return this.#leaving.state
  }

  get closed(): Promise<CloseReason> {
    return this.#leaving.closed
  }

  stats(): ProxyStats {
    return { ...this.#counters.copy(this.#pools), tunnels: this.#tunnels.size }
  }

  /** Something begins that `close` waits for. @throws ClosedError behind `close`. */
  enter(): void {
    this.#leaving.enter()
  }

  leave(): void {
    this.#leaving.leave()
  }

  /** Sends it, and resolves with its answer, or the connection that goes on with another protocol. */
  send(request: PreparedRequest, { presence, onInform, trailers }: Asking): Promise<Outcome> {
    const { target, upgrade } = request
    const { unix, times } = this.#shared
    const tunnelled = target.origin.secure || upgrade !== undefined
    let timer: Deadline | undefined
    return new Promise<Outcome>((resolve, reject) => {
      if (presence.gone) throw presence.reason
      const until = times.total === Infinity ? Infinity : Deadline.now() + times.total
      const options = {
        signal: undefined,
        onInform,
        trailers,
        shared: this.#shared,
        until,
        onDownload: undefined,
        onUpload: undefined,
      }
      const pool = this.#pools.of(target, unix, undefined, tunnelled)
      const call = new Call(request, options, pool, this, resolve, reject)
      presence.onGone = () => call.cancel(presence.reason)
      this.#counters.requests++
      this.#counters.active++
      try {
        if (clientChannels.request.hasSubscribers) {
          clientChannels.request.publish({ request: call.record })
          if (call.over) return
          call.pool = this.#pools.of(target, unix, undefined, tunnelled)
        }
        call.pool.dispatch(call)
      } catch (error) {
        call.fail(error, false)
      }
      if (call.attempts > 0 || call.over) return
      timer = new Deadline({ onDeadline: () => this.#waitedLong(call) })
      timer.set(this.#queueTimeout)
    })
      .catch((error: unknown) => {
        request.body?.discard()
        throw error
      })
      .finally(() => timer?.clear())
  }

  again(call: Call): void {
    this.#counters.retries++
    call.pool.again(call)
  }

  ended(call: Call, failed: boolean): void {
    this.#counters.active--
    if (failed) this.#counters.failed++
    call.request.body?.discard()
  }

  /** A connection goes on with another protocol, for as long as both sides like. */
  add(tunnel: Tunnel): void {
    this.#tunnels.add(tunnel)
    void tunnel.over.then(() => {
      this.#tunnels.delete(tunnel)
      this.#leaving.settle()
    })
  }

  get empty(): boolean {
    return this.#pools.size === 0 && this.#tunnels.size === 0
  }

  drain(grace: number): void {
    this.#pools.drain()
    for (const tunnel of this.#tunnels) tunnel.close(grace)
  }

  cut(): void {
    this.destroy()
  }

  /** Takes no more requests, and lets its connections go when what is under way is done. */
  close(options?: CloseOptions): Promise<void> {
    return this.#leaving.close(options)
  }

  destroy(error: Error = new ClosedError('The proxy was destroyed')): void {
    this.#leaving.destroy(() => {
      this.#pools.destroy(error)
      for (const tunnel of this.#tunnels) tunnel.destroy(error)
      this.#tunnels.clear()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #waitedLong(call: Call): void {
    if (call.attempts > 0 || call.over) return
    const text = `Cannot queue: no connection was free within ${this.#queueTimeout} ms`
    call.pool.forget(call)
    call.fail(
      new LimitError(text, { limit: 'queueTimeout', value: this.#queueTimeout, phase: 'connect' }),
      false,
    )
  }
}
