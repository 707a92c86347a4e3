import {
  type ByteConnection,
  ClosedError,
  type CloseReason,
  type SocketError,
  TimeoutError,
} from '@fairlead/core'
import { Deadline, type InnerHandler, ready } from '@fairlead/core/transport'

import { type CodecLimits, type RequestHead, RequestParser } from '../codec/index.ts'
import { HttpProtocolError, protocolErrorOf } from '../errors.ts'
import { type FieldsInit, rawFields } from '../message/fields-init.ts'
import { IncomingRequest } from '../message/request.ts'
import { reasonOf } from '../message/status.ts'
import { discard } from './answer-source.ts'
import { type Answer, type AnswerBody, prepareAnswer } from './answer.ts'
import { Exchange, type ExchangeHost, goneError } from './exchange.ts'
import { answeredError, Intake, type IntakeHost } from './intake.ts'
import { Linger } from './linger.ts'
import type { HttpTimes } from './options.ts'
import { isSmall, Outlet } from './outlet.ts'

/** What a connection needs to know of its server. */
export interface ServerContext {
  readonly times: HttpTimes
  readonly limits: Partial<CodecLimits>
  /** Gives an exchange to the application. */
  dispatch(exchange: Exchange): void
  /** What the application threw. */
  fail(exchange: Exchange, error: unknown): void
}

type Phase = 'idle' | 'headers' | 'handler' | 'body'

const nothing = Buffer.alloc(0)

/**
 * HTTP/1.1 on one byte connection, the server's side: bytes in, exchanges out, one at a time. The next request
 * is read when the one before was answered, so answers keep their order and pipelining costs no memory.
 *
 * ```text
 *   idle ──byte──▶ headers ──head──▶ handler ◀──▶ body
 *     ▲                                 │ └─takeOver──▶ (over: another protocol's)
 *     └──────────answer, and end────────┴──last answer──▶ (over: lingering)
 * ```
 */
export class ServerConnection implements InnerHandler<Uint8Array>, ExchangeHost, IntakeHost {
  readonly connection: ByteConnection
  readonly #context: ServerContext
  readonly #parser: RequestParser
  readonly #reading = new Deadline({ onDeadline: () => this.#readTimedOut() })
  readonly #outlet: Outlet
  #phase: Phase = 'headers'
  /** The one that is not wholly answered. */
  #exchange: Exchange | undefined
  #head: RequestHead | undefined
  /** The body of the request at hand, if one comes with it. */
  #intake: Intake | undefined
  /** What was read and not parsed, while the parser rests; input is paused as long as there is any. */
  #rest: Uint8Array | undefined
  #held = false
  #feeding = false
  /** The next answer is the last. */
  #stopping = false
  /** What still comes cannot be understood, and is dropped. */
  #deaf = false
  /** Nothing is read as HTTP any more. */
  #over = false
  /** The one that took the connection over. */
  #taken: Exchange | undefined

