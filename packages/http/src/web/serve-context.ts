import type { Address, ByteConnection, TlsFacts } from '@fairlead/core'

import type { Fields } from '../codec/index.ts'
import type { FieldsInit } from '../message/fields-init.ts'
import type { ClientFacts } from '../server/client-facts.ts'
import type { Exchange } from '../server/exchange.ts'

/** Trailer fields, or what makes them once the body has ended. */
export type TrailersInit = FieldsInit | (() => FieldsInit)

const noProps = Object.freeze({})

/** What was given to `trailers`. */
export let trailersOf: (context: ServeContext) => TrailersInit | undefined

/**
 * What a web-standard `Request` has no place for. Handlers get it where frameworks look for an environment, and
 * where they look for an execution context.
 */
export class ServeContext {
  /** The primitive behind the request. */
  readonly exchange: Exchange
  #trailers: TrailersInit | undefined = undefined

  constructor(exchange: Exchange) {
    this.exchange = exchange
  }

  static {
    trailersOf = (context) => context.#trailers
  }

  /** The peer's own; see {@link client} for who stands behind it. */
  get remoteAddress(): Address {
    return this.exchange.remoteAddress
  }

  /** Who asks, as far as trusted proxies say. */
  get client(): ClientFacts {
    return this.exchange.client
  }

  get tls(): TlsFacts | undefined {
    return this.exchange.tls
  }

  /** The fields behind the request's body, once it was read to its end, if there were any. */
  get requestTrailers(): Fields | undefined {
    const { request } = this.exchange
    return request.hasBody ? request.body.trailers : undefined
  }

  /** Work that goes on behind the answer; see {@link Exchange.waitUntil}. */
  waitUntil(promise: Promise<unknown>): void {
    this.exchange.waitUntil(promise)
  }

  /** For frameworks that look for it; there is nothing in it. */
  get props(): Readonly<Record<string, never>> {
    return noProps
  }

  /** For frameworks that call it. What throws is answered with 500, since nobody else could answer. */
  passThroughOnException(): void {}

  /**
   * Tells the client something before the answer: 103 what it will need, 100 that the body may come; see
   * {@link Exchange.inform}.
   *
   * @example
   * ```ts
   * context.inform(103, { Link: '</style.css>; rel=preload; as=style' })
   * ```
   */
  inform(status: number, fields?: FieldsInit): void {
    this.exchange.inform(status, fields)
  }

  /**
   * Fields to send behind the body of the answer, where it goes out in chunks (RFC 9110 section 6.5). Called
   * before the handler returns; the last call counts.
   *
   * @example
   * ```ts
   * context.trailers(() => ({ 'Server-Timing': `total;dur=${performance.now() - began}` }))
   * ```
   */
  trailers(fields: TrailersInit): void {
    this.#trailers = fields
  }

  /**
   * Takes the connection out of HTTP, for an Upgrade; see {@link Exchange.takeOver}. What the handler returns is
   * ignored then, and may be nothing.
   */
  takeOver(): { connection: ByteConnection; head: Uint8Array } {
    return this.exchange.takeOver()
  }
}
