import { type Address, formatAddress, LimitError, SocketError, TimeoutError } from '@fairlead/core'
import { Deadline, type DeadlineOwner } from '@fairlead/core/transport'

import { oversized } from '../address/size.ts'
import { AnswerMemory } from './answer-memory.ts'
import { Execution, type Request } from './execution.ts'
import { bytesOf, encodeMessage, failures, type Message } from './message.ts'
import type { RequestsSettings } from './options.ts'
import type { RequestCounters } from './stats.ts'

/** How the responder reaches the network, and its user. */
export interface AnswerSender<From> {
  tryWrite(datagram: Uint8Array, to: From): void
  trouble(error: SocketError): void
}

type ResponderSettings<From extends Address, M> = Pick<
  RequestsSettings<From, M>,
  'answer' | 'answerTimeout' | 'codec' | 'maxAmplification' | 'maxConcurrent' | 'maxMessageSize' | 'memory'
>

type Answer<From extends Address, M> = NonNullable<RequestsSettings<From, M>['answer']>

/**
 * The side that answers. A request is known by who sent it and its identifier: new, it is executed; at work, it
 * is ignored, for the answer is to come; answered, it is answered from memory.
 */
export class Responder<From extends Address, M> implements DeadlineOwner {
  readonly #settings: ResponderSettings<From, M>
  readonly #sender: AnswerSender<From>
  readonly #counters: RequestCounters
  readonly #running = new Map<string, Execution<From>>()
  readonly memory: AnswerMemory
  readonly #forgetting = new Deadline(this)
  #idle: (() => void) | undefined

  constructor(settings: ResponderSettings<From, M>, sender: AnswerSender<From>, counters: RequestCounters) {
    this.#settings = settings
    this.#sender = sender
    this.#counters = counters
    const { answers, bytes, lifetime } = settings.memory
    this.memory = new AnswerMemory(answers, bytes, lifetime)
  }

  get running(): number {
    return this.#running.size
  }

  /** A request came, in a datagram of `size` bytes. */
  receive({ id, data }: Message, size: number, from: From): void {
    const counters = this.#counters
    const key = `${formatAddress(from)} ${id}`
    counters.received++
    const known = this.memory.find(key, Deadline.now())
    if (known) {
      counters.repeated++
      return this.#reply({ id, from, size }, known)
    }
    if (this.#running.has(key)) return void counters.inProgress++
    const { answer, maxConcurrent, answerTimeout } = this.#settings
    if (!answer || this.#idle || this.#running.size >= maxConcurrent) return void counters.refused++
    counters.executed++
    const execution = new Execution(key, { id, from, size }, answerTimeout, this.#hung)
    this.#running.set(key, execution)
    void this.#execute(execution, answer, data)
  }

  /** Takes no new requests from now on, and calls `idle` when those at work are done. */
  drain(idle: () => void): void {
    this.#idle = idle
    if (this.#running.size === 0) idle()
  }

  /** Drops everything. */
  stop(): void {
    for (const execution of this.#running.values()) execution.end()
    this.#running.clear()
    this.#forgetting.clear()
    this.memory.clear()
  }

  /** Answers in memory may have had their time. */
  onDeadline(): void {
    this.memory.expire(Deadline.now())
    if (this.memory.size > 0) this.#forgetting.set(this.#settings.memory.lifetime)
  }

  async #execute(execution: Execution<From>, answer: Answer<From, M>, data: Uint8Array): Promise<void> {
    const { id, from } = execution.request
    const { codec, maxMessageSize } = this.#settings
    try {
      const message = bytesOf(await answer(codec.decode(data), from))
      const size = message.byteLength
      if (size <= maxMessageSize) return this.#finish(execution, encodeMessage('answer', id, message))
      this.#fail(execution, failures.tooLarge, oversized(size, maxMessageSize, 'maxMessageSize'))
    } catch (error) {
      this.#fail(execution, failures.failed, SocketError.from(error, 'Cannot answer'))
    }
  }

  readonly #hung = (execution: Execution<From>): void => {
    const message = `Cannot answer: no answer within ${this.#settings.answerTimeout} ms`
    this.#fail(execution, failures.failed, new TimeoutError(message, { phase: 'handler' }))
  }

  #fail(execution: Execution<From>, reason: number, error: SocketError): void {
    if (!this.#isRunning(execution)) return
    this.#counters.failed++
    this.#sender.trouble(error)
    this.#finish(execution, encodeMessage('failure', execution.request.id, Uint8Array.of(reason)))
  }

  #finish(execution: Execution<From>, datagram: Uint8Array): void {
    if (!this.#isRunning(execution)) return
    execution.end()
    this.#running.delete(execution.key)
    if (this.memory.size === 0) this.#forgetting.set(this.#settings.memory.lifetime)
    this.#remember(execution.key, datagram)
    this.#reply(execution.request, datagram)
    if (this.#running.size === 0) this.#idle?.()
  }

  #remember(key: string, datagram: Uint8Array): void {
    const forgotten = this.memory.add(key, datagram, Deadline.now())
    const isFirst = forgotten > 0 && this.#counters.forgotten === 0
    this.#counters.forgotten += forgotten
    if (!isFirst) return
    const { size: value } = this.memory
    const message =
      'Cannot remember answer: the memory is full, and a request that comes again is executed twice'
    this.#sender.trouble(new LimitError(message, { limit: 'memory', value }))
  }

  /** Not any more when it took too long, or the socket was closed. */
  #isRunning(execution: Execution<From>): boolean {
    return this.#running.get(execution.key) === execution
  }

  /** Weighed for each request anew: after a large one, a small one with the same identifier could be forged. */
  #reply({ id, from, size }: Request<From>, datagram: Uint8Array): void {
    if (datagram.byteLength <= size * this.#settings.maxAmplification) {
      return this.#sender.tryWrite(datagram, from)
    }
    this.#counters.withheld++
    this.#sender.tryWrite(encodeMessage('failure', id, Uint8Array.of(failures.requestTooSmall)), from)
  }
}
