import type { Duplex } from 'node:stream'

import { type ByteConnection, ClosedError, type MessageConnection, ProtocolError } from '@fairlead/core'
import type { Exchange } from '@fairlead/http'
import { lend, type LendOptions } from '@fairlead/tcp/node'
import { type WebSocket, WebSocketServer } from 'ws'

import { WebSocketConnection } from './connection.ts'
import { handshakeFault, recordOf, refuse } from './handshake.ts'
import { type MessageKind, type MessageOf, messageOptions, type MessageOptions } from './messages.ts'

/** What `ws` calls a request; it reads `method`, `url`, `headers` and `socket` of it. */
type UpgradeRequest = Parameters<WebSocketServer['handleUpgrade']>[0]

/** How to accept a WebSocket. */
export type AcceptOptions<K extends MessageKind = MessageKind> = MessageOptions<K>

/**
 * Accepts the WebSocket that an HTTP exchange asks for. The connection is born paused; it stays in the HTTP
 * listener's set and hears its shutdown.
 *
 * @throws ProtocolError when the client asks for none, or asks wrongly; it was answered with a status then.
 * @throws ClosedError when the client is gone, BusyError when the exchange was answered before.
 * @throws TypeError or RangeError that names the option; TypeError when no Node socket is under the exchange.
 * @example
 * ```ts
 * import * as http from '@fairlead/http'
 *
 * const server = await http.listen({ port: 8080 }, (exchange) => echo(accept(exchange)))
 * ```
 */
export function accept<K extends MessageKind = 'text'>(
  exchange: Exchange,
  options: AcceptOptions<K> = {},
): MessageConnection<MessageOf<K>> {
  return new Acceptor(options).accept(exchange)
}

/** Accepts WebSockets under the same options, one after the other. */
export class Acceptor<K extends MessageKind> {
  readonly #options: Required<MessageOptions<K>>
  readonly #framing: WebSocketServer

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: AcceptOptions<K>) {
    this.#options = messageOptions(options)
    this.#framing = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#options.maxPayload,
    })
  }

  /** @throws ProtocolError when the client asks for none, or asks wrongly; see {@link accept}. */
  accept(exchange: Exchange): WebSocketConnection<K> {
    const fault = handshakeFault(exchange)
    if (fault) {
      refuse(exchange, fault)
      throw malformed(fault.text)
    }
    const { method, target, headers } = exchange.request
    const { localAddress, remoteAddress } = exchange
    const { connection: under, head } = exchange.takeOver()
    let connection: WebSocketConnection<K> | undefined
    const socket = lendOrDestroy(under, {
      onShutdown: (grace) => connection?.shutdown(grace),
      onClose: (reason) => connection?.undercut(reason),
    })
    // `ws` takes no list of protocols, though one may be offered (RFC 9110 section 7.8).
    const fields = { ...recordOf(headers), upgrade: 'websocket' }
    const request = { method, url: target, headers: fields, socket } as unknown as UpgradeRequest
    this.#framing.handleUpgrade(request, socket, Buffer.from(head), (ws: WebSocket) => {
      const { messages, maxPayload } = this.#options
      connection = new WebSocketConnection({ ws, socket, localAddress, remoteAddress }, messages, maxPayload)
    })
    if (connection) return connection
    if (socket.destroyed) throw new ClosedError('Cannot accept WebSocket: the client is gone')
    // `ws` has answered already.
    socket.resume()
    throw malformed('the handshake is malformed')
  }
}

/** Nobody else holds the connection any more. */
function lendOrDestroy(connection: ByteConnection, options: LendOptions): Duplex {
  try {
    return lend(connection, options)
  } catch (error) {
    connection.destroy(error as Error)
    throw error
  }
}

function malformed(why: string): ProtocolError {
  return new ProtocolError(`Cannot accept WebSocket: ${why}`, { side: 'remote', phase: 'handshake' })
}
