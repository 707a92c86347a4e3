import type {
  Accept,
  Address,
  ByteConnection,
  CloseOptions,
  CloseReason,
  Listener,
  ResourceState,
} from '@fairlead/core'
import { AcceptQueue, defaultAcceptBacklog, graceOf, Lifecycle, ready } from '@fairlead/core/transport'
import type { StreamListener, TlsServerOptions } from '@fairlead/tcp'

import { Background } from './background.ts'
import { type ClientFacts, clientsOf } from './client-facts.ts'
import { ServerConnection } from './connection.ts'
import type { ServerContext } from './context.ts'
import { httpChannels } from './diagnostics.ts'
import type { Exchange } from './exchange.ts'
import { inject } from './inject.ts'
import { type HttpListenOptions, limitsOf, timesOf } from './options.ts'
import { Counters, type HttpStats } from './stats.ts'
import { replaceTls } from './tls-options.ts'

/** Called once for each request. What it throws, or rejects with, is answered with 500 if nothing else was. */
export type OnExchange = (exchange: Exchange) => void | Promise<void>

/**
 * Called for each request that offers another protocol, or is a CONNECT. True when it answers it or takes it over,
 * now or later; false leaves it to the next one, and in the end to the application. A promise is waited for: nobody
 * else is asked before. What it throws, or rejects with, is answered with 500.
 *
 * @example
 * ```ts
 * server.onUpgrade(async (exchange) => {
 *   if (!exchange.request.upgrade?.includes('shout')) return false
 *   await journal.append(exchange.request.target)
 *   await exchange.takeOver().connection.close()
 *   return true
 * })
 * ```
 */
export type OnUpgrade = (exchange: Exchange) => boolean | Promise<boolean>

/** Waits for HTTP requests. Without an {@link OnExchange} callback it is iterated. */
export interface HttpListener extends Listener<ByteConnection, Exchange> {
  /** Adds a callback for upgrades; the function that is returned takes it off again. */
  onUpgrade(callback: OnUpgrade): () => void
  /** What was counted so far; a copy. */
  stats(): HttpStats
  /**
   * Puts other certificates and rules for TLS in the place of those there are, as a whole; connections under way keep
   * theirs. When they are no good this rejects with a TypeError that names the option, and nothing changes.
   */
  setTls(options: TlsServerOptions): Promise<void>
  /** Asks without a socket, and resolves with the answer: for tests. */
  inject(request: Request | URL | string, init?: RequestInit): Promise<Response>
}

/** An {@link HttpListener} is a byte listener with a {@link ServerConnection} on each of its connections. */
export class HttpServer implements HttpListener, ServerContext {
  readonly times
  readonly limits
  readonly counters = new Counters()
  readonly clientOf: (exchange: Exchange) => ClientFacts
  readonly #onExchange: OnExchange | undefined
  readonly #onError: HttpListenOptions['onError']
  readonly #upgrades = new Set<OnUpgrade>()
  readonly #queue = new AcceptQueue<Exchange>(defaultAcceptBacklog)
  readonly #background = new Background()
  /** Connections that are none of the listener's. */
  readonly #attached = new Map<ByteConnection, ServerConnection>()
  readonly #life = new Lifecycle()
  #listener!: Listener<ByteConnection>

  constructor(options: HttpListenOptions, onExchange: OnExchange | undefined) {
    this.times = timesOf(options)
    this.limits = limitsOf(options)
    this.clientOf = clientsOf(options)
    this.#onExchange = onExchange
    this.#onError = options.onError
  }

