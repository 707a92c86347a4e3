import { AsyncResource } from 'node:async_hooks'

import {
  type ByteConnection,
  ClosedError,
  type CloseReason,
  type SocketError,
  TimeoutError,
} from '@fairlead/core'
import type { InnerHandler } from '@fairlead/core/transport'

import type { Fields, RequestHead } from '../codec/index.ts'
import { HttpProtocolError, protocolErrorOf } from '../errors.ts'
import type { FieldsInit } from '../message/fields-init.ts'
import type { AnswerBody } from './answer.ts'
import { Answering, type AnsweringHost } from './answering.ts'
import type { ClientFacts } from './client-facts.ts'
import type { ServerContext } from './context.ts'
import { endedError, type Exchange, type ExchangeHost, goneError, type RespondOptions } from './exchange.ts'
import { Inlet, type InletHost } from './inlet.ts'
import { answeredError, type Intake, type IntakeHost } from './intake.ts'
import { isWriteTimeout, Linger } from './linger.ts'
import { Outlet } from './outlet.ts'
import { Patience, type PatienceHost, type Phase } from './patience.ts'
import { Turn } from './turn.ts'

/**
 * HTTP/1.1 on one byte connection, the server's side: bytes in, exchanges out, one at a time. The next request
 * is read when the one before was answered, so answers keep their order and pipelining costs no memory.
 *
 * It joins the reading side ({@link Inlet}), what is waited for ({@link Patience}), whose turn it is
 * ({@link Turn}) and the answering side ({@link Answering}). Its own life has one way:
 *
 * ```text
 *   serving ──Connection: close, shutdown, the peer's end──▶ stopping ──last answer──▶ over (Linger)
 *     │ └──bytes that cannot be understood, a stall──▶ deaf ──last answer──▶ over (Linger)
 *     └──takeOver──▶ over (another protocol's)
 * ```
 */
