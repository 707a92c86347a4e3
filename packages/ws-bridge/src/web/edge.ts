import { ClosedError, type CloseReason, SocketError } from '@fairlead/core'
import { defaultHighWaterMark, type InnerHandler } from '@fairlead/core/transport'

import { closeCodeOf, closeCodes } from '../close-codes.ts'
import type { WebSocketCloseOptions, WebSocketConnection } from '../websocket.ts'
import { farewellOf, WebSocketError } from './websocket-error.ts'

type Message = string | Uint8Array

/** How a WebSocket was closed. */
export interface WebSocketCloseInfo {
  /** The status code of the Close frame (RFC 6455 section 7.4); 1005 where the peer's has none. */
  readonly closeCode: number
  /** Why, in the words of who closed first; mostly empty. */
  readonly reason: string
}

/** Where a WebSocket meets its two streams. */
export class WebEdge implements InnerHandler<Message> {
  readonly readable: ReadableStream<Message>
  readonly writable: WritableStream<string | ArrayBuffer | ArrayBufferView>
  readonly connection: WebSocketConnection
  readonly closed: Promise<WebSocketCloseInfo>
  #input: ReadableStreamDefaultController<Message> | undefined
  #output: WritableStreamDefaultController | undefined
  #paused = false
  /** Nothing more goes into the stream: it was closed, cancelled or errored. */
  #inputDone = false
  #outputDone = false

  constructor(connection: WebSocketConnection) {
    this.connection = connection
    this.closed = connection.closed.then(closeInfoOf)
    this.closed.catch(() => {})
    this.readable = new ReadableStream<Message>(
      {
        start: (controller) => void (this.#input = controller),
        pull: () => this.#pull(),
        cancel: (reason) => this.#cancel(reason),
      },
      { highWaterMark: defaultHighWaterMark, size: sizeOf },
    )
    this.writable = new WritableStream<string | ArrayBuffer | ArrayBufferView>({
      start: (controller) => {
        this.#output = controller
        // `abort` below waits for the write under way, which may wait for a peer that does not read.
        const { signal } = controller as { signal?: AbortSignal }
        signal?.addEventListener('abort', () => this.#abort(signal.reason))
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: (reason) => this.#abort(reason),
    })
    connection.handle(this)
  }

  /** Closes both streams, and the connection. */
  close(options: WebSocketCloseOptions): void {
    void this.connection.close(options)
  }

  // What follows is heard from the connection.

  onData(message: Message): void {
    const input = this.#input
    if (!input || this.#inputDone) return
    input.enqueue(message)
    if ((input.desiredSize ?? 0) > 0) return
    this.#paused = true
    this.connection.pause()
  }

  onEnd(): void {
    this.#shutInput()
  }

  onDeaf(reason?: CloseReason): void {
    this.#shut(reason)
  }

  /** Another handler reads from now on. What the stream holds is its reader's. */
  onReplaced(): readonly Message[] {
    this.#shutInput()
    return []
  }

  onClose(reason: CloseReason): void {
    this.#shut(reason)
  }

  // What follows is heard from the streams.

  #pull(): void {
    if (!this.#paused) return
    this.#paused = false
    this.connection.resume()
  }

  #cancel(reason: unknown): void {
    this.#inputDone = true
    this.close(farewellOf(reason))
  }

  #write(chunk: unknown): Promise<void> | void {
    try {
      if (this.connection.write(messageOf(chunk))) return
    } catch (error) {
      // What the connection's end is not the cause of: one message is missing, and the stream takes no other.
      const ended = SocketError.is(error) && error.code !== 'ERR_FAIRLEAD_LIMIT'
      if (!ended) this.connection.destroy(error as Error)
      throw error
    }
    return this.connection.drained()
  }

  async #close(): Promise<void> {
    this.#outputDone = true
    this.close({})
    await this.closed
  }

  #abort(reason: unknown): void {
    this.#outputDone = true
    this.close(farewellOf(reason))
  }

  #shut(reason: CloseReason | undefined): void {
    const failure = reason && failureOf(reason)
    this.#shutInput(failure)
    if (this.#outputDone) return
    this.#outputDone = true
    this.#output?.error(failure ?? new ClosedError('Cannot write: connection is closed', { phase: 'write' }))
  }

  #shutInput(failure?: WebSocketError): void {
    if (this.#inputDone) return
    this.#inputDone = true
    if (failure) this.#input?.error(failure)
    else this.#input?.close()
  }
}

/** Bytes that a message takes while it waits, an empty one, too. */
function sizeOf(message: Message): number {
  return message.length + 32
}

/** @throws TypeError for what is no message. */
function messageOf(chunk: unknown): Message {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return chunk
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
  // As in browsers, the program may go on using its memory.
  if (ArrayBuffer.isView(chunk))
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice()
  throw new TypeError(`Cannot send message: ${chunk === null ? 'null' : typeof chunk} is not text or bytes`)
}

function closeInfoOf(reason: CloseReason): WebSocketCloseInfo {
  const failure = failureOf(reason)
  if (failure) throw failure
  const text = 'text' in reason ? reason.text : undefined
  return { closeCode: closeCodeOf(reason), reason: text ?? '' }
}

/** One for each reason, so that all fail with the same. */
const failures = new WeakMap<CloseReason, WebSocketError>()

/** What the streams fail with when a connection closed for `reason`; nothing if both sides sent a Close frame. */
function failureOf(reason: CloseReason): WebSocketError | undefined {
  if (reason.kind !== 'error' && reason.kind !== 'timeout') return undefined
  let failure = failures.get(reason)
  if (!failure) {
    const cause = reason.kind === 'error' ? reason.error : undefined
    const message =
      cause?.message ?? `Connection closed: ${reason.kind === 'timeout' ? reason.phase : ''} timeout`
    failure = new WebSocketError(message, { closeCode: closeCodes.abnormal, cause })
    failures.set(reason, failure)
  }
  return failure
}
