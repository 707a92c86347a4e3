import type { MessageConnection } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { lend } from '@fairlead/tcp/node'

import { WebSocketConnection } from './connection.ts'
import { type MessageKind, type MessageOf, messageOptions, type MessageOptions } from './messages.ts'
import { shakeHands } from './shake-hands.ts'

/** How to connect to a WebSocket server. All times are milliseconds. */
export interface WebSocketConnectOptions<K extends MessageKind = MessageKind> extends MessageOptions<K> {
  /** Subprotocols to offer, the preferred one first. */
  protocols?: readonly string[]
  /** Header fields to send beside those of the handshake, such as `Origin` or `Authorization`. */
  headers?: Readonly<Record<string, string>>
  /** Ends the attempt: `connect` rejects with `signal.reason`. Of no effect afterwards. */
  signal?: AbortSignal
  /** From the call to the TCP connection. Default 10,000. */
  connectTimeout?: number
  /** From there to the end of the handshake. Default 10,000. */
  handshakeTimeout?: number
}

/**
 * Connects to a `ws:` URL over Fairlead's TCP. The handshake is the `ws` package's, which does it with Node's
 * own HTTP client. Errors name the URL without its query and credentials.
 *
 * @throws TypeError or RangeError for a URL that is not `ws:` or an option, named; ConnectError when nobody
 *   answers or the answer is no WebSocket; TimeoutError; `signal.reason` when aborted.
 * @example
 * ```ts
 * const connection = await connect('ws://127.0.0.1:7001/echo')
 * await connection.send('ahoy')
 * ```
 */
export async function connect<K extends MessageKind = 'text'>(
  url: string | URL,
  options: WebSocketConnectOptions<K> = {},
): Promise<MessageConnection<MessageOf<K>>> {
  const { messages, maxPayload } = messageOptions(options)
  const { connectTimeout, handshakeTimeout = 10_000, protocols = [], headers = {}, signal } = options
  if (!(Number.isInteger(handshakeTimeout) && handshakeTimeout > 0 && handshakeTimeout <= 2_147_483_647)) {
    const given = String(handshakeTimeout)
    throw new RangeError(`Invalid option handshakeTimeout: ${given} is not a positive integer`)
  }
  const target = parseUrl(url)
  const name = `${target.protocol}//${target.host}${target.pathname}`
  if (target.protocol !== 'ws:') throw new TypeError(`Cannot connect to ${name}: only ws: is spoken here`)
  // Browsers drop it, too.
  target.hash = ''
  const under = await tcp.connect({
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: Number(target.port || 80),
    ...(signal ? { signal } : {}),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
  })
  const { localAddress, remoteAddress } = under
  let connection: WebSocketConnection<K> | undefined
  const socket = lend(under, { onClose: (reason) => connection?.undercut(reason) })
  const opening = { target, name, socket, maxPayload, protocols, headers, handshakeTimeout, signal }
  connection = await shakeHands(opening, (ws) => {
    return new WebSocketConnection({ ws, socket, localAddress, remoteAddress }, messages, maxPayload)
  })
  return connection
}

/** The runtime's own error would repeat the URL, with the secrets that may be in it. */
function parseUrl(url: string | URL): URL {
  try {
    return new URL(url)
  } catch {
    throw new TypeError('Cannot connect: that is not a URL')
  }
}
