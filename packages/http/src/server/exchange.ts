import { type Address, type ByteConnection, BusyError, ClosedError, type TlsFacts } from '@fairlead/core'
import { ready, rejected } from '@fairlead/core/transport'

import type { FieldsInit } from '../message/fields-init.ts'
import type { IncomingRequest } from '../message/request.ts'
import { discard } from './answer-source.ts'
import type { AnswerBody } from './answer.ts'

/** What an exchange asks of the connection it happens on. */
export interface ExchangeHost {
  readonly connection: ByteConnection
  respond(exchange: Exchange, status: number, fields: FieldsInit, body: AnswerBody): Promise<void>
  takeOver(exchange: Exchange): { connection: ByteConnection; head: Uint8Array }
  failed(exchange: Exchange, error: unknown): void
}

/**
 * One request and its answer. Exchanges of a connection come one after the other, in the order of their
 * requests; the next begins when this one is answered.
 */
export class Exchange {
  readonly request: IncomingRequest
  readonly #host: ExchangeHost
  #answered = false
  #abort: AbortController | undefined
  #over: Error | undefined
  #abandoned = false

  constructor(request: IncomingRequest, host: ExchangeHost) {
    this.request = request
    this.#host = host
  }

  get remoteAddress(): Address {
    return this.#host.connection.remoteAddress
  }

  get localAddress(): Address {
    return this.#host.connection.localAddress
  }

  get tls(): TlsFacts | undefined {
    return this.#host.connection.tls
  }

  /** Whether the client offers to go on with another protocol: an Upgrade without a body, or a CONNECT. */
  get offersUpgrade(): boolean {
    const { method, upgrade, hasBody } = this.request
    return !hasBody && (upgrade !== undefined || method === 'CONNECT')
  }

  /** Whether `respond` or `takeOver` was called. */
  get answered(): boolean {
    return this.#answered
  }

  /** Aborted when the client is gone, or refused, before it has the whole answer. Made when asked for. */
  get signal(): AbortSignal {
    if (this.#abort) return this.#abort.signal
    this.#abort = new AbortController()
    if (this.#over) this.#abort.abort(this.#over)
    return this.#abort.signal
  }

  /** Whether its client left, or broke the protocol, before it had the whole answer. */
  get abandoned(): boolean {
    return this.#abandoned
  }

  /**
   * Answers, once. Date, Connection and the framing field are added; a stream is written with back-pressure, and
   * let go of when the client is gone. A rejection that nobody awaits ends nothing.
   *
   * @returns resolves when the connection has taken the whole answer.
   * @throws BusyError when answered before; TypeError or RangeError for what cannot be sent, and the client got
   *   500; BrokenError or ClosedError when it is gone; what the stream threw, and the client saw the answer cut.
   * @example
   * ```ts
   * await exchange.respond(200, { 'Content-Type': 'text/plain' }, 'ahoy\n')
   * ```
   */
  respond(status: number, fields: FieldsInit = {}, body: AnswerBody = null): Promise<void> {
    if (this.#answered) {
      discard(body)
      return rejected(new BusyError('Cannot respond: the request is answered already'))
    }
    this.#answered = true
    try {
      const done = this.#host.respond(this, status, fields, body)
      if (done !== ready) done.catch(() => {})
      return done
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Takes the connection out of HTTP, for an Upgrade or a CONNECT: writes nothing, and hands over the bytes that
   * followed the head. Whoever calls puts a handler on the connection. May be called once, instead of `respond`.
   *
   * @throws BusyError when answered before, TypeError when the client offered no other protocol, ClosedError when
   *   it is gone.
   */
  takeOver(): { connection: ByteConnection; head: Uint8Array } {
    if (this.#answered) throw new BusyError('Cannot take over: the request is answered already')
    if (this.#over) throw new ClosedError('Cannot take over: the client is gone')
    const taken = this.#host.takeOver(this)
    this.#answered = true
    return taken
  }

  /** The application failed: the client is told, if it was told nothing yet. */
  fail(error: unknown): void {
    this.#host.failed(this, error)
  }

  /** Its client will not get the answer, by its own doing. */
  abandon(reason: Error): void {
    this.#abandoned ||= this.#over === undefined
    this.end(reason)
  }

  /** There will be no answer, or no more of it. */
  end(reason: Error): void {
    this.#over ??= reason
    this.#abort?.abort(reason)
  }
}

/** What is heard of a client that left. */
export function goneError(): ClosedError {
  return new ClosedError('Request aborted: the client is gone')
}
