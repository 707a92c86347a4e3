import type { Accept, Listener, MessageConnection } from '@fairlead/core'
import * as http from '@fairlead/http'

import { Acceptor, type AcceptOptions } from './accept.ts'
import { offersWebSocket, onlyWebSocket, refuse } from './handshake.ts'
import { type HandshakeOptions, WebSocketListener } from './listener.ts'
import type { MessageKind, MessageOf } from './messages.ts'

/** Where to wait for WebSockets, and whom to let in. */
export interface WebSocketListenOptions<K extends MessageKind = MessageKind>
  extends HandshakeOptions, AcceptOptions<K>, Omit<http.HttpListenOptions, 'path'> {
  /** An HTTP listener that is there already, in place of an address. It outlives this one. */
  server?: http.HttpListener
}

/**
 * Listens for WebSockets. With `server`, handshakes for `path` are taken from that HTTP listener and all else
 * stays with it; without, an HTTP listener is made that answers all else with 426 (a handshake for
 * another path with 404), and is closed with this one.
 *
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had.
 * @example
 * ```ts
 * const listener = await listen({ port: 7001, path: '/echo' }, async (connection) => {
 *   for await (const message of connection) await connection.send(message)
 * })
 * ```
 */
export async function listen<K extends MessageKind = 'text'>(
  options: WebSocketListenOptions<K>,
  accept?: Accept<MessageConnection<MessageOf<K>>, MessageOf<K>>,
): Promise<Listener<MessageConnection<MessageOf<K>>>> {
  const { path } = options
  if (path !== undefined && !(typeof path === 'string' && path.startsWith('/'))) {
    throw new TypeError(`Invalid option path: ${JSON.stringify(path)} does not begin with a slash`)
  }
  const acceptor = new Acceptor(options)
  if (options.server) {
    if (options.port !== undefined || options.host !== undefined || options.transport !== undefined) {
      throw new TypeError('Invalid option server: cannot stand beside port, host or transport')
    }
    return new WebSocketListener({ server: options.server, owned: false }, options, acceptor, accept)
  }
  const { path: _path, ...where } = options
  const server = await http.listen(where, (exchange) => {
    refuse(exchange, offersWebSocket(exchange) ? { status: 404, text: 'not here' } : onlyWebSocket)
  })
  return new WebSocketListener({ server, owned: true }, options, acceptor, accept)
}
