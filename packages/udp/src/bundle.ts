/**
 * Many small messages in one datagram: a datagram costs the same system call whether it carries one message or
 * twenty. Both ends have to speak it; docs/wire/BUNDLE.md has the format.
 *
 * @packageDocumentation
 */
import { type BundleConnection, Bundled } from './bundle/connection.ts'
import { type BundleOptions, bundleSettings, type DatagramCarrier } from './bundle/options.ts'

export type { BundleConnection } from './bundle/connection.ts'
export type { BundleOptions, DatagramCarrier } from './bundle/options.ts'
export type { BundleStats } from './bundle/stats.ts'

/**
 * Puts a layer on a connection whose messages are datagrams, so that each carries as many messages as fit: over a
 * session or a connection of this package, of bytes. The other end needs the same layer.
 *
 * A datagram leaves when it is full, and at the end of the turn of the event loop: what is written, or sent and
 * awaited, until then leaves together. `cork` holds the last one back over several turns, and `uncork` sends it at
 * once. `close` sends it first, `destroy` does not. `send` waits for room below, not for its datagram to leave: one
 * that is refused then, also by a send queue that may `block`, is counted as dropped and told to `onTrouble`.
 *
 * Messages arrive whole or not at all, perhaps in another order. Twice they arrive only if the peer sends no sequence
 * numbers, or if a copy of a datagram is behind by more than 65,536. One that is behind by 1,024 or more is dropped as
 * late, whether it came before or not. What is no bundle is dropped and counted, and `onTrouble` is told of the first in a row. A received message is a
 * part of its datagram: whoever keeps a small one for long keeps up to `maxDatagramSize` bytes, and copies it if that
 * matters.
 *
 * From this call on the connection's handler slot is the bundle's, and its life the connection's own.
 *
 * @throws TypeError or RangeError that names the option.
 * @example
 * ```ts
 * const positions = bundle(await connect({ port: 7000 }), { messages: 'text' })
 * for (const ship of ['Ann', 'Bob']) positions.write(`${ship} 54.3,10.1`)
 * for await (const message of positions) console.log(message)
 * ```
 */
export function bundle(
  connection: DatagramCarrier,
  options: BundleOptions & { messages: 'text' },
): BundleConnection<string>
export function bundle(
  connection: DatagramCarrier,
  options?: BundleOptions & { messages?: 'binary' },
): BundleConnection<Uint8Array>
export function bundle<M>(connection: DatagramCarrier, options: BundleOptions = {}): BundleConnection<M> {
  return new Bundled<M>(connection, bundleSettings(connection, options))
}
