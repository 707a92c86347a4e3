import type { ByteConnection } from '@fairlead/core'
import type { TlsClientOptions } from '@fairlead/tcp'

import { connect, connectBy, type Route, tlsFor } from './connect.ts'
import type { ClientOptions, ProxyOf } from './options.ts'
import type { Origin } from './origin.ts'
import { type Opener, Pool, type PoolHost } from './pool.ts'
import { proxyFromEnvironment } from './proxy/environment.ts'
import { type HttpProxy, parseProxy } from './proxy/proxy.ts'
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
    if (proxy?.secure && tunnelled && !hook) {
      throw new TypeError(
        'Invalid option proxy: a tunnel through a proxy that speaks TLS itself is up to a function, the option connect',
      )
    }
    const asked = tunnelled ? undefined : proxy
    // Said once for each pool: options of TLS are read once for each object.
    const tls = proxy || unix !== undefined ? { serverName: origin.host, ...this.#tls } : this.#tls
    const direct = asked ? { ...tls, serverName: asked.host } : tls
    const secure = (asked ?? origin).secure
    // With a hook nobody else connects to the proxy, and on this connection come the requests to all origins.
    const { key, host, port } = hook && asked ? asked : origin
    const route: Omit<Route, 'timeouts'> = {
      origin: key,
      host,
      port,
      unix,
      proxy,
      tunnelled,
      tls: secure ? direct : undefined,
    }
    return (signal, timeouts): Promise<ByteConnection> =>
      hook ? connectBy(hook, { ...route, timeouts }, signal) : connect({ ...route, timeouts }, signal)
  }
}

/** Requests with other credentials for the same proxy share no connection. */
function nameOf({ key, authorization = '' }: HttpProxy): string {
  return `${key} ${authorization}`
}

/** The proxy of each URL; one that is no good is refused at once, where it is known. */
function proxiesOf(proxy: ClientOptions['proxy']): ((url: URL) => HttpProxy | undefined) | undefined {
  if (proxy === undefined) return undefined
  if (proxy instanceof URL || (typeof proxy === 'string' && proxy !== 'environment')) {
    const parsed = parseProxy(proxy)
    return () => parsed
  }
  if (typeof proxy === 'function') return (url) => asProxy(proxy(url))
  if (proxy !== 'environment') throw new TypeError('Invalid option proxy: must be a URL or a function')
  const find = proxyFromEnvironment()
  const parsed = new WeakMap<URL, HttpProxy>()
  return (url) => {
    const found = find(url)
    if (found === undefined) return undefined
    const known = parsed.get(found) ?? parseProxy(found)
    parsed.set(found, known)
    return known
  }
}

function asProxy(found: ReturnType<ProxyOf>): HttpProxy | undefined {
  if (found === undefined) return undefined
  // Of a promise nobody would hear that it rejects.
  if ((found as unknown) instanceof Promise) (found as unknown as Promise<unknown>).catch(() => {})
  return parseProxy(found)
}
