import { channel } from 'node:diagnostics_channel'

import type { Address } from './address.ts'
import type { Connection } from './connection.ts'
import type { SocketError } from './errors.ts'
import type { Listener } from './listener.ts'
import type { CloseReason, Resource } from './resource.ts'

/** A datagram socket, whatever its addresses are. */
type BoundSocket = Resource & { readonly address: Address; readonly buffered: number }

/** What is told of sockets, by the name of its channel without `fairlead:`. */
export interface DiagnosticEvents {
  /** A listener listens: for the first time, or again. */
  listen: { listener: Listener<unknown> }
  /** A listener took a new connection; its callback has not heard of it yet. */
  accept: { listener: Listener<unknown>; connection: Connection<unknown, unknown> }
  /** A listener would not have a peer. `cause` is the limit or the rule. */
  refuse: { listener: Listener<unknown>; peer: Address | undefined; cause: string }
  /** A TLS handshake ended: well, or with an error. `duration` is in milliseconds. */
  handshake: { connection: Connection<unknown, unknown>; duration: number; error?: SocketError }
  /** A datagram socket is bound. */
  bind: { socket: BoundSocket }
  /** A datagram socket is closed. */
  unbind: { socket: BoundSocket; reason: CloseReason; bytesIn: number; bytesOut: number }
  /** A connection is closed. The bytes are there on transports that count them. */
  close: {
    connection: Connection<unknown, unknown>
    reason: CloseReason
    bytesIn?: number
    bytesOut?: number
  }
}

/** A channel of `node:diagnostics_channel` that knows what is told on it. */
export interface DiagnosticChannel<Message> {
  readonly name: string | symbol
  /** Asked before a message is made: what nobody listens to costs nothing. */
  readonly hasSubscribers: boolean
  publish(message: Message): void
  /** `listener` is called at once for each message. What it throws is thrown again as an uncaught exception. */
  subscribe(listener: (message: Message) => void): void
  unsubscribe(listener: (message: Message) => void): void
}

/**
 * The channel of that name, for protocols that have something to tell. The same each time.
 *
 * @example
 * ```ts
 * const asked = diagnosticChannel<{ url: string }>('example:asked')
 * if (asked.hasSubscribers) asked.publish({ url: 'http://localhost/' })
 * ```
 */
export function diagnosticChannel<Message>(name: string): DiagnosticChannel<Message> {
  // The runtime's types take a channel for one of anything.
  return channel(name) as unknown as DiagnosticChannel<Message>
}

/**
 * What this package and its transports tell: `fairlead:listen`, `fairlead:accept`, and so on.
 *
 * @example
 * ```ts
 * channels.close.subscribe(({ connection, reason }) => console.log(connection.remoteAddress, reason.kind))
 * ```
 */
export const channels: {
  readonly [Name in keyof DiagnosticEvents]: DiagnosticChannel<DiagnosticEvents[Name]>
} = {
  listen: diagnosticChannel('fairlead:listen'),
  accept: diagnosticChannel('fairlead:accept'),
  refuse: diagnosticChannel('fairlead:refuse'),
  handshake: diagnosticChannel('fairlead:handshake'),
  bind: diagnosticChannel('fairlead:bind'),
  unbind: diagnosticChannel('fairlead:unbind'),
  close: diagnosticChannel('fairlead:close'),
}
