import { ClosedError } from '@fairlead/core'
import { pair } from '@fairlead/core/memory'

import { InjectedAnswer } from './inject-answer.ts'
import { injectedRequest } from './inject-request.ts'
import type { HttpServer } from './listener.ts'

/**
 * Asks a server without a socket, and resolves with the answer once its head is there; the body is streamed, with
 * back-pressure. The request goes through the whole server all the same: codec, limits, times and handler. May be
 * called as often as one likes, at once, on any open listener, whatever it listens on.
 *
 * `request` and `init` are those of `fetch`; a path will do. Each call is a connection of its own, in memory and
 * without TLS, and it is not among the listener's: `maxConnections` does not count it, and `exchange.remoteAddress` is a memory
 * address. `close` waits for it, within its grace, and `destroy` cuts it. The Host is that of the URL, unless the headers have one. Text,
 * bytes and forms go out with a Content-Length, streams and the bodies of `Request`s in chunks. Redirects are not
 * followed, interim answers and trailers not told. Cancelling the body is a client that leaves, and so is `signal`.
 *
 * @throws TypeError for what is no request, and when the answer is none that a `Response` can tell, such as 101;
 *   ClosedError when the listener is not open; SocketError when the server cuts the connection: of the body, too,
 *   once the head was there; `signal.reason` when aborted.
 * @example
 * ```ts
 * const response = await server.inject('/notes', { method: 'POST', body: JSON.stringify({ text: 'ahoy' }) })
 * console.log(response.status, await response.json())
 * ```
 */
export async function inject(
  server: Pick<HttpServer, 'attach' | 'state'>,
  request: Request | URL | string,
  init?: RequestInit,
): Promise<Response> {
  if (server.state !== 'open') throw new ClosedError('Cannot inject: the listener is closed')
  const { head, body, method, signal } = await injectedRequest(request, init)
  signal.throwIfAborted()
  const [client, peer] = pair()
  const answer = new InjectedAnswer(client, method)
  const abort = (): void => answer.fail(signal.reason)
  signal.addEventListener('abort', abort)
  void client.closed.then(() => signal.removeEventListener('abort', abort))
  server.attach(peer)
  client.write(head, 'latin1')
  if (body) answer.feed(body)
  return answer.response
}
