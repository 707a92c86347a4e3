/**
 * WebSockets as web streams, in the shape of the browsers' `WebSocketStream`: an adapter, made when asked for.
 *
 * @packageDocumentation
 */
import { checkOptions } from '@fairlead/core/transport'

import { openWebSocket } from './client/open.ts'
import { type ClientSettings, clientSettings, type WebSocketConnectOptions } from './client/options.ts'
import { checkFarewell, closeCodes } from './close-codes.ts'
import { type WebSocketCloseInfo, WebEdge } from './web/edge.ts'
import { WebSocketError } from './web/websocket-error.ts'
import type { WebSocketConnection } from './websocket.ts'

export type { WebSocketCloseInfo } from './web/edge.ts'
export { WebSocketError, type WebSocketErrorOptions } from './web/websocket-error.ts'

/** What is known of a WebSocket once it is open, and its two streams. */
export interface WebSocketOpenInfo {
  /** What the peer sends: a message a chunk, text as a string, what is binary as bytes. */
  readonly readable: ReadableStream<string | Uint8Array>
  /** Takes text as strings, and binary messages as an `ArrayBuffer` or a view of one: a message a chunk. */
  readonly writable: WritableStream<string | ArrayBuffer | ArrayBufferView>
  /** The extensions that were agreed on: `permessage-deflate`, or nothing. */
  readonly extensions: string
  /** The subprotocol that was agreed on; empty for none. */
  readonly protocol: string
}

/** How to connect. All that `connect` takes, but for the kind of messages: they are both. */
export type WebSocketStreamOptions = Omit<WebSocketConnectOptions<'both'>, 'messages'>

/**
 * A WebSocket as two web streams, in the shape of the browsers' `WebSocketStream` (WHATWG websockets, pull request 48),
 * with back-pressure both ways: a stream that nobody reads stops the peer, and a write waits while the peer does not read.
 *
 * - The peer's Close frame closes `readable`, behind the last message. Nothing more can be written then.
 * - Closing `writable` closes the WebSocket, and resolves when that is done. So does aborting it, or cancelling
 *   `readable`, with the code and the reason of a {@link WebSocketError}, if that is why.
 * - An unclean end, such as a reset, errors both streams with the WebSocketError that `closed` rejects with.
 * - A write of what is no message, or too large a one, ends the connection: with it missing, it must not look whole.
 *
 * Unlike in browsers, no code is 1000 and not an empty Close frame, all codes that may be sent are taken, since this may
 * be a server's end, and what the peer sends after this side began to close is discarded. Wrong arguments are a
 * TypeError or RangeError that names them.
 */
export class WebSocketStream {
  /** The URL, in its canonical form, without user information; empty of a connection that was there before. */
  readonly url: string
  /**
   * Resolves when the handshake is done. Rejects with a WebSocketError whose `cause` is the error of `connect`, or with
   * `signal.reason`. A rejection that nobody awaits ends nothing.
   */
  readonly opened: Promise<WebSocketOpenInfo>
  /**
   * Resolves when the WebSocket was closed by Close frames of both sides. Rejects as `opened` does, and with a
   * WebSocketError when it ended otherwise. A rejection that nobody awaits ends nothing.
   */
  readonly closed: Promise<WebSocketCloseInfo>
  readonly #givenUp = new AbortController()
  #edge: WebEdge | undefined

  /**
   * Connects: `http:` and `https:` are taken for `ws:` and `wss:`. `signal` ends the attempt, and is of no effect
   * afterwards. With a connection in the place of a URL it does what {@link toWebSocketStream} does.
   *
   * @throws TypeError or RangeError that names the option, or for what is no URL of WebSocket.
   * @example
   * ```ts
   * const { opened } = new WebSocketStream('ws://127.0.0.1:7001/echo', { signal: AbortSignal.timeout(5_000) })
   * const { readable, writable } = await opened
   * await writable.getWriter().write('ahoy')
   * for await (const message of readable) console.log(message)
   * ```
   */
  constructor(from: string | URL | WebSocketConnection, options: WebSocketStreamOptions = {}) {
    let edge: Promise<WebEdge>
    if (typeof from === 'string' || from instanceof URL) {
      const url = String(from).replace(/^http(?=s?:)/i, 'ws')
      edge = this.#open(clientSettings(url, { ...options, messages: 'both' }), options.signal)
      this.url = publicUrl(url)
    } else {
      this.#edge = new WebEdge(from)
      edge = Promise.resolve(this.#edge)
      this.url = ''
    }
    this.opened = edge.then(({ readable, writable, connection: { compressed, protocol } }) => {
      return { readable, writable, extensions: compressed ? 'permessage-deflate' : '', protocol }
    })
    this.closed = edge.then(({ closed }) => closed)
    for (const promise of [this.opened, this.closed]) promise.catch(() => {})
  }

  /**
   * Closes with a Close frame behind what was written. Before the handshake is done, ends the attempt. May be repeated, of
   * no effect then.
   *
   * @throws RangeError or TypeError for a code or a reason that no Close frame can carry.
   */
  close(info: Partial<WebSocketCloseInfo> = {}): void {
    checkOptions('close', info)
    const { closeCode: code, reason: text } = info
    checkFarewell(code, text)
    const why = new WebSocketError('Cannot connect: closed before the handshake was done')
    if (!this.#edge) this.#givenUp.abort(why)
    this.#edge?.close({ ...(code !== undefined && { code }), ...(text !== undefined && { text }) })
  }

  async #open(settings: ClientSettings, signal: AbortSignal | undefined): Promise<WebEdge> {
    const givenUp = this.#givenUp.signal
    try {
      const connection = await openWebSocket<'both'>(
        settings,
        signal ? AbortSignal.any([signal, givenUp]) : givenUp,
      )
      this.#edge = new WebEdge(connection)
    } catch (error) {
      if (givenUp.aborted || signal?.aborted) throw error
      const { message } = error as Error
      throw new WebSocketError(message, { closeCode: closeCodes.abnormal, cause: error })
    }
    if (givenUp.aborted) {
      this.#edge.connection.destroy()
      throw givenUp.reason
    }
    return this.#edge
  }
}

/**
 * A connection that is there already as a {@link WebSocketStream}, `opened` already. It takes the connection's handler
 * slot; whoever had the connection still owns it, and may close it. What it carries is what it was made for: written
 * what it does not carry, text or binary, it ends.
 *
 * @example
 * ```ts
 * const listener = await listen({ port: 7001, messages: 'both' }, async (connection) => {
 *   const { readable, writable } = await toWebSocketStream(connection).opened
 *   await readable.pipeTo(writable)
 * })
 * ```
 */
export function toWebSocketStream(connection: WebSocketConnection): WebSocketStream {
  return new WebSocketStream(connection)
}

/** Without what is secret, and what is not sent. */
function publicUrl(text: string): string {
  const url = new URL(text)
  url.username = url.password = url.hash = ''
  return url.href
}
