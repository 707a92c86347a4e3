import { type ByteConnection, ClosedError, TimeoutError } from '@fairlead/core'
import { Deadline } from '@fairlead/core/transport'

import { BodyWriter } from './body/body-writer.ts'
import type { Call } from './call.ts'

/** What is asked and told of the connection on which requests are sent. */
export interface SendingHost {
  readonly connection: ByteConnection
  /** Bytes were written. */
  wrote(bytes: number): void
  /** A head is written, and its body waits until the server wants it. */
  expecting(call: Call): void
  /** All of a request is written. */
  asked(call: Call): void
  /** As {@link asked}, of one whose body took its time. */
  written(call: Call): void
  failed(error: unknown): void
}

/**
 * The way out of a client's connection: heads, and at most one body at a time.
 *
 * ```text
 *   idle ──start──▶ idle            a head, or one with a body that is whole
 *     ├──start──▶ sending ──written, stop──▶ idle
 *     └──start──▶ expecting ──goOn──▶ sending
 *                     └──answered──▶ idle
 * ```
 */
export class Sending {
  readonly #host: SendingHost
  readonly #writing = new Deadline({ onDeadline: () => this.#blocked() })
  /** The body that is on its way out, and whose it is. */
  #writer: BodyWriter | undefined
  #call: Call | undefined
  /** Its body waits for 100 (Continue). */
  #expects: Call | undefined
  #last: Call | undefined

  constructor(host: SendingHost) {
    this.#host = host
  }

  /** Whose body is on its way. */
  get call(): Call | undefined {
    return this.#call
  }

  /** @throws what the connection throws, and what opening the body does. */
  start(call: Call): void {
    const { connection } = this.#host
    const { head, body, framing, expect } = call.request
    this.#last = call
    if (body === null || framing === 'none' || framing === 0) {
      this.#put(call, head.length, connection.write(head, 'latin1'))
      this.#host.asked(call)
    } else if (expect > 0) {
      this.#put(call, head.length, connection.write(head, 'latin1'))
      this.#expects = call
      this.#host.expecting(call)
    } else if (body.whole !== undefined && framing !== 'chunked') this.#writeWhole(call, head, body.whole)
    else this.#stream(call, head)
  }

  /** The server wants the body, or has been waited for long enough. Nothing, where none waits. */
  goOn(): void {
    const call = this.#expects
    if (call === undefined) return
    this.#expects = undefined
    try {
      this.#stream(call, '')
    } catch (error) {
      this.#host.failed(error)
    }
  }

  /** An answer to `call` came. False: what is left of its body will not be sent, and nothing can be behind it. */
  answered(call: Call, status: number): boolean {
    if (this.#expects === call) {
      this.#expects = undefined
      return false
    }
    if (!this.#writer || status < 400) return true
    this.stop(new ClosedError('Cannot send body: the answer came before it was sent'))
    return false
  }

  /** The connection has room. */
  drain(): void {
    this.#writing.clear()
    this.#writer?.drain()
  }

  /** Nothing more is sent. */
  stop(error: unknown): void {
    this.#writer?.stop(error)
    this.#writer = this.#call = undefined
    this.release()
  }

  /** Nothing is timed any more. */
  release(): void {
    this.#writing.clear()
  }

  /** Head and body in one write. */
  #writeWhole(call: Call, head: string, body: string | Uint8Array): void {
    const { connection } = this.#host
    const { length } = call.request.body!
    let room: boolean
    if (typeof body === 'string' && body.length === length) room = connection.write(head + body, 'latin1')
    else {
      connection.cork()
      connection.write(head, 'latin1')
      room = connection.write(body)
      connection.uncork()
    }
    this.#put(call, head.length + length!, room)
    call.uploaded(length!)
    this.#host.asked(call)
  }

  #stream(call: Call, head: string): void {
    const { framing, body } = call.request
    this.#call = call
    let bytes = 0
    const writer = new BodyWriter(
      this.#host.connection,
      { source: body!.open(), framing: framing as 'chunked' | number, trailers: call.trailers },
      {
        wrote: (more) => {
          bytes += more
          this.#host.wrote(more)
          call.bytesWritten = bytes
        },
        progress: (sent) => call.uploaded(sent),
        blocked: (yes) => this.#block(yes, call),
        finished: () => {
          this.#writer = this.#call = undefined
          this.release()
          this.#host.written(call)
        },
        failed: (error) => this.#host.failed(error),
      },
    )
    bytes = call.bytesWritten
    this.#writer = writer
    writer.start(head)
  }

  #put(call: Call, bytes: number, room: boolean): void {
    call.bytesWritten += bytes
    this.#host.wrote(bytes)
    if (!room) this.#block(true, call)
  }

  #block(yes: boolean, call: Call): void {
    if (yes) this.#writing.set(call.shared.times.write)
    else this.#writing.clear()
  }

  #blocked(): void {
    const time = (this.#call ?? this.#last)?.shared.times.write
    this.#host.failed(new TimeoutError(`the server took nothing for ${time} ms`, { phase: 'write' }))
  }
}
