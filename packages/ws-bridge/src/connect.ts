import { openWebSocket } from './client/open.ts'
import { clientSettings, type WebSocketConnectOptions } from './client/options.ts'
import type { MessageKind, MessageOf } from './messages.ts'
import type { WebSocketConnection } from './websocket.ts'

export type { WebSocketConnectOptions } from './client/options.ts'

/**
 * Connects to a WebSocket server: `ws:`, `wss:` with TLS, or `ws+unix:/run/app.sock:/path`. The connection underneath is
 * Fairlead's, its addresses raced, through a proxy if there is one. The handshake is the `ws` package's, which does it
 * with Node's own HTTP client on that connection. User information in the URL becomes Basic authorization. Errors name
 * the URL without it and without its query. Born paused: nothing is delivered before the connection is handled or
 * iterated. Whoever called owns it.
 *
 * @throws TypeError or RangeError that names the option, or for what is no URL of WebSocket; RefusedError for a status
 *   other than 101; ConnectError when nobody answers, or what answers is no WebSocket server, or agrees to what was not
 *   offered; HttpProtocolError ERR_FAIRLEAD_HTTP_PROXY when the proxy makes no tunnel; TimeoutError; `signal.reason` when
 *   aborted.
 * @example
 * ```ts
 * const connection = await connect('ws://127.0.0.1:7001/echo')
 * await connection.send('ahoy')
 * ```
 */
export async function connect<K extends MessageKind = 'text'>(
  url: string | URL,
  options: WebSocketConnectOptions<K> = {},
): Promise<WebSocketConnection<MessageOf<K>>> {
  return openWebSocket<K>(clientSettings(url, options), options.signal)
}