export class ServerConnection
  implements InnerHandler<Uint8Array>, ExchangeHost, IntakeHost, InletHost, PatienceHost, AnsweringHost
{
  readonly connection: ByteConnection
  readonly #context: ServerContext
  readonly #inlet: Inlet
  readonly #outlet: Outlet
  readonly #patience: Patience
  readonly #turn: Turn
  readonly #answering: Answering
  /** The connection's own asynchronous context: no request is handled in that of the one before. */
  readonly #scope = new AsyncResource('FairleadHttpConnection')
  /** What was read is being parsed, and what is answered meanwhile leaves together. */
  #feeding = false
  /** A head came, or enough of a body, since a deadline was set. */
  #anew = false
  /** The next answer is the last. */
  #stopping = false
  /** Why what still comes cannot be understood, and is dropped. */
  #trouble: SocketError | undefined
  /** Nothing is read as HTTP any more. */
  #over = false
  /** The one that took the connection over. */
  #taken: Exchange | undefined

  constructor(connection: ByteConnection, context: ServerContext) {
    this.connection = connection
    this.#context = context
    this.#inlet = new Inlet(this, context.limits)
    this.#outlet = new Outlet(connection, context.times.writeTimeout, context.counters)
    this.#patience = new Patience(context.times, this)
    this.#turn = new Turn(this, context.counters, this.#outlet)
    this.#answering = new Answering(this, this.#turn, this.#outlet, context.counters)
  }

  /** Once it was taken over, whoever wants to may iterate the connection. */
  get retired(): boolean {
    return this.#taken !== undefined
  }

  onData(chunk: Uint8Array): void {
    this.#context.counters.bytesIn += chunk.byteLength
    if (this.#over || this.#trouble) return
    this.#inlet.add(chunk)
    this.#go()
  }

  onEnd(): void {
    if (this.#over || this.#trouble) return
    this.#stopping = true
    try {
      this.#inlet.end()
    } catch (error) {
      this.#spoil(protocolErrorOf(error))
      return
    }
    // A client that only stopped sending still gets its answer.
    if (this.#turn.exchange) this.#turn.exchange.leave(endedError())
    else this.#leave()
  }

  onDrain(): void {
    if (this.#outlet.relieve()) this.#go()
  }

  onShutdown(grace: number): void {
    this.#stopping = true
    if (this.#over) void this.connection.close({ grace })
    else if (!this.#turn.exchange && !this.#inlet.waiting && !this.#inlet.inHead) {
      const { idleGrace } = this.#context.times
      if (idleGrace === 0) this.#leave(true)
      else this.#patience.shorten(idleGrace)
    }
  }

  onClose(reason: CloseReason): void {
    this.#over = true
    this.#inlet.take()
    this.#patience.release()
    if (isWriteTimeout(reason)) this.#context.counters.timeouts.write++
    const error = reason.kind === 'error' ? reason.error : goneError()
    this.#turn.abandon(error)
    this.#turn.end()
    this.#outlet.cut(error)
  }

  respond(
    exchange: Exchange,
    status: number,
    fields: FieldsInit,
    body: AnswerBody,
    options?: RespondOptions,
  ): Promise<void> {
    return this.#answering.respond(exchange, status, fields, body, options)
  }

  inform(exchange: Exchange, status: number, fields: FieldsInit): void {
    this.#answering.inform(exchange, status, fields)
  }

  get over(): boolean {
    return this.#over
  }

  get stopping(): boolean {
    return this.#stopping || this.#context.closing
  }

  get closing(): boolean {
    return this.#context.closing
  }

  get method(): string {
    return this.#inlet.method
  }

  /** The client's, where its bytes were bad, too many, or too late. */
  get blame(): number {
    if (this.#trouble instanceof HttpProtocolError) return this.#trouble.statusHint
    return this.#trouble instanceof TimeoutError ? 408 : 500
  }

  /** While what was read is being parsed, its answers are gathered anyway. */
  get more(): boolean {
    return !this.#feeding && this.#inlet.waiting
  }

  answered(keepAlive: boolean): void {
    this.#patience.end()
    if (this.#over) return
    const { inBody, lasting } = this.#turn
    if (!keepAlive || this.#stopping || (inBody && !lasting)) {
      this.#leave()
    } else if (inBody) {
      this.#turn.intake?.drop()
    } else {
      this.#inlet.decline()
      this.#turn.clear()
    }
    if (!this.#feeding && this.#inlet.waiting) this.#scope.runInAsyncScope(this.#go, this)
    else this.#go()
  }

  takeOver(exchange: Exchange): { connection: ByteConnection; head: Uint8Array } {
    if (exchange !== this.#turn.exchange) throw new ClosedError('Cannot take over: the client is gone')
    if (!exchange.offersUpgrade) throw new TypeError('Cannot take over: the request offers no other protocol')
    const head = this.#inlet.take()
    this.#over = true
    this.#taken = exchange
    this.#turn.end()
    this.#context.counters.upgrades++
    this.#patience.release()
    this.#outlet.release()
    this.connection.pause()
    return { connection: this.connection, head }
  }

  failed(exchange: Exchange, error: unknown): void {
    this.#answerFor(exchange, error)
    if (!exchange.abandoned && exchange.isNews(error)) this.#context.tell(exchange, error)
  }

  /** The application threw, or took too long: its client hears of it if it has heard nothing yet. */
  #answerFor(exchange: Exchange, error: unknown): void {
    if (exchange === this.#taken) {
      // What was written in this turn leaves first.
      setImmediate(() => this.connection.destroy(error as Error))
    } else if (exchange === this.#turn.exchange) {
      if (this.#outlet.busy) {
        exchange.end(error as Error)
        this.connection.destroy(error as Error)
      } else {
        const status = isHandlerTimeout(error) ? 503 : (exchange.refusalOf(error) ?? 500)
        this.#answering.refuse(status, error as Error)
      }
    }
  }

  clientOf(exchange: Exchange): ClientFacts {
    return this.#context.clientOf(exchange)
  }

  waitUntil(exchange: Exchange, promise: Promise<unknown>): void {
    this.#context.waitUntil(exchange, promise)
  }

  flow(intake: Intake, wanted: boolean): void {
    if (this.#over || this.#trouble || intake !== this.#turn.intake || intake.ended) return
    if (!wanted) this.#inlet.pause()
    else if (intake.ask() && !this.#welcome()) return
    this.#go()
  }

  fail(intake: Intake, error: unknown): void {
    const { exchange } = this.#turn
    if (exchange && intake === this.#turn.intake) exchange.fail(error)
  }

  get parsing(): boolean {
    return !this.#over && !this.#trouble && !this.#outlet.congested && this.#turn.open
  }

  begin(head: RequestHead): void {
    this.#anew = true
    if (head.expectsOther) {
      this.#turn.head = head
      const problem = { side: 'remote', statusHint: 417 } as const
      throw new HttpProtocolError('Cannot read message: it expects what is not done here', problem)
    }
    const exchange = this.#turn.begin(head)
    this.#patience.begin()
    if (this.#turn.intake) {
      this.#inlet.pause()
      // A request with a body is answered as HTTP, whatever else it offers.
      this.#inlet.decline()
    }
    if (!this.#inlet.offered) this.#context.dispatch(exchange)
  }

  offer(): void {
    if (this.#turn.exchange) this.#context.dispatch(this.#turn.exchange)
  }

  take(chunk: Uint8Array): void {
    const { intake } = this.#turn
    if (this.#over || !intake) return
    intake.count(chunk.byteLength)
    if (intake.earned()) this.#anew = true
    if (!intake.push(chunk)) this.#leave()
  }

  complete(trailers: Fields | undefined): void {
    if (this.#over) return
    this.#turn.intake?.body.finish(trailers)
    if (!this.#turn.exchange) this.#turn.clear()
    if (!this.parsing) this.#inlet.pause()
  }

  readTimedOut(phase: Exclude<Phase, 'handler'>): void {
    // Closing what is idle at a shutdown is no fault of anybody's.
    const counted = phase === 'rest' ? 'body' : phase
    if (phase !== 'idle' || !this.#stopping) this.#context.counters.timeouts[counted]++
    if (phase === 'headers' && this.#inlet.inHead) {
      this.#spoil(new TimeoutError('Cannot read head: the peer sends nothing', { phase }))
    } else if (phase === 'body' && this.#turn.exchange) {
      this.#spoil(new TimeoutError('Cannot read body: the peer sends nothing', { phase }))
    } else {
      this.#leave(phase !== 'body')
    }
  }

  handlerTimedOut(): void {
    const { exchange } = this.#turn
    if (!exchange) return
    this.#context.counters.timeouts.handler++
    exchange.fail(new TimeoutError('Cannot answer: the handler takes too long', { phase: 'handler' }))
  }

  /** Does what can be done now; all answers that come of it leave together. */
  #go(): void {
    if (this.#feeding || this.#over) return
    if (this.#inlet.waiting) this.#feed()
    if (this.#over) return
    this.#inlet.hold()
    this.#patience.enter(this.#phase, this.#anew)
    this.#anew = false
  }

  #feed(): void {
    this.#feeding = true
    this.#outlet.gather()
    try {
      this.#inlet.feed()
    } catch (error) {
      this.#spoil(protocolErrorOf(error))
    }
    this.#feeding = false
    this.#outlet.flush()
  }

  /** What has to happen next. Whoever has to read first is waited for by the outlet. */
  get #phase(): Phase {
    const { exchange, intake, inBody } = this.#turn
    if (exchange) return inBody && intake?.open ? 'body' : 'handler'
    if (inBody) return 'rest'
    if (this.#outlet.congested) return 'handler'
    return this.#inlet.inHead || !this.#inlet.begun ? 'headers' : 'idle'
  }

  /** Somebody wants the body at hand: it comes unless it is too large. */
  #welcome(): boolean {
    try {
      this.#inlet.look()
    } catch (error) {
      this.#spoil(protocolErrorOf(error))
      return false
    }
    const { head } = this.#turn
    if (head?.expectContinue && !this.#inlet.waiting && !this.#outlet.begun) {
      this.#answering.say(100, 'HTTP/1.1 100 Continue\r\n\r\n')
    }
    return true
  }

  /** Nothing more can be understood: the peer broke the protocol or a limit, stalled, or ended in the middle. */
  #spoil(error: SocketError): void {
    this.#trouble = error
    this.#stopping = true
    this.#inlet.take()
    this.#inlet.hold()
    const { exchange, intake } = this.#turn
    this.#turn.abandon(error)
    // An answer that was given, or is on its way, stands, unless it fails of this.
    if (this.#outlet.busy) this.#patience.deafen()
    else if (intake && !exchange) this.#leave()
    else this.#answering.refuse(this.blame, error)
  }

  /** Ends, and listens a while for what still comes, so that the peer sees the answer. */
  #leave(idle = false): void {
    if (this.#over) return
    this.#over = true
    this.#inlet.pause()
    this.#inlet.take()
    this.#patience.release()
    this.#outlet.release()
    this.#turn.intake?.body.abort(answeredError())
    const { idleGrace, lingerGrace, writeTimeout } = this.#context.times
    // A peer that has nothing under way has nothing to lose.
    const grace = idle ? Math.min(idleGrace, lingerGrace) : lingerGrace
    const onTimeout = (): void => void this.#context.counters.timeouts.write++
    this.connection.handle(new Linger(this.connection, { grace, writeTimeout, onTimeout }))
  }
}

function isHandlerTimeout(error: unknown): boolean {
  return error instanceof TimeoutError && error.phase === 'handler'
}
