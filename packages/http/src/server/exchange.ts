import { type Address, type ByteConnection, BusyError, ClosedError, type TlsFacts } from '@fairlead/core'
import { ready, rejected } from '@fairlead/core/transport'

import type { RequestHead } from '../codec/index.ts'
import type { IncomingBody } from '../message/body.ts'
import type { FieldsInit } from '../message/fields-init.ts'
import { discard } from '../message/piece-source.ts'
import { IncomingRequest } from '../message/request.ts'
import type { AnswerBody } from './answer.ts'
import type { ClientFacts } from './client-facts.ts'

/** What an answer may have beside status, fields and body. */
export interface RespondOptions {
  /**
   * Fields behind the body: as they stand, and then announced in Trailer, or a function that is called once the body
   * has ended. They go to an HTTP/1.1 client that said `TE: trailers`, in chunks, whatever the body is; for any other
   * they are dropped, and the function is not called (RFC 9110 section 6.5.1). None may say what a head has to say:
   * framing, routing, authentication and the like are refused.
   */
  readonly trailers?: FieldsInit | (() => FieldsInit)
}

/** What an exchange asks of the connection it happens on. */
export interface ExchangeHost {
  readonly connection: ByteConnection
  /** Whether the listener closes. */
  readonly closing: boolean
  respond(
    exchange: Exchange,
    status: number,
    fields: FieldsInit,
    body: AnswerBody,
    options?: RespondOptions,
  ): Promise<void>
  inform(exchange: Exchange, status: number, fields: FieldsInit): void
  takeOver(exchange: Exchange): { connection: ByteConnection; head: Uint8Array }
  failed(exchange: Exchange, error: unknown): void
  clientOf(exchange: Exchange): ClientFacts
  waitUntil(exchange: Exchange, promise: Promise<unknown>): void
}

const noFields = {}

/**
 * One request and its answer. Exchanges of a connection come one after the other, in the order of their
 * requests; the next begins when this one is answered.
 */
export class Exchange {
  readonly #head: RequestHead
  readonly #body: IncomingBody | undefined
  readonly #host: ExchangeHost
  #request: IncomingRequest | undefined
  #answered = false
  #abandoned = false
  #abort: AbortController | undefined
  #over: Error | undefined
  /** Why the signal was aborted while the answer may still be given. */
  #left: Error | undefined
  /** What `onError` heard first. */
  #told: unknown
  /** What was made for its answer, to be let go of unless that was it. */
  #held: (() => void)[] | undefined
  #released = false
  #client: ClientFacts | undefined

  constructor(head: RequestHead, body: IncomingBody | undefined, host: ExchangeHost) {
    this.#head = head
    this.#body = body
    this.#host = host
  }

