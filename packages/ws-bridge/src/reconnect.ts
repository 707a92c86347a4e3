/**
 * A WebSocket client that connects again when its connection is lost.
 *
 * @packageDocumentation
 */
import { BrokenError, type CloseReason, SocketError } from '@fairlead/core'
import {
  type OnConnection,
  reconnect as reconnectBy,
  type ReconnectingClient,
  type ReconnectOptions as AnyReconnectOptions,
} from '@fairlead/core/reconnect'
import { checkFunction, checkOptions, checkSignal } from '@fairlead/core/transport'
import { TlsSessions } from '@fairlead/tcp'

import { comesBack } from './client/comes-back.ts'
import { openWebSocket } from './client/open.ts'
import { clientSettings, type WebSocketConnectOptions } from './client/options.ts'
import type { MessageKind, MessageOf } from './messages.ts'
import type { WebSocketConnection } from './websocket.ts'

export type { BackoffOptions, OnConnection, ReconnectingClient } from '@fairlead/core/reconnect'

/** How to connect, and how to go on connecting. */
export interface ReconnectOptions<K extends MessageKind = MessageKind>
  extends WebSocketConnectOptions<K>, AnyReconnectOptions {
  /**
   * Whether to go on after a connection ended for `reason`. By default whatever ended it but the Close frame of a server
   * that blames this side, or sends it away: 1002, 1003, 1007 to 1010, and 3000 to 4999, which are the application's
   * own. The client is closed then, for the same reason.
   */
  retryClosed?: (reason: CloseReason) => boolean
  /** Ends the attempts. A connection that stands is left alone, and is the last one. */
  signal?: AbortSignal
}

/**
 * Connects to a WebSocket server as `connect` does, and connects again for as long as the client is open. The first
 * attempt is made at once; the client is usable from the start, and is closed by whoever made it.
 *
 * `onConnection` is called for each connection, as an accept callback is; without it, iterate the client. Nothing is sent
 * twice: see {@link ReconnectingClient.send} for the fate of what is under way. An answer of 408, 425, 429 or from 500 on
 * is a failed attempt like any other; any other status ends the client, unless `retry` says otherwise.
 *
 * @returns the client, which is closed with the last error as its reason when it gave up.
 * @throws TypeError or RangeError that names the option, or for what is no URL of WebSocket; `signal.reason` when aborted
 *   already. What is wrong with `proxy`, `tls` or `unix` is found out by the first attempt, and is the client's reason.
 * @example
 * ```ts
 * const client = reconnect('ws://127.0.0.1:7001/chat', { backoff: { cap: 10_000 } }, (connection) => {
 *   connection.write('hello')
 *   return { onData: (message) => console.log(message) }
 * })
 * await client.closed
 * ```
 */
export function reconnect<K extends MessageKind = 'text'>(
  url: string | URL,
  options: ReconnectOptions<K> = {},
  onConnection?: OnConnection<WebSocketConnection<MessageOf<K>>>,
): ReconnectingClient<WebSocketConnection<MessageOf<K>>> {
  checkOptions('reconnect', options)
  const { retryClosed = comesBack, signal: given } = options
  checkSignal(given)
  checkFunction('retryClosed', retryClosed)
  const made = clientSettings(url, options, names)
  // Later handshakes are shorter.
  const tls = { sessions: new TlsSessions(), ...made.connecting.tls }
  const settings = { ...made, connecting: { ...made.connecting, tls } }

  const over = new AbortController()
  const signal = given ? AbortSignal.any([given, over.signal]) : over.signal
  const judge = (reason: CloseReason): void => {
    try {
      if (!retryClosed(reason)) over.abort(sentAway(reason))
    } catch (error) {
      client.destroy(SocketError.from(error, 'retryClosed callback failed'))
    }
  }
  const client = reconnectBy<WebSocketConnection<MessageOf<K>>>(
    async (attempt) => {
      const connection = await openWebSocket<K>(settings, attempt.signal)
      // Before the client itself hears of it, so that this connection is the last one, and its reason the client's.
      void connection.closed.then(judge)
      return connection
    },
    { ...options, signal },
    onConnection,
  )
  return client
}

/** What there is beside the options of a connection. */
const names: Record<Exclude<keyof ReconnectOptions, keyof WebSocketConnectOptions>, true> = {
  backoff: true,
  stableAfter: true,
  whileDisconnected: true,
  maxWaiting: true,
  maxWaitingBytes: true,
  retry: true,
  retryClosed: true,
  onRetry: true,
}

/** What is told of a send that waits for another connection. */
function sentAway(reason: CloseReason): BrokenError {
  const code = 'code' in reason ? ` with ${reason.code}` : ''
  return new BrokenError(`Cannot send: the server has closed${code}, for good`, { phase: 'write' })
}
