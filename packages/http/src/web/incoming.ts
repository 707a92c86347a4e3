import type { CloseReason, ConnectionHandler } from '@fairlead/core'

import type { IncomingBody } from '../message/body.ts'
import { Pieces } from '../message/pieces.ts'

const nothing = Buffer.alloc(0)

/** All of a body in one piece, for which there is one promise; how large it may be is the server's `maxBodySize`. */
export function collect<T>(body: IncomingBody, map: (bytes: Uint8Array) => T): Promise<T> {
  return new Promise((resolve, reject) => body.handle(new Collector(map, resolve, reject)))
}

class Collector<T> implements ConnectionHandler<Uint8Array> {
  readonly #map: (bytes: Uint8Array) => T
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void
  #first: Uint8Array = nothing
  #more: Pieces | undefined = undefined

  constructor(map: (bytes: Uint8Array) => T, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#map = map
    this.#resolve = resolve
    this.#reject = reject
  }

  onData(chunk: Uint8Array): void {
    if (this.#more) return this.#more.push(chunk)
    if (this.#first.byteLength === 0) {
      this.#first = chunk
      return
    }
    this.#more = new Pieces()
    this.#more.push(this.#first)
    this.#more.push(chunk)
  }

  onEnd(): void {
    try {
      this.#resolve(this.#map(this.#more ? this.#more.whole() : this.#first))
    } catch (error) {
      this.#reject(error)
    }
  }

  onClose(reason: CloseReason): void {
    this.#reject(reason.kind === 'error' ? reason.error : new TypeError('Cannot read body: it was cut off'))
  }
}

/** A body as a stream. Nothing is asked of the client before somebody reads. */
export function streamOf(body: IncomingBody): ReadableStream<Uint8Array> {
  let source: AsyncIterator<Uint8Array, undefined> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        source ??= body[Symbol.asyncIterator]()
        const { value, done } = await source.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await source?.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
