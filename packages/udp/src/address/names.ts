import { BrokenError, SocketError } from '@fairlead/core'
import { reasonOf } from '@fairlead/core/transport'

import { type QueueLimits, Quota } from '../queue/quota.ts'
import type { IpAddress } from './datagram.ts'

/** What the names of one socket lead to. */
export interface NamesOwner {
  /** Whoever asks waits no longer once `signal` says so. */
  resolve(name: string, signal: AbortSignal): Promise<IpAddress>
  /** How the carrier names an address. */
  wireHostOf(address: IpAddress): string
  /** A datagram that waited for its name. Must not throw: nobody is left to hear it. */
  pass(data: Uint8Array, port: number, host: string): void
  /** So many datagrams to a name are lost, because it leads nowhere. */
  lost(datagrams: number, error: SocketError): void
  /** Nothing waits any more. */
  settled(): void
}

interface Waiting {
  readonly data: Uint8Array
  readonly port: number
}

/** A name whose answer is awaited, and what is to go there. */
interface Question {
  readonly quota: Quota
  readonly waiting: Waiting[]
}

/** Names that are remembered, or asked for, at a time. */
const most = 1_024

/**
 * The hosts that a socket sends to by name. Each name is resolved once, and kept; what is sent meanwhile waits, so
 * much for each, and a name that hangs holds back nothing but its own. One that leads nowhere is asked for again
 * when something is sent there again.
 */
export class Names {
  readonly #owner: NamesOwner
  readonly #limits: Required<QueueLimits>
  readonly #whole: Quota
  readonly #known = new Map<string, string>()
  readonly #questions = new Map<string, Question>()
  readonly #abort = new AbortController()
  #pending = 0
  #bytes = 0

  /** `limits` hold for each name, `whole` for all. */
  constructor(owner: NamesOwner, limits: Required<QueueLimits>, whole: Required<QueueLimits>) {
    this.#owner = owner
    this.#limits = limits
    this.#whole = new Quota(whole)
  }

  /** Datagrams that wait for a name. */
  get pending(): number {
    return this.#pending
  }

  /** Bytes that wait for a name. */
  get bytes(): number {
    return this.#bytes
  }

  /** Where a name leads, as the carrier takes it, if that is known already. */
  find(name: string): string | undefined {
    return this.#known.get(name)
  }

  /** Keeps a datagram until it is known where `name` leads; false when there is no room for it. */
  hold(name: string, port: number, data: Uint8Array): boolean {
    let question = this.#questions.get(name)
    if (!question) {
      if (this.#questions.size >= most) return false
      question = { quota: new Quota(this.#limits, this.#whole), waiting: [] }
      this.#questions.set(name, question)
      void this.#ask(name)
    }
    if (!question.quota.take(data.length)) return false
    question.waiting.push({ data, port })
    this.#pending++
    this.#bytes += data.length
    return true
  }

  /** Gives up what waits, silently. */
  close(): void {
    this.#abort.abort()
    this.#questions.clear()
    this.#pending = this.#bytes = 0
  }

  async #ask(name: string): Promise<void> {
    const { signal } = this.#abort
    try {
      const host = this.#owner.wireHostOf(await this.#owner.resolve(name, signal))
      if (signal.aborted) return
      this.#remember(name, host)
      for (const { data, port } of this.#answered(name)) this.#owner.pass(data, port, host)
    } catch (error) {
      if (signal.aborted) return
      this.#owner.lost(this.#answered(name).length, failure(name, error))
    }
    if (this.#pending === 0) this.#owner.settled()
  }

  #answered(name: string): readonly Waiting[] {
    const { quota, waiting } = this.#questions.get(name) as Question
    this.#questions.delete(name)
    for (const { data } of waiting) {
      quota.give(data.length)
      this.#bytes -= data.length
    }
    this.#pending -= waiting.length
    return waiting
  }

  #remember(name: string, host: string): void {
    const [oldest] = this.#known.keys()
    if (this.#known.size >= most && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(name, host)
  }
}

function failure(name: string, error: unknown): SocketError {
  if (SocketError.is(error)) return error
  const message = `Cannot send to ${name}: ${reasonOf(error)}`
  return new BrokenError(message, { phase: 'dns', retryable: true, cause: error })
}
