import { randomFillSync } from 'node:crypto'

import { type Address, BrokenError, formatAddress, LimitError, type SocketError } from '@fairlead/core'

import { oversized } from '../address/size.ts'
import { bytesOf, encodeMessage, explainFailure, idSize, type Message } from './message.ts'
import type { RequestsSettings } from './options.ts'
import { type Outcome, type PendingOwner, PendingRequest } from './pending-request.ts'
import { type RequestOptions, requestSettings } from './request-options.ts'
import type { RequestCounters } from './stats.ts'
import { addressOf, isSame, type RequestTarget } from './target.ts'

/** How the requester reaches the network. */
export interface RequestSender<To> {
  /** Of the addresses that it sends to. */
  readonly kind: Address['kind']
  /** @throws what the socket's `write` throws. */
  write(datagram: Uint8Array, to: To): void
  /** Like `write`; what it throws is told as trouble. */
  tryWrite(datagram: Uint8Array, to: To): void
}

type RequesterSettings<M> = Pick<
  RequestsSettings<Address, M>,
  'codec' | 'maxMessageSize' | 'padTo' | 'maxPending'
>

/** Identifiers are drawn for many at a time: asking the generator costs more than all else that a request needs. */
const drawn = Buffer.alloc(idSize * 128)
let used = drawn.byteLength

/** The side that asks: requests that wait, by identifier. */
export class Requester<To extends RequestTarget, M> implements PendingOwner<To, M> {
  readonly #settings: RequesterSettings<M>
  readonly #sender: RequestSender<To>
  readonly #counters: RequestCounters
  readonly #pending = new Map<string, PendingRequest<To, M>>()

  constructor(settings: RequesterSettings<M>, sender: RequestSender<To>, counters: RequestCounters) {
    this.#settings = settings
    this.#sender = sender
    this.#counters = counters
  }

  get pending(): number {
    return this.#pending.size
  }

  /** @throws what is wrong with the request; what becomes of it, the promise says. */
  request(data: Uint8Array | string, options: RequestOptions<To>): Promise<M> {
    const settings = requestSettings(options)
    const { to, signal } = settings
    const peer = addressOf(to, this.#sender.kind)
    const bytes = bytesOf(data)
    signal?.throwIfAborted()
    const { maxMessageSize, padTo, maxPending } = this.#settings
    if (bytes.byteLength > maxMessageSize) throw oversized(bytes.byteLength, maxMessageSize, 'maxMessageSize')
    if (this.#pending.size >= maxPending) {
      const value = this.#pending.size + 1
      const message = `Cannot request: more wait for an answer than maxPending ${maxPending} allows`
      throw new LimitError(message, { limit: 'maxPending', value, retryable: true })
    }
    const id = newIdentifier()
    const datagram = encodeMessage('request', id, bytes, padTo)
    // First, because a socket in this process may answer before `write` returns.
    const request = new PendingRequest<To, M>(this, { ...settings, id, datagram, peer })
    this.#pending.set(id, request)
    this.#counters.requests++
    try {
      this.#sender.write(datagram, to)
    } catch (error) {
      // Unless it was settled inside: then the promise says what became of it.
      if (this.#pending.delete(id)) {
        request.withdraw()
        this.#counters.requests--
        throw error
      }
    }
    return request.answer
  }

  /** An answer or a failure came. */
  receive(message: Message, from: Address): void {
    const request = this.#pending.get(message.id)
    if (!request) return void this.#counters.duplicates++
    if (!isSame(request.peer, from)) return void this.#counters.filtered++
    if (message.kind === 'answer') return request.resolve(this.#settings.codec.decode(message.data))
    const text = `Cannot get an answer from ${formatAddress(request.peer)}: ${explainFailure(message)}`
    request.reject(new BrokenError(text, { peer: request.peer }), 'failures')
  }

  /** Nothing will be answered any more. */
  fail(error: SocketError): void {
    for (const request of this.#pending.values()) request.reject(error, 'aborted')
  }

  retry({ datagram, to }: PendingRequest<To, M>): void {
    this.#counters.retries++
    this.#sender.tryWrite(datagram, to)
  }

  ended({ id }: PendingRequest<To, M>, outcome: Outcome): void {
    this.#pending.delete(id)
    this.#counters[outcome]++
  }
}

/** A new identifier, one character a byte. Unpredictable: whoever cannot see a request cannot forge its answer. */
function newIdentifier(): string {
  if (used === drawn.byteLength) {
    randomFillSync(drawn)
    used = 0
  }
  used += idSize
  return drawn.toString('latin1', used - idSize, used)
}