  /** Listens through `listen` of some transport. */
  async start(
    listen: (accept: Accept<ByteConnection, Uint8Array>) => Promise<Listener<ByteConnection>>,
  ): Promise<void> {
    this.#listener = await listen((connection) => new ServerConnection(connection, this))
    void this.#listener.closed.then(async (reason) => {
      this.#queue.close()
      await this.#background.settled()
      for (const connection of this.#attached.keys()) connection.destroy()
      this.#life.finish(reason)
    })
  }

  dispatch(exchange: Exchange): void {
    try {
      if (this.#upgrades.size > 0 && exchange.offersUpgrade) this.#offer(exchange, this.#upgrades.values())
      else this.#give(exchange)
    } catch (error) {
      exchange.fail(error)
    }
  }

  /** Whoever is told of errors has none of his own to tell. */
  tell(exchange: Exchange, error: unknown): void {
    if (httpChannels.error.hasSubscribers) httpChannels.error.publish({ exchange, error })
    const tell = async (): Promise<void> => this.#onError?.(error, exchange)
    tell().catch(() => {})
  }

  get closing(): boolean {
    return this.#listener.state !== 'open'
  }

  /**
   * Speaks HTTP on a connection that did not come by way of the listener, as {@link inject} makes one. It takes part
   * in the listener's close all the same.
   */
  attach(connection: ByteConnection): void {
    const served = new ServerConnection(connection, this)
    this.#attached.set(connection, served)
    this.#background.add(connection.closed.then(() => this.#attached.delete(connection)))
    connection.handle(served)
  }

  inject(request: Request | URL | string, init?: RequestInit): Promise<Response> {
    return inject(this, request, init)
  }

  stats(): HttpStats {
    return this.counters.copy((this.#listener as Partial<StreamListener>).stats?.())
  }

  setTls(options: TlsServerOptions): Promise<void> {
    return replaceTls(this.#listener as Partial<StreamListener>, options)
  }

  waitUntil(exchange: Exchange, promise: Promise<unknown>): void {
    this.#background.add(promise, (error) => this.tell(exchange, error))
  }

  onUpgrade(callback: OnUpgrade): () => void {
    this.#upgrades.add(callback)
    return () => void this.#upgrades.delete(callback)
  }

  get state(): ResourceState {
    const { state } = this.#listener
    return state === 'closed' ? (this.#life.state === 'closed' ? 'closed' : 'closing') : state
  }

  get closed(): Promise<CloseReason> {
    return this.#life.closed
  }

  get address(): Address {
    return this.#listener.address
  }

  get accepting(): boolean {
    return this.#listener.accepting
  }

  get connections(): ReadonlySet<ByteConnection> {
    return this.#listener.connections
  }

  [Symbol.asyncIterator](): AsyncIterator<Exchange, undefined> {
    return this.#queue.iterate()
  }

  suspend(): Promise<void> {
    return this.#listener.suspend()
  }

  resume(): Promise<void> {
    return this.#listener.resume()
  }

  close(options?: CloseOptions): Promise<void> {
    const grace = graceOf(options)
    this.#background.limit(grace)
    void this.#listener.close({ grace })
    for (const served of this.#attached.values()) served.onShutdown(grace)
    return this.#life.settled(options?.signal)
  }

  destroy(error?: Error): void {
    this.#background.limit(0)
    this.#listener.destroy(error)
    for (const connection of this.#attached.keys()) connection.destroy(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #give(exchange: Exchange): void {
    if (this.#onExchange) this.#guard(exchange, this.#onExchange(exchange))
    else if (!this.#queue.offer(exchange)) void exchange.respond(503)
  }

  /** Asks the callbacks that are left, one after the other. */
  #offer(exchange: Exchange, callbacks: Iterator<OnUpgrade>): void {
    for (let next = callbacks.next(); !next.done; next = callbacks.next()) {
      const taken = next.value(exchange)
      if (isPromise(taken)) {
        const settled = taken.then((later) => (later ? undefined : this.#offer(exchange, callbacks)))
        return this.#guard(exchange, settled)
      }
      if (taken) return
    }
    this.#give(exchange)
  }

  #guard(exchange: Exchange, answer: unknown): void {
    // An answer that was given at once says so with one promise for all, of which nothing has to be heard.
    if (answer === undefined || answer === ready) return
    if (isPromise(answer)) {
      answer.then(
        (value) => refuseResponse(exchange, value),
        (error: unknown) => exchange.fail(error),
      )
    } else refuseResponse(exchange, answer)
  }
}

/** A `Response` is for `serve`: here it would be dropped in silence, and its client would wait for ever. */
function refuseResponse(exchange: Exchange, value: unknown): void {
  if (typeof value !== 'object' || value === null || !('status' in value && 'headers' in value)) return
  exchange.fail(
    new TypeError('Cannot respond: listen takes no Response; call exchange.respond, or use serve'),
  )
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function'
}
