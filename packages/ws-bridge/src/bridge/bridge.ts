import type { Address, Resource } from '@fairlead/core'
import type { TlsServerOptions } from '@fairlead/tcp'

import { guardOf } from '../guard/guard.ts'
import { Carrier } from './carrier.ts'
import { checkBridge, checkEnds } from './check-options.ts'
import type { Crossing } from './crossing.ts'
import { dialWebSocket } from './dial.ts'
import { fixedTargetOf, isWebSocket, type PlainTarget, sourceOf, type WebSocketTarget } from './endpoints.ts'
import type { BridgeOptions } from './options.ts'
import { listenForPlain, listenForWeb, SharedPlace } from './place.ts'
import { PlainEntrance } from './plain-entrance.ts'
import type { BridgeStats } from './stats.ts'
import { wayTo } from './way.ts'
import { WebEntrance } from './web-entrance.ts'

/** Carries what peers send to their targets, and back. */
export interface Bridge extends Resource {
  /** Where it listens, with the port that the system chose. */
  readonly address: Address
  /** False while suspended, and once closing. */
  readonly accepting: boolean
  /** Those that are there now: live, not a copy. */
  readonly crossings: ReadonlySet<Crossing>
  /** Takes nobody in; crossings live on. */
  suspend(): Promise<void>
  /** Takes peers in again on the same address. @throws ListenError when it cannot be had again. */
  resume(): Promise<void>
  /**
   * Puts other certificates and rules for TLS in the place of those there are; crossings keep theirs. When they are no
   * good, or the bridge listens without TLS or on a listener of somebody else, this rejects with a TypeError, and nothing
   * changes.
   */
  setTls(options: TlsServerOptions): Promise<void>
  stats(): BridgeStats
}

/**
 * Makes a bridge between WebSocket on one side and TCP, TLS, a Unix socket or UDP on the other: each peer that comes in
 * gets a connection of its own to its target. A WebSocket handshake is answered when the target is there.
 *
 * - Bytes: each chunk of them is one binary message, and each message, text included, some more bytes; boundaries mean
 *   nothing. A side that does not read stops the other's input, and next to nothing waits in between.
 * - Datagrams: each is one binary message, and the other way round. What the WebSocket's peer is too slow for is dropped
 *   and counted.
 * - Ends: an end is Close 1000 behind the last byte, and a Close of somebody who is done (1000, 1001, 3000 to 4999, or
 *   without a code) an end. A reset is Close 1011, and everything else that ends a WebSocket a reset. `close` tells 1001,
 *   a time limit of the bridge 1008. WebSocket has no half-close: what comes from where a Close or an end was sent to is
 *   dropped, unless `halfClose` says otherwise.
 *
 * A target that stands in `to` is connected to as it is; one that a token chose only at a public address, unless `allow`
 * opens more. On a loopback address only this machine's own pages are let in, unless `listen.origins` says otherwise.
 *
 * @returns a bridge that takes peers in already; whoever made it closes it.
 * @throws TypeError or RangeError that names the option, ListenError when the address cannot be had, SocketError when
 *   the tokens cannot be read.
 * @example
 * ```ts
 * const vnc = await bridge({ from: 'ws://127.0.0.1:6080', to: 'tcp://127.0.0.1:5900' })
 * ```
 */
export async function bridge(options: BridgeOptions): Promise<Bridge> {
  checkBridge(options)
  const source = sourceOf(options.from)
  const target = typeof options.to === 'string' ? fixedTargetOf(options.to) : undefined
  checkEnds(options, source, target)
  const { listen = {} } = options
  const made = new Carrier(options, source)
  if (!isWebSocket(source)) {
    const far = target as WebSocketTarget
    const entrance = new PlainEntrance(made, (signal) => dialWebSocket(far, options, signal), listen)
    return made.at(await listenForPlain(source, options, (near) => entrance.take(near)))
  }
  const way = await wayTo(target as PlainTarget | undefined, source.path, options)
  // Before it listens: a mistake in the options is found without an address.
  let guard = guardOf(listen, { kind: 'memory', name: '' })
  const entrance = new WebEntrance(made, way, () => guard, options)
  if (source.scheme === 'server') {
    guard = guardOf(listen, source.server.address)
    return made.at(new SharedPlace(source.server, (exchange) => entrance.take(exchange)))
  }
  const server = await listenForWeb(source, listen, ({ client }) => made.refused(client.address, 'path'))
  guard = guardOf(listen, server.address)
  server.onUpgrade((exchange) => entrance.take(exchange))
  return made.at(server)
}
