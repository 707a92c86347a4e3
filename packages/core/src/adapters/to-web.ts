import { formatAddress } from '../address.ts'
import type { ByteConnection } from '../connection.ts'
import { defaultHighWaterMark } from '../defaults.ts'
import { ClosedError, SocketError } from '../errors.ts'
import type { InnerHandler } from '../handler-slot.ts'
import type { CloseReason } from '../resource.ts'
import { failureOf } from './failure.ts'
import type { Socket, SocketInfo } from './sockets-api.ts'

/**
 * A byte connection as the `Socket` of the Sockets API, for code that speaks web streams. It takes the
 * connection's handler slot; whoever had the connection still owns it, and may close it.
 *
 * - Reading is driven by pull: with 64 KiB unread, the connection is paused.
 * - `writer.ready` and each write wait while the output stands above its high-water mark.
 * - The peer's end closes `readable`, closing `writable` is the half-close; neither touches the other.
 * - Cancelling `readable` discards further input, and closes the connection if `writable` is closed, or once it
 *   is. Aborting `writable` destroys the connection, so that the peer hears of it; so does writing what is
 *   neither bytes nor text.
 *
 * @example
 * ```ts
 * const { readable, writable } = toWeb(connection)
 * await readable.pipeThrough(new DecompressionStream('gzip')).pipeTo(writable)
 * ```
 */
export function toWeb(connection: ByteConnection): Socket {
  const { localAddress, remoteAddress, tls } = connection
  const edge = new WebEdge(connection)
  const info: SocketInfo = {
    remoteAddress: formatAddress(remoteAddress),
    localAddress: formatAddress(localAddress),
    alpn: tls?.alpn ?? null,
  }
  const closed = closing(connection)
  closed.catch(() => {})
  return {
    readable: edge.readable,
    writable: edge.writable,
    opened: Promise.resolve(info),
    closed,
    upgraded: false,
    secureTransport: tls ? 'on' : 'off',
    close(reason) {
      edge.close(reason)
      return closed
    },
    startTls() {
      throw new SocketError('Cannot start TLS: the socket was not made for it', { phase: 'tls' })
    },
  }
}

async function closing(connection: ByteConnection): Promise<void> {
  const failure = failureOf(await connection.closed)
  if (failure) throw failure
}

/** Where a connection meets its two streams. */
class WebEdge implements InnerHandler<Uint8Array> {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array | string>
  readonly #connection: ByteConnection
  #input: ReadableStreamDefaultController<Uint8Array> | undefined
  #output: WritableStreamDefaultController | undefined
  #paused = false
  #cancelled = false
  /** Nothing more goes into the stream: it was closed, cancelled or errored. */
  #inputDone = false
  #outputDone = false

  constructor(connection: ByteConnection) {
    this.#connection = connection
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#input = controller),
        pull: () => this.#pull(),
        cancel: () => this.#cancel(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: defaultHighWaterMark }),
    )
    this.writable = new WritableStream<Uint8Array | string>({
      start: (controller) => {
        this.#output = controller
        // `abort` below waits for the write under way, which may wait for a peer that does not read.
        const { signal } = controller as { signal?: AbortSignal }
        signal?.addEventListener('abort', () => this.#abort(signal.reason))
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#end(),
      abort: (reason) => this.#abort(reason),
    })
    connection.handle(this)
  }

  close(reason: unknown): void {
    this.#shutOutput(reason ?? new ClosedError('Cannot write: socket is closed', { phase: 'write' }))
    void this.#connection.close()
  }

  // What follows is heard from the connection.

  onData(chunk: Uint8Array): void {
    const input = this.#input
    if (!input || this.#inputDone) return
    input.enqueue(chunk)
    if ((input.desiredSize ?? 0) > 0) return
    this.#paused = true
    this.#connection.pause()
  }

  onEnd(): void {
    this.#shutInput()
  }

  onDeaf(reason?: CloseReason): void {
    this.#shut(reason)
  }

  /** Another handler reads from now on. What the stream holds is its reader's. */
  onReplaced(): readonly Uint8Array[] {
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
    this.#connection.resume()
  }

  /** Input goes on and is discarded: an unread end or reset would not be seen. */
  #cancel(): void {
    this.#inputDone = this.#cancelled = true
    if (this.#outputDone) void this.#connection.close()
    else this.#pull()
  }

  #write(chunk: Uint8Array | string): Promise<void> | void {
    try {
      if (this.#connection.write(chunk)) return
    } catch (error) {
      // The stream cannot even be closed after this, and a cut message must not look whole.
      if (!SocketError.is(error)) this.#connection.destroy(error as Error)
      throw error
    }
    return this.#connection.drained()
  }

  #end(): Promise<void> {
    this.#outputDone = true
    this.#connection.end()
    const flushed = this.#connection.drained()
    if (this.#cancelled) void this.#connection.close()
    return flushed
  }

  #abort(reason: unknown): void {
    this.#outputDone = true
    this.#connection.destroy(SocketError.from(reason, 'Output aborted'))
  }

  #shut(reason: CloseReason | undefined): void {
    const failure = reason && failureOf(reason)
    this.#shutInput(failure)
    this.#shutOutput(failure ?? new ClosedError('Cannot write: connection is closed', { phase: 'write' }))
  }

  #shutInput(failure?: SocketError): void {
    if (this.#inputDone) return
    this.#inputDone = true
    if (failure) this.#input?.error(failure)
    else this.#input?.close()
  }

  #shutOutput(reason: unknown): void {
    if (this.#outputDone) return
    this.#outputDone = true
    this.#output?.error(reason)
  }
}
