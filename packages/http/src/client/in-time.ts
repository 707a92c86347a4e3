import { TimeoutError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

import { type Abortable, unwatch, watch } from './abort-watch.ts'
import type { Hop } from './dispatcher.ts'
import { RequestError } from './errors.ts'
import type { IncomingResponse } from './response.ts'

/** What comes of a hop through interceptors, unless its signal or its time ends it: they may be waiting for anything. */
export function inTime(answered: Promise<IncomingResponse>, hop: Hop): Promise<IncomingResponse> {
  const { signal } = hop.request
  if (signal === undefined && hop.until === Infinity) return answered
  return new Promise((resolve, reject) => new InTime(answered, hop, resolve, reject))
}

class InTime implements Abortable {
  readonly #hop: Hop
  readonly #reject: (error: unknown) => void
  readonly #deadline: Deadline | undefined
  #over = false

  constructor(
    answered: Promise<IncomingResponse>,
    hop: Hop,
    resolve: (response: IncomingResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#hop = hop
    this.#reject = reject
    const { signal } = hop.request
    if (signal) watch(signal, this)
    if (hop.until !== Infinity) {
      this.#deadline = new Deadline({ onDeadline: () => this.#end(this.#tooLate()) })
      this.#deadline.set(Math.max(0, hop.until - Deadline.now()))
    }
    answered.then(
      (response) => {
        // It came too late for whoever asked.
        if (this.#over) return response.discard()
        this.#finish()
        resolve(response)
      },
      (error: unknown) => this.#end(error),
    )
  }

  aborted(): void {
    this.#end(this.#hop.request.signal?.reason)
  }

  #end(error: unknown): void {
    if (this.#over) return
    this.#finish()
    this.#reject(error)
  }

  #finish(): void {
    this.#over = true
    this.#deadline?.clear()
    const { signal } = this.#hop.request
    if (signal) unwatch(signal, this)
  }

  #tooLate(): RequestError {
    const { request, target, shared } = this.#hop
    const error = new TimeoutError(`it took more than ${shared.times.total} ms`, { phase: 'total' })
    const facts = { method: request.method, url: target.display, phase: 'total', peer: undefined }
    return new RequestError(error, {
      ...facts,
      reused: false,
      bytesWritten: 0,
      attempts: 0,
      retryable: false,
    })
  }
}
