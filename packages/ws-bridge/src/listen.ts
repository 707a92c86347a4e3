import type { Accept, Listener } from '@fairlead/core'
import { checkFunction, checkOptions } from '@fairlead/core/transport'
import * as http from '@fairlead/http'

import { type AcceptOptions, Acceptor } from './acceptor.ts'
import { guardOf } from './guard/guard.ts'
import { offersWebSocket, onlyWebSocket, refuse } from './handshake.ts'
import { type HandshakeOptions, WebSocketListener } from './listener.ts'
import type { MessageKind, MessageOf } from './messages.ts'
import { checkListenNames } from './option-names.ts'
import { Vestibule, type VestibuleOptions } from './vestibule.ts'
import type { WebSocketCloseOptions, WebSocketConnection } from './websocket.ts'

/** Where to wait for WebSockets, and whom to let in. */
export interface WebSocketListenOptions<K extends MessageKind = MessageKind>
  extends
    HandshakeOptions,
    AcceptOptions<K>,
    VestibuleOptions,
    Omit<http.HttpListenOptions, 'path' | keyof VestibuleOptions> {
  /** An HTTP listener that is there already, in place of an address. It outlives this one. */
  server?: http.HttpListener
}

/** Waits for WebSockets. */
export interface WebSocketServer<M extends string | Uint8Array = string> extends Listener<
  WebSocketConnection<M>
> {
  /**
   * Stops accepting, tells everybody `code` and `text`, by default 1001, waits up to `grace`, and cuts the rest.
   *
   * @throws RangeError or TypeError that names the option.
   */
  close(options?: WebSocketCloseOptions): Promise<void>
}

/**
 * Listens for WebSockets. With `server`, handshakes for `path` are taken from that HTTP listener and all else
 * stays with it; without, an HTTP listener is made that answers all else with 426 (a handshake for
 * another path with 404), and is closed with this one.
 *
 * On a loopback address only this machine's own pages are let in, unless `origins` says otherwise: any page that a browser
 * shows could else talk to it (RFC 6455 section 10.2).
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
  accept?: Accept<WebSocketConnection<MessageOf<K>>, MessageOf<K>>,
): Promise<WebSocketServer<MessageOf<K>>> {
  checkOptions('listen', options)
  checkListenNames(options)
  const { path, authorize } = options
  checkPath(path)
  checkFunction('authorize', authorize)
  const given = { ...(path !== undefined && { path }), ...(authorize && { authorize }) }
  const rules = { acceptor: new Acceptor(options), vestibule: new Vestibule(options), ...given }
  if (options.server) {
    const { server } = options
    const guard = guardOf(options, server.address)
    return new WebSocketListener({ server, owned: false }, { ...rules, guard }, accept)
  }
  const server = await http.listen(whereOf(options), (exchange) => {
    refuse(exchange, offersWebSocket(exchange) ? { status: 404, text: 'not here' } : onlyWebSocket)
  })
  try {
    const guard = guardOf(options, server.address)
    return new WebSocketListener({ server, owned: true }, { ...rules, guard }, accept)
  } catch (error) {
    server.destroy()
    throw error
  }
}

/** No count needs to be larger. */
const mostConnections = 2_147_483_647

/** What HTTP is told. It has room for some more: here whoever is too many gets an answer. */
function whereOf(options: WebSocketListenOptions): http.HttpListenOptions {
  const { path: _, maxConnections = 10_000, maxConnectionsPerAddress: _perAddress, ...where } = options
  const room = Math.min(maxConnections + (options.maxHandshakes ?? 1_000), mostConnections)
  return { ...where, maxConnections: room }
}

function checkPath(path: unknown): void {
  if (path === undefined || (typeof path === 'string' && /^\/[^?#\s]*$/.test(path))) return
  throw new TypeError(`Invalid option path: ${JSON.stringify(path)} is no path that begins with a slash`)
}
