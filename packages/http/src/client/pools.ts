import type { TlsClientOptions } from '@fairlead/tcp'

import { connect, connectBy, tlsFor } from './connect.ts'
import type { ClientOptions } from './options.ts'
import type { Origin } from './origin.ts'
import { type Opener, Pool, type PoolHost } from './pool.ts'
import { proxiesOf } from './proxy/proxies.ts'
import type { HttpProxy } from './proxy/proxy.ts'
import { routeOf } from './route.ts'
import type { Target } from './target.ts'

/** The pools of a client, by whom and what they connect through; one that is empty is forgotten. */
export class Pools implements Iterable<Pool> {
  readonly #pools = new Map<string, Pool>()
  readonly #hook: ClientOptions['connect']
  readonly #tls: TlsClientOptions
  readonly #proxyOf: ((url: URL) => HttpProxy | undefined) | undefined
  readonly #host: PoolHost
  #draining = false
  #destroyed: Error | undefined

  /**
   * @param emptied called when the last one is gone.
   * @throws TypeError that names the option.
   */
  constructor({ connect, tls, proxy }: ClientOptions, host: Omit<PoolHost, 'empty'>, emptied: () => void) {
    this.#hook = connect
    this.#tls = tlsFor(tls)
    this.#proxyOf = proxiesOf(proxy)
    this.#host = {
      ...host,
      empty: (pool) => {
        if (this.#pools.get(pool.key) !== pool) return
        this.#pools.delete(pool.key)
        if (this.#pools.size === 0) emptied()
      },
    }
  }

  get size(): number {
    return this.#pools.size
  }

  [Symbol.iterator](): Iterator<Pool> {
    return this.#pools.values()
  }

  /** The proxy that a URL is asked through. @throws TypeError for what is no proxy. */
  proxyOf(url: URL): HttpProxy | undefined {
    return this.#proxyOf?.(url)
  }

  /**
   * The pool for a target: that of its origin, or of its proxy, which plain requests of all origins may share.
   *
   * @throws what they were destroyed with.
   */
  of({ origin }: Target, unix: string | undefined, proxy: HttpProxy | undefined, tunnelled: boolean): Pool {
    if (this.#destroyed) throw this.#destroyed
    const whom = proxy && !tunnelled ? proxy : origin
    const key = unix === undefined && !proxy ? whom.key : `${whom.key} by ${unix ?? nameOf(proxy!)}`
    const known = this.#pools.get(key)
    if (known) return known
    const pool = new Pool(key, whom.key, this.#opener(origin, unix, proxy, tunnelled), this.#host)
    if (this.#draining) pool.drain()
    this.#pools.set(key, pool)
    return pool
  }

  /** Connections go when what waits for them is done; what is under way may still ask for others. */
  drain(): void {
    this.#draining = true
    for (const pool of this) pool.drain()
  }

  destroy(error: Error): void {
    this.#destroyed = error
    for (const pool of this) pool.destroy(error)
  }

  #opener(
    origin: Origin,
    unix: string | undefined,
    proxy: HttpProxy | undefined,
    tunnelled: boolean,
  ): Opener {
    const hook = this.#hook
    const route = routeOf({ origin, unix, proxy, tunnelled, tls: this.#tls, hooked: hook !== undefined })
    return (signal, timeouts) =>
      hook ? connectBy(hook, { ...route, timeouts }, signal) : connect({ ...route, timeouts }, signal)
  }
}

/** Requests with other credentials for the same proxy share no connection. */
function nameOf({ key, authorization = '' }: HttpProxy): string {
  return `${key} ${authorization}`
}
