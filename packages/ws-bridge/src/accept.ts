import type { Duplex } from 'node:stream'

import type { Address } from '@fairlead/core'
import { checkOptions } from '@fairlead/core/transport'
import type { Exchange } from '@fairlead/http'

import { type AcceptOptions, Acceptor, refused } from './acceptor.ts'
import { type Guard, guardsOf } from './guard/guard.ts'
import { openingOf, refuse } from './handshake.ts'
import type { MessageKind, MessageOf } from './messages.ts'
import { checkAcceptNames } from './option-names.ts'
import { endsOf, openingOfEvent, refuseEvent, type UpgradeEventRequest } from './upgrade-event.ts'
import type { WebSocketConnection } from './websocket.ts'

export type { AcceptOptions } from './acceptor.ts'

/**
 * Accepts the WebSocket that an HTTP exchange asks for. The connection is born paused; it stays in the HTTP
 * listener's set and hears its shutdown.
 *
 * Where it comes in on loopback only this machine's own pages are let in, unless `origins` says otherwise: nobody knows what
 * the listener is bound to, so that behind a proxy on this machine `hosts` and `origins` have to be said.
 *
 * @throws ProtocolError when the client asks for none, asks wrongly, or is a page of somebody else's; it was answered with a
 *   status then.
 * @throws ClosedError when the client is gone or the server closes, BusyError when the exchange was answered before.
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
  options?: AcceptOptions<K>,
): WebSocketConnection<MessageOf<K>>
/**
 * Accepts the WebSocket of an upgrade event of `node:http`, or of any server that gives the same three things: Express and
 * Fastify among them. The socket is the connection's from then on. No listener of ours knows it: whoever stops the server
 * closes the connection, too. Whoever waits before calling it has to listen for the socket's `error` meanwhile.
 *
 * Whoever emits the event looks at nothing that its listeners throw or reject with: catch it.
 *
 * @throws as above; and what `protocols` or `origins` throws, after a 500.
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 *
 * const server = createServer()
 * server.on('upgrade', async (request, socket, head) => {
 *   try {
 *     await echo(accept(request, socket, head))
 *   } catch (error) {
 *     console.error(String(error)) // It was refused, or it broke.
 *   }
 * })
 * ```
 */
export function accept<K extends MessageKind = 'text'>(
  request: UpgradeEventRequest,
  socket: Duplex,
  head: Uint8Array,
  options?: AcceptOptions<K>,
): WebSocketConnection<MessageOf<K>>
export function accept<K extends MessageKind>(
  asked: Exchange | UpgradeEventRequest,
  ...rest: readonly unknown[]
): WebSocketConnection<MessageOf<K>> {
  checkOptions('accept', asked)
  if ('takeOver' in asked) {
    const [options] = rest as [AcceptOptions<K>?]
    return acceptExchange(asked, options)
  }
  const [socket, head, options] = rest as [Duplex, Uint8Array, AcceptOptions<K>?]
  return acceptEvent(asked, socket, head, options)
}

function acceptExchange<K extends MessageKind>(exchange: Exchange, options: AcceptOptions<K> = defaults) {
  const { acceptor, guard } = rulesFor(options)
  const opening = openingOf(exchange)
  const refusal = opening.fault ?? guard(exchange.localAddress).refusalOf(opening)
  if (!refusal) return acceptor.accept(exchange, opening)
  refuse(exchange, refusal)
  throw refused(refusal)
}

function acceptEvent<K extends MessageKind>(
  request: UpgradeEventRequest,
  socket: Duplex,
  head: Uint8Array,
  options: AcceptOptions<K> = defaults,
) {
  const ends = endsOf(socket)
  const { opening, fault } = openingOfEvent(request, socket)
  const judge = () => {
    const { acceptor, guard } = rulesFor(options)
    const refusal = fault ?? guard(ends.localAddress).refusalOf(opening)
    return { acceptor, refusal, protocol: refusal ? undefined : acceptor.protocolFor(opening) }
  }
  const { acceptor, refusal, protocol } = answering(socket, judge)
  if (!refusal) return acceptor.open(opening, { protocol, socket, head, ends })
  refuseEvent(socket, refusal)
  throw refused(refusal)
}

/** Behind an exchange there is a server that answers for what the program throws; here there is nobody. */
function answering<T>(socket: Duplex, judge: () => T): T {
  try {
    return judge()
  } catch (error) {
    refuseEvent(socket, { status: 500 })
    throw error
  }
}

const defaults: AcceptOptions<never> = {}

interface Rules<K extends MessageKind> {
  readonly acceptor: Acceptor<K>
  /** The guard of where a connection came in. */
  readonly guard: (local: Address) => Guard
}

/** Made once for each object of options: that costs more than to accept. */
const known = new WeakMap<object, Rules<MessageKind>>()

function rulesFor<K extends MessageKind>(options: AcceptOptions<K>): Rules<K> {
  checkOptions('accept', options)
  const made = known.get(options)
  if (made) return made
  checkAcceptNames(options)
  const rules: Rules<K> = { acceptor: new Acceptor<K>(options), guard: guardsOf(options) }
  known.set(options, rules)
  return rules
}
