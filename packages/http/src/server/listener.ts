import type {
  Accept,
  Address,
  ByteConnection,
  CloseOptions,
  CloseReason,
  Listener,
  ResourceState,
} from '@fairlead/core'
import { AcceptQueue, defaultAcceptBacklog } from '@fairlead/core/transport'

import { ServerConnection, type ServerContext } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { type HttpListenOptions, limitsOf, timesOf } from './options.ts'

/** Called once for each request. What it throws, or rejects with, is answered with 500 if nothing else was. */
export type OnExchange = (exchange: Exchange) => void | Promise<void>

/**
 * Called for each request that offers another protocol, or is a CONNECT. True when it will answer it or take it
 * over; false leaves it to the next one, and in the end to the application.
 */
export type OnUpgrade = (exchange: Exchange) => boolean

/** Waits for HTTP requests. Without an {@link OnExchange} callback it is iterated. */
export interface HttpListener extends Listener<ByteConnection, Exchange> {
  /** Adds a callback for upgrades; the function that is returned takes it off again. */
  onUpgrade(callback: OnUpgrade): () => void
}

/** An {@link HttpListener} is a byte listener with a {@link ServerConnection} on each of its connections. */
export class HttpServer implements HttpListener, ServerContext {
  readonly times
  readonly limits
  readonly #onExchange: OnExchange | undefined
  readonly #onError: HttpListenOptions['onError']
  readonly #upgrades = new Set<OnUpgrade>()
  readonly #queue = new AcceptQueue<Exchange>(defaultAcceptBacklog)
  #listener!: Listener<ByteConnection>

  constructor(options: HttpListenOptions, onExchange: OnExchange | undefined) {
    this.times = timesOf(options)
    this.limits = limitsOf(options)
    this.#onExchange = onExchange
    this.#onError = options.onError
  }

  /** Listens through `listen` of some transport. */
  async start(
    listen: (accept: Accept<ByteConnection, Uint8Array>) => Promise<Listener<ByteConnection>>,
  ): Promise<void> {
    this.#listener = await listen((connection) => new ServerConnection(connection, this))
    void this.#listener.closed.then(() => this.#queue.close())
  }

  dispatch(exchange: Exchange): void {
    try {
      if (exchange.offersUpgrade && this.#upgrade(exchange)) return
      if (this.#onExchange) this.#guard(exchange, this.#onExchange(exchange))
      else if (!this.#queue.offer(exchange)) void exchange.respond(503)
    } catch (error) {
      this.fail(exchange, error)
    }
  }

  fail(exchange: Exchange, error: unknown): void {
    exchange.fail(error)
    if (exchange.abandoned) return
    // Whoever is told of errors has none of his own to tell.
    const tell = async (): Promise<void> => this.#onError?.(error, exchange)
    tell().catch(() => {})
  }

  onUpgrade(callback: OnUpgrade): () => void {
    this.#upgrades.add(callback)
    return () => void this.#upgrades.delete(callback)
  }

  get state(): ResourceState {
    return this.#listener.state
  }

  get closed(): Promise<CloseReason> {
    return this.#listener.closed
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
    return this.#listener.close(options)
  }

  destroy(error?: Error): void {
    this.#listener.destroy(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #upgrade(exchange: Exchange): boolean {
    for (const callback of this.#upgrades) {
      const taken: unknown = callback(exchange)
      this.#guard(exchange, taken)
      if (taken) return true
    }
    return false
  }

  #guard(exchange: Exchange, answer: unknown): void {
    if (isPromise(answer)) answer.then(undefined, (error: unknown) => this.fail(exchange, error))
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function'
}
