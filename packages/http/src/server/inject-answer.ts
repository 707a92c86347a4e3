import { BrokenError, type ByteConnection, type CloseReason, type ConnectionHandler } from '@fairlead/core'
import { defaultHighWaterMark } from '@fairlead/core/transport'

import { type ResponseHead, ResponseParser } from '../codec/index.ts'
import { protocolErrorOf } from '../errors.ts'

/** Statuses that a `Response` has no body for, not even an empty one. */
const bodiless = new Set([204, 205, 304])

/** The client's end of an injected exchange: reads the answer, and makes a `Response` of it. */
export class InjectedAnswer implements ConnectionHandler<Uint8Array> {
  readonly response: Promise<Response>
  readonly #connection: ByteConnection
  readonly #method: string
  readonly #parser: ResponseParser
  #resolve!: (response: Response) => void
  #reject!: (reason: unknown) => void
  #body: ReadableStreamDefaultController<Uint8Array> | undefined
  #input: AsyncIterator<Uint8Array | string> | undefined
  /** Nothing more is told: the answer was whole, given up, or cut. */
  #over = false

  constructor(connection: ByteConnection, method: string) {
    this.#connection = connection
    this.#method = method
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Who asks the server is the one to trust it.
    this.#parser = new ResponseParser(
      {
        onHead: (head) => this.#begin(head),
        onBody: (chunk) => this.#take(chunk),
        onEnd: () => this.#finish(),
      },
      { headBytes: Infinity, fieldCount: Infinity, bodyBytes: Infinity, interimResponses: Infinity },
    )
    this.#parser.expect(method)
    connection.handle(this)
  }

  /** Sends the request's body, as fast as the server reads it. */
  feed(body: AsyncIterable<Uint8Array | string>): void {
    this.#feed(body).catch((error: unknown) => this.fail(error))
  }

  /** The asking is over, and the server sees a client that leaves. */
  fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#reject(error)
    this.#body?.error(error)
    this.#leave()
  }

  onData(chunk: Uint8Array): void {
    if (this.#over) return
    try {
      this.#parser.push(chunk)
    } catch (error) {
      this.fail(protocolErrorOf(error))
    }
  }

  onEnd(): void {
    if (!this.#over) {
      try {
        this.#parser.end()
      } catch (error) {
        this.fail(protocolErrorOf(error))
      }
    }
    this.#connection.end()
  }

  onClose(reason: CloseReason): void {
    void this.#input?.return?.()
    this.fail(
      reason.kind === 'error'
        ? new BrokenError(`Cannot inject: ${reason.error.message}`, { cause: reason.error })
        : new BrokenError('Cannot inject: the server closed the connection'),
    )
  }

  async #feed(body: AsyncIterable<Uint8Array | string>): Promise<void> {
    const input = (this.#input = body[Symbol.asyncIterator]())
    for (;;) {
      const { value, done } = await input.next()
      if (done || this.#over) break
      try {
        await this.#connection.send(value)
      } catch {
        // The connection's end says why, and comes behind what is still to be read.
        return void input.return?.()
      }
    }
    this.#input = undefined
  }

  #begin(head: ResponseHead): void {
    const { status, reason, fields } = head
    if (status < 200 && status !== 101) return
    try {
      if (status === 101 || head.tunnel) {
        throw new TypeError(`Cannot inject: ${status} leaves HTTP, and a Response cannot tell that`)
      }
      const headers = new Headers()
      for (const [name, value] of fields) headers.append(name, value)
      const none = bodiless.has(status) || this.#method === 'HEAD'
      this.#resolve(new Response(none ? null : this.#stream(), { status, statusText: reason, headers }))
    } catch (error) {
      this.fail(error)
    }
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#body = controller),
        pull: () => this.#connection.resume(),
        cancel: () => {
          this.#over = true
          this.#leave()
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: defaultHighWaterMark }),
    )
  }

  #take(chunk: Uint8Array): void {
    if (this.#over || !this.#body) return
    this.#body.enqueue(chunk)
    if ((this.#body.desiredSize ?? 0) <= 0) this.#connection.pause()
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#body?.close()
    // A server that answered before it had the whole request may not want the rest.
    if (this.#input) return this.#leave()
    this.#connection.resume()
    this.#connection.end()
  }

  #leave(): void {
    void this.#input?.return?.()
    this.#connection.destroy()
  }
}