  /** Made when asked for. */
  get request(): IncomingRequest {
    return (this.#request ??= new IncomingRequest(this.#head, this.#body))
  }

  /** The peer's own; see {@link client} for who stands behind it. */
  get remoteAddress(): Address {
    return this.#host.connection.remoteAddress
  }

  get localAddress(): Address {
    return this.#host.connection.localAddress
  }

  get tls(): TlsFacts | undefined {
    return this.#host.connection.tls
  }

  /** Who asks, as far as trusted proxies say: address, protocol and host. Found out when asked for. */
  get client(): ClientFacts {
    return (this.#client ??= this.#host.clientOf(this))
  }

  /** Whether the client offers to go on with another protocol: an Upgrade without a body, or a CONNECT. */
  get offersUpgrade(): boolean {
    const { method, upgrade, framing } = this.#head
    return (upgrade !== undefined || method === 'CONNECT') && (framing === 'none' || framing === 0)
  }

  /** Whether its listener closes: what is taken over now hears no more of that. */
  get closing(): boolean {
    return this.#host.closing
  }

  /** Whether `respond` or `takeOver` was called. */
  get answered(): boolean {
    return this.#answered
  }

  /**
   * Aborted when the client resets, closes or ends, or is refused, or `handlerTimeout` has passed, before it has the
   * whole answer. Made when asked for.
   *
   * A client that ends may be gone, as a `fetch` that was aborted is, or may only have stopped sending: nobody can
   * tell. So the exchange goes on, and what is answered is sent. What a handler rejects with because of this signal
   * is not told to `onError`.
   */
  get signal(): AbortSignal {
    if (this.#abort) return this.#abort.signal
    this.#abort = new AbortController()
    const reason = this.#left ?? this.#over
    if (reason) this.#abort.abort(reason)
    return this.#abort.signal
  }

  /** Whether its client left, or broke the protocol, before it had the whole answer; not when it only ended. */
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
  respond(
    status: number,
    fields: FieldsInit = noFields,
    body: AnswerBody = null,
    options?: RespondOptions,
  ): Promise<void> {
    if (this.#answered) {
      discard(body)
      return rejected(new BusyError('Cannot respond: the request is answered already'))
    }
    this.#answered = true
    try {
      const done = this.#host.respond(this, status, fields, body, options)
      if (done !== ready) done.catch(() => {})
      return done
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Tells the client something before the answer, as often as one likes: 103 what it will need, 102 that work goes
   * on, 100 that the body may come, which reading it says by itself (RFC 9110 section 15.2, RFC 8297). Nothing is
   * sent to HTTP/1.0, nor when the client is gone.
   *
   * @throws BusyError when answered already; RangeError for what is no interim status, and for 101, which
   *   {@link takeOver} is for; TypeError for fields that cannot be sent.
   * @example
   * ```ts
   * exchange.inform(103, { Link: '</style.css>; rel=preload; as=style' })
   * ```
   */
  inform(status: number, fields: FieldsInit = noFields): void {
    if (this.#answered) throw new BusyError('Cannot inform: the request is answered already')
    if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) {
      throw new RangeError(`Cannot inform: ${status} is not an interim status`)
    }
    this.#host.inform(this, status, fields)
  }

  /**
   * Work that goes on behind the answer: a polite close of the listener waits for it, within its grace. What it
   * rejects with is told to `onError`, and nobody else. May be called as often as one likes.
   *
   * @example
   * ```ts
   * exchange.waitUntil(journal.append(exchange.request.target))
   * ```
   */
  waitUntil(promise: Promise<unknown>): void {
    this.#host.waitUntil(this, promise)
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

  /**
   * The application failed: the client gets 500, or sees its answer cut, and `onError` is told, unless the client
   * itself was to blame: it left, or it gets 413, since its body was larger than `bytes(limit)` or `text(limit)`
   * takes, or whatever `saveBody`, `saveForm` and `parts` refuse it with. A handler that throws or rejects comes here
   * by itself.
   */
  fail(error: unknown): void {
    this.#host.failed(this, error)
  }

  /** Its client will not get the answer, by its own doing. True when that is news. */
  abandon(reason: Error): boolean {
    const news = this.#over === undefined
    this.#abandoned ||= news
    this.end(reason)
    return news
  }

  /** Something was made for the answer that is open until it is sent, or let go of. */
  hold(letGo: () => void): void {
    if (this.#released) letGo()
    else (this.#held ??= []).push(letGo)
  }

  /** The answer was given, all of it, or never will be. */
  release(): void {
    const held = this.#held
    this.#held = undefined
    this.#released = true
    if (held) for (const letGo of held) letGo()
  }

  /** There will be no answer, or no more of it. */
  end(reason: Error): void {
    this.release()
    this.#over ??= reason
    this.#abort?.abort(reason)
  }

  /** Its client ended: it may still read. */
  leave(reason: Error): void {
    this.#left ??= reason
    this.#abort?.abort(reason)
  }

  /** The status for an error that only says what is wrong with the request's body. */
  refusalOf(error: unknown): number | undefined {
    const refused = (this.#body ?? this.#request?.body)?.refused
    return error !== undefined && refused?.error === error ? refused?.status : undefined
  }

  /** Whether an error is for `onError`: not when it only follows from what the client did, or was told. */
  isNews(error: unknown): boolean {
    if ((this.refusalOf(error) ?? 500) < 500) return false
    if (followsFrom(error, this.#left) || followsFrom(error, this.#told)) return false
    this.#told ??= error
    return true
  }
}

/** What is heard of a client that left. */
export function goneError(): ClosedError {
  return new ClosedError('Request aborted: the client is gone')
}

/** What is heard of a client that sends no more, and may be gone. */
export function endedError(): ClosedError {
  return new ClosedError('Request aborted: the client has ended')
}

/** Whether an error is that of a signal: its reason, or what somebody made of it who was aborted. */
function followsFrom(error: unknown, reason: unknown): boolean {
  if (reason === undefined) return false
  if (error === reason) return true
  try {
    const { name, cause } = error as Error
    return cause === reason || name === 'AbortError'
  } catch {
    return false
  }
}
