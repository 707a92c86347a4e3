import { type ByteConnection, ClosedError } from '@fairlead/core'
import { ready } from '@fairlead/core/transport'

import { encodeResponseHead, type Framing, lastChunk, type RequestHead } from '../codec/index.ts'
import { type FieldsInit, rawFields } from '../message/fields-init.ts'
import { discard } from '../message/piece-source.ts'
import { reasonOf } from '../message/status.ts'
import { type AnswerFields, answerFields } from './answer-fields.ts'
import type { LongAnswer } from './answer-stream.ts'
import { type AnswerBody, prepareAnswer } from './answer.ts'
import { httpChannels } from './diagnostics.ts'
import type { Exchange, RespondOptions } from './exchange.ts'
import { isSmall, type Outlet } from './outlet.ts'
import { prepareRefusal, prepareTrailed } from './reply.ts'
import type { Counters } from './stats.ts'
import type { Turn } from './turn.ts'

/** What is asked and told of the connection on which answers are given. */
export interface AnsweringHost {
  readonly connection: ByteConnection
  /** Whether the last answer was given. */
  readonly over: boolean
  /** Whether the next answer is the last. */
  readonly stopping: boolean
  /** Of the request that is read, as far as it is known. */
  readonly method: string
  /** Whether another request waits, whose answer may come in this turn, too. */
  readonly more: boolean
  /** The status of an answer that failed before anything of it was written. */
  readonly blame: number
  /** An answer is given, all of it. False: it is the last. */
  answered(keepAlive: boolean): void
}

/** Gives the answers of a connection: the application's, and those that the server has to give itself. */
export class Answering {
  readonly #host: AnsweringHost
  readonly #turn: Turn
  readonly #outlet: Outlet
  readonly #counters: Counters

  constructor(host: AnsweringHost, turn: Turn, outlet: Outlet, counters: Counters) {
    this.#host = host
    this.#turn = turn
    this.#outlet = outlet
    this.#counters = counters
  }

  /** See {@link Exchange.respond}. @throws at once what it would reject with. */
  respond(
    exchange: Exchange,
    status: number,
    fields: FieldsInit,
    body: AnswerBody,
    options: RespondOptions | undefined,
  ): Promise<void> {
    const { head } = this.#turn
    if (!head || exchange !== this.#turn.exchange) {
      discard(body)
      throw new ClosedError('Cannot respond: the client is gone')
    }
    try {
      const known = answerFields(fields)
      if (options?.trailers) {
        const trailed = this.#trailed(head, status, known, body, options.trailers)
        if (trailed) return this.#stream(exchange, status, trailed)
      }
      const answer = prepareAnswer(head, status, known, body, this.#lasting)
      const sent = answer.bodiless ? null : body
      if (!isSmall(sent)) {
        return this.#stream(exchange, status, this.#long(head, status, known, sent, answer.framing))
      }
      if (sent !== body) discard(body)
      if (this.#host.more) this.#outlet.gatherTurn()
      this.#outlet.write(answer, sent)
      this.#counters.answer(status)
      this.#finish(status, answer.keepAlive)
      return ready
    } catch (error) {
      discard(body)
      this.refuse(500, error as Error)
      throw error
    }
  }

  /** See {@link Exchange.inform}. @throws TypeError for what cannot be sent. */
  inform(exchange: Exchange, status: number, fields: FieldsInit): void {
    const text = encodeResponseHead(status, reasonOf(status), rawFields(fields), { framing: 'none' })
    const { head, intake } = this.#turn
    if (exchange !== this.#turn.exchange || head?.minor === 0) return
    // From now on the body will come.
    if (status === 100) intake?.ask()
    this.say(status, text)
  }

  /** Writes something before the answer. */
  say(status: number, text: string): void {
    try {
      this.#outlet.say(text)
      this.#counters.answer(status)
    } catch {
      // The client is gone, which is told where it matters.
    }
  }

  /** The last answer, by the server itself. Nothing, when there was one already. */
  refuse(status: number, error: Error): void {
    const { exchange, head } = this.#turn
    if (this.#host.over) return
    const { answer, body } = prepareRefusal(head ?? { method: this.#host.method, minor: 1 }, status)
    try {
      this.#outlet.write(answer, body)
    } catch {
      // It is gone, and cannot be told: its close, which comes, is what there is to count.
      return
    }
    this.#counters.refuse(status)
    this.#counters.answer(status)
    if (!exchange && httpChannels.refuse.hasSubscribers) {
      httpChannels.refuse.publish({ connection: this.#host.connection, status, error })
    }
    this.#finish(status, false)
    exchange?.end(error)
  }

  /** Whether the connection outlives an answer that is given now, all of it. */
  get #lasting(): boolean {
    return !this.#host.stopping && this.#turn.lasting
  }

  #long(
    head: RequestHead,
    status: number,
    fields: AnswerFields,
    body: Exclude<AnswerBody, null>,
    framing: Framing,
  ): LongAnswer {
    return {
      body,
      framing,
      begin: () => {
        this.#counters.answer(status)
        const keepAlive = !this.#host.stopping && this.#turn.hopeful
        return prepareAnswer(head, status, fields, body, keepAlive)
      },
      whole: (bytes) => {
        this.#counters.answer(status)
        return prepareAnswer(head, status, fields, bytes, this.#lasting)
      },
      last: lastChunk,
    }
  }

  /** Undefined where there is nothing that trailers could stand behind. */
  #trailed(
    head: RequestHead,
    status: number,
    known: AnswerFields,
    given: AnswerBody,
    trailers: NonNullable<RespondOptions['trailers']>,
  ): LongAnswer | undefined {
    const trailed = prepareTrailed(head, known, given, trailers)
    if (!trailed) return undefined
    const { fields, body, last } = trailed
    const { framing, bodiless } = prepareAnswer(head, status, fields, body, this.#lasting)
    if (framing !== 'chunked' || bodiless) return undefined
    return { ...this.#long(head, status, fields, body, framing), whole: undefined, last }
  }

  #stream(exchange: Exchange, status: number, answer: LongAnswer): Promise<void> {
    const stream = this.#outlet.stream(answer)
    return stream.done.then(
      (keepAlive) => this.#finish(status, keepAlive),
      (error: unknown) => {
        exchange.end(error as Error)
        // Half an answer must not look like a whole one.
        if (stream.begun) this.#host.connection.destroy(error as Error)
        else if (exchange === this.#turn.exchange) this.refuse(this.#host.blame, error as Error)
        throw error
      },
    )
  }

  #finish(status: number, keepAlive: boolean): void {
    this.#outlet.finish()
    this.#turn.answered(status)
    this.#host.answered(keepAlive)
  }
}