  constructor(connection: ByteConnection, context: ServerContext) {
    this.connection = connection
    this.#context = context
    this.#outlet = new Outlet(connection, context.times.writeTimeout)
    this.#parser = new RequestParser(
      {
        onHead: (head) => this.#begin(head),
        onBody: (chunk) => this.#take(chunk),
        onEnd: () => this.#complete(),
      },
      context.limits,
    )
    this.#reading.set(context.times.headersTimeout)
  }

  /** Once it was taken over, whoever wants to may iterate the connection. */
  get retired(): boolean {
    return this.#taken !== undefined
  }

  onData(chunk: Uint8Array): void {
    if (this.#over || this.#deaf) return
    // While input is held nothing comes, unless somebody else lets it flow.
    this.#rest = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#go()
  }

  onEnd(): void {
    if (this.#over || this.#deaf) return
    this.#stopping = true
    try {
      this.#parser.end()
    } catch (error) {
      this.#spoil(protocolErrorOf(error))
      return
    }
    // A client that only stopped sending still gets its answer.
    if (!this.#exchange) this.#leave()
  }

  onDrain(): void {
    if (this.#outlet.relieve()) this.#go()
  }

  onShutdown(grace: number): void {
    this.#stopping = true
    if (this.#over) void this.connection.close({ grace })
    else if (!this.#exchange && !this.#rest && !this.#parser.inHead)
      this.#wait('idle', this.#context.times.idleGrace)
  }

  onClose(reason: CloseReason): void {
    const exchange = this.#exchange
    this.#over = true
    this.#exchange = this.#rest = undefined
    this.#reading.clear()
    const error = reason.kind === 'error' ? reason.error : goneError()
    this.#intake?.body.abort(error)
    exchange?.abandon(error)
    this.#outlet.cut(error)
  }

  respond(exchange: Exchange, status: number, fields: FieldsInit, body: AnswerBody): Promise<void> {
    const head = this.#head
    if (!head || exchange !== this.#exchange) {
      discard(body)
      throw new ClosedError('Cannot respond: the client is gone')
    }
    try {
      const raw = rawFields(fields)
      const prepare = (actual: AnswerBody): Answer => prepareAnswer(head, status, raw, actual, this.#lasting)
      const answer = prepare(body)
      if (!isSmall(answer.body)) return this.#respondSlowly(exchange, answer, answer.body, prepare)
      if (answer.body !== body) discard(body)
      if (this.#rest && !this.#feeding) this.#outlet.gather()
      this.#outlet.write(answer, answer.body)
      this.#answered(answer.keepAlive)
      return ready
    } catch (error) {
      discard(body)
      this.#refuse(500, error as Error)
      throw error
    }
  }

  takeOver(exchange: Exchange): { connection: ByteConnection; head: Uint8Array } {
    if (exchange !== this.#exchange) throw new ClosedError('Cannot take over: the client is gone')
    if (!exchange.offersUpgrade) throw new TypeError('Cannot take over: the request offers no other protocol')
    const head = this.#rest ?? nothing
    this.#over = true
    this.#taken = exchange
    this.#exchange = this.#rest = undefined
    this.#reading.clear()
    this.#outlet.release()
    this.connection.pause()
    return { connection: this.connection, head }
  }

  /** The application threw: its client hears of it if it has heard nothing yet. */
  failed(exchange: Exchange, error: unknown): void {
    if (exchange === this.#taken) {
      // What was written in this turn leaves first.
      setImmediate(() => this.connection.destroy(error as Error))
    } else if (exchange === this.#exchange) {
      if (this.#outlet.busy) this.connection.destroy(error as Error)
      else this.#refuse(500, error as Error)
    }
  }

  flow(intake: Intake, wanted: boolean): void {
    if (this.#over || this.#deaf || intake !== this.#intake || intake.ended) return
    if (wanted) {
      if (intake.ask() && !this.#welcome()) return
      this.#wait('body', this.#context.times.bodyTimeout)
      this.#go()
    } else {
      this.#parser.pause()
      this.#wait('handler')
    }
  }

  fail(intake: Intake, error: unknown): void {
    if (this.#exchange && intake === this.#intake) this.#context.fail(this.#exchange, error)
  }

  /** Parses what waits, for as long as nothing has to be waited for; all answers to it leave together. */
  #go(): void {
    if (this.#feeding || this.#over || !this.#rest) return
    this.#feeding = true
    this.connection.cork()
    try {
      this.#parse()
    } catch (error) {
      this.#spoil(protocolErrorOf(error))
    }
    this.connection.uncork()
    this.#feeding = false
    if (this.#over || !this.#rest) return
    this.#hold(this.#rest.byteLength > 0)
    if (this.#phase === 'idle' && this.#parser.inHead)
      this.#wait('headers', this.#context.times.headersTimeout)
  }

  #parse(): void {
    while (!this.#over && this.#rest && this.#rest.byteLength > 0 && this.#parsing) {
      this.#parser.resume()
      const consumed = this.#parser.push(this.#rest)
      this.#rest = this.#rest.subarray(consumed)
      // Whoever takes the connection over needs the bytes behind the head: not before the parser has returned.
      if (this.#parser.state === 'waiting' && this.#exchange) this.#context.dispatch(this.#exchange)
    }
  }

  /** Whether the next byte may be looked at. */
  get #parsing(): boolean {
    if (this.#outlet.congested) return false
    if (this.#intake && !this.#intake.ended) return this.#intake.open
    return !this.#exchange
  }

  /** Stops input while there are bytes that cannot be parsed yet. */
  #hold(held: boolean): void {
    if (!held) this.#rest = undefined
    if (held === this.#held) return
    this.#held = held
    if (held) this.connection.pause()
    else this.connection.resume()
  }

  #begin(head: RequestHead): void {
    const intake = head.framing === 'none' || head.framing === 0 ? undefined : new Intake(head, this)
    const exchange = new Exchange(new IncomingRequest(head, intake?.body), this)
    this.#head = head
    this.#intake = intake
    this.#exchange = exchange
    this.#wait('handler')
    if (intake) {
      this.#parser.pause()
      // A request with a body is answered as HTTP, whatever else it offers.
      this.#parser.decline()
    }
    if (this.#parser.state !== 'offered') this.#context.dispatch(exchange)
  }

  /** Somebody wants the body at hand: it comes unless it is too large. */
  #welcome(): boolean {
    try {
      // Without a byte, the parser looks at what was announced.
      this.#parser.resume()
      this.#parser.push(nothing)
    } catch (error) {
      this.#spoil(protocolErrorOf(error))
      return false
    }
    if (this.#head?.expectContinue && !this.#rest && !this.#outlet.busy) {
      this.connection.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
    }
    return true
  }

  #take(chunk: Uint8Array): void {
    const intake = this.#intake
    if (this.#over || !intake) return
    intake.count(chunk.byteLength)
    if (intake.earned()) this.#wait('body', this.#context.times.bodyTimeout)
    if (!intake.push(chunk)) this.#leave()
  }

  #complete(): void {
    if (this.#over) return
    const intake = this.#intake
    intake?.body.finish()
    if (this.#exchange) this.#wait('handler')
    else if (intake && intake === this.#intake) this.#next()
    if (!this.#parsing) this.#parser.pause()
  }

  /** Whether the connection outlives an answer that is given now. */
  get #lasting(): boolean {
    return this.#head?.keepAlive === true && !this.#stopping && this.#intake?.worthDropping !== false
  }

  #respondSlowly(
    exchange: Exchange,
    answer: Answer,
    body: Exclude<AnswerBody, null>,
    whole: (body: AnswerBody) => Answer,
  ): Promise<void> {
    const stream = this.#outlet.stream(answer, body, whole)
    return stream.done.then(
      (keepAlive) => this.#answered(keepAlive),
      (error: unknown) => {
        exchange.end(error as Error)
        if (stream.begun) {
          // Half an answer must not look like a whole one.
          this.connection.destroy(error as Error)
        } else {
          this.#refuse(500, error as Error)
        }
        throw error
      },
    )
  }

  #answered(keepAlive: boolean): void {
    this.#exchange = undefined
    this.#outlet.finish()
    if (this.#over) return
    if (!keepAlive || this.#stopping) {
      this.#leave()
    } else if (this.#intake && !this.#intake.ended) {
      this.#intake.drop()
      this.#wait('body', this.#context.times.bodyTimeout)
    } else {
      this.#parser.decline()
      this.#next()
    }
    this.#go()
  }

  /** Ready for another request. */
  #next(): void {
    this.#intake = this.#head = undefined
    this.#wait('idle', this.#context.times.keepAliveTimeout)
  }

  /** Nothing more can be understood: the peer broke the protocol or a limit, stalled, or ended in the middle. */
  #spoil(error: SocketError): void {
    this.#deaf = this.#stopping = true
    this.#hold(false)
    this.#exchange?.abandon(error)
    this.#intake?.body.abort(error)
    // An answer that was given, or is on its way, stands.
    if (this.#outlet.busy) this.#reading.clear()
    else if (this.#intake && !this.#exchange) this.#leave()
    else this.#refuse(error instanceof HttpProtocolError ? error.statusHint : 408, error)
  }

  /** The last answer, by the server itself. */
  #refuse(status: number, error: Error): void {
    if (this.#over) return
    const exchange = this.#exchange
    this.#exchange = undefined
    const asked = this.#head ?? { method: 'GET', minor: 1 as const }
    const fields = ['Content-Type', 'text/plain']
    const answer = prepareAnswer(asked, status, fields, `${status} ${reasonOf(status)}\n`, false)
    try {
      this.#outlet.write(answer, answer.body as string | null)
    } catch {
      // It is gone, and cannot be told.
    }
    this.#leave()
    exchange?.end(error)
  }

  /** Ends, and listens a while for what still comes, so that the peer sees the answer. */
  #leave(): void {
    if (this.#over) return
    this.#over = true
    this.#rest = undefined
    this.#reading.clear()
    this.#outlet.release()
    this.#intake?.body.abort(answeredError())
    const { idleGrace, lingerGrace, writeTimeout } = this.#context.times
    // A peer that has nothing under way has nothing to lose.
    const grace = this.#phase === 'idle' ? Math.min(idleGrace, lingerGrace) : lingerGrace
    this.connection.handle(new Linger(this.connection, { grace, writeTimeout }))
  }

  #wait(phase: Phase, milliseconds = Infinity): void {
    this.#phase = phase
    if (milliseconds === Infinity) this.#reading.clear()
    else this.#reading.set(milliseconds)
  }

  #readTimedOut(): void {
    const phase = this.#phase
    if (phase === 'headers' && this.#parser.inHead) {
      this.#spoil(new TimeoutError('Cannot read head: the peer sends nothing', { phase }))
    } else if (phase === 'body' && this.#exchange) {
      this.#spoil(new TimeoutError('Cannot read body: the peer sends nothing', { phase }))
    } else if (phase !== 'handler') {
      this.#leave()
    }
  }
}
