import type { Address, SocketError } from '@fairlead/core'
import { checkFunction, checkOptions, checkPositive } from '@fairlead/core/transport'

import { defaultMaxMessageSize, type Messages } from '../options.ts'
import { type Codec, codecOf } from '../session/codec.ts'
import { headerSize, largestMessage } from './message.ts'

/**
 * What is remembered of answers, for requests that come again. By default there is room for 273 small answers a second,
 * or 90 of 1,200 bytes, each for a minute. Who answers more raises `answers` and `bytes`, or shortens `lifetime`:
 * what is forgotten before its time is counted, and the first told to `onTrouble`.
 */
export interface AnswerMemoryLimits {
  /** Answers. Default 16,384. */
  answers?: number
  /** Bytes of the datagrams, and 320 for each that it costs to keep it. Default 8 MiB. */
  bytes?: number
  /**
   * Milliseconds since an answer was last sent. A request may be sent again for 30 seconds, and be late on the
   * way; an answer that is forgotten earlier lets it be executed twice. Default 60,000.
   */
  lifetime?: number
}

/** Options of `requests`. All times are milliseconds. */
export interface RequestsOptions<From extends Address, M> {
  /**
   * Answers requests: called once for each, however often it comes. It owns `data`. What it throws, or rejects
   * with, is told to `onTrouble` here; the one who asked learns only that it failed. Without it, requests are
   * dropped.
   *
   * Anybody can write any sender's address: `from` proves nothing about who asks.
   */
  answer?: (data: M, from: From) => Uint8Array | string | Promise<Uint8Array | string>
  /** What requests and answers that come are given as. Default `'binary'`; `'text'` reads them as UTF-8. */
  messages?: Messages
  /** Bytes of the largest request or answer that may be sent, without the 18 of the header. Default 1,200. */
  maxMessageSize?: number
  /**
   * Bytes that the datagram of a request has at least; what is missing is filled with zeros, so that the other
   * side may answer with three times as much. Default a third of the largest answer's datagram, but 406 at most:
   * answers of more than 1,200 bytes have to be asked for with more.
   */
  padTo?: number
  /** Requests that may wait for their answer; one more rejects with a LimitError. Default 1,024. */
  maxPending?: number
  /**
   * Requests that `answer` may be at work on; others are dropped, and find room, perhaps, when they come again.
   * Default 1,024.
   */
  maxConcurrent?: number
  /**
   * Time for `answer`; then the request has failed, and what comes later is dropped. Default 5,000, half of
   * what a request takes.
   */
  answerTimeout?: number
  /** How much is remembered for requests that come again. */
  memory?: AnswerMemoryLimits
  /**
   * An answer's datagram has at most so many times the bytes of the request's, because the sender's address may
   * be forged and the answer hit somebody else. `Infinity` lifts it, for networks where nobody forges. Default 3.
   */
  maxAmplification?: number
  /** Given what is not of this protocol, or of another version. It owns `data`. Without it, that is dropped. */
  onDatagram?: (data: Uint8Array, from: From) => void | Promise<void>
  /** Told, not fatal: `answer` failed, a datagram could not be sent, an answer was forgotten before its time. */
  onTrouble?: (error: SocketError) => void | Promise<void>
}

/** The options as a socket works with them. */
export interface RequestsSettings<From extends Address, M>
  extends
    Required<Omit<RequestsOptions<From, M>, Callbacks | 'messages' | 'memory'>>,
    Pick<RequestsOptions<From, M>, Callbacks> {
  readonly codec: Codec<M>
  readonly memory: Required<AnswerMemoryLimits>
}

type Callbacks = 'answer' | 'onDatagram' | 'onTrouble'

/** What may go out for each byte that came in from a sender who proved nothing: RFC 9000 section 8.1. */
const defaultMaxAmplification = 3

/** Fills in the defaults, and refuses by name what is wrong. */
export function requestsSettings<From extends Address, M>(
  options: RequestsOptions<From, M>,
): RequestsSettings<From, M> {
  checkOptions('requests', options)
  const { messages = 'binary', maxMessageSize = defaultMaxMessageSize, memory = {} } = options
  const { maxPending = 1_024, maxConcurrent = 1_024, answerTimeout = 5_000 } = options
  const { padTo = defaultPadTo(maxMessageSize) } = options
  const { maxAmplification = defaultMaxAmplification, answer, onDatagram, onTrouble } = options
  if (messages !== 'binary' && messages !== 'text') {
    throw new TypeError(`Invalid option messages: ${String(messages)} is neither 'binary' nor 'text'`)
  }
  checkPositive('maxMessageSize', maxMessageSize)
  if (maxMessageSize > largestMessage) {
    throw new RangeError(`Invalid option maxMessageSize: a datagram holds at most ${largestMessage} bytes`)
  }
  checkCount('padTo', padTo, headerSize + largestMessage)
  for (const [name, value] of Object.entries({ maxPending, maxConcurrent, answerTimeout })) {
    checkPositive(name, value)
  }
  if (!(typeof maxAmplification === 'number' && maxAmplification >= 1)) {
    throw new RangeError(
      `Invalid option maxAmplification: ${String(maxAmplification)} is not a number from 1`,
    )
  }
  for (const [name, value] of Object.entries({ answer, onDatagram, onTrouble })) checkFunction(name, value)
  return {
    codec: codecOf<M>(messages),
    memory: memoryLimits(memory),
    maxMessageSize,
    padTo,
    maxPending,
    maxConcurrent,
    answerTimeout,
    maxAmplification,
    ...(answer && { answer }),
    ...(onDatagram && { onDatagram }),
    ...(onTrouble && { onTrouble }),
  }
}

/** Not without bound: who may take large answers need not ask each small question with a large datagram. */
function defaultPadTo(maxMessageSize: number): number {
  const answer = Math.min(maxMessageSize, defaultMaxMessageSize) + headerSize
  return Math.ceil(answer / defaultMaxAmplification)
}

function memoryLimits(given: AnswerMemoryLimits): Required<AnswerMemoryLimits> {
  checkOptions('memory', given)
  const { answers = 16_384, bytes = 8 * 1024 * 1024, lifetime = 60_000 } = given
  const limits = { answers, bytes, lifetime }
  for (const [name, value] of Object.entries(limits)) checkPositive(`memory.${name}`, value)
  return limits
}

/** Refuses what is not a count; unlike elsewhere, nothing is one, too. */
export function checkCount(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return
  throw new RangeError(`Invalid option ${name}: ${String(value)} is not an integer from 0 to ${most}`)
}
