import type { Address } from '@fairlead/core'

/** Who sent a datagram, by the carrier's own names: what is used of the runtime's `RemoteInfo`. */
export interface Sender {
  readonly address: string
  readonly port: number
  readonly family: 'IPv4' | 'IPv6' | 'memory'
}

/** What carries datagrams: a socket of the runtime, of which this is what we use, or one in memory. */
export interface Carrier {
  /** Sends to the peer that it is connected to, or to `host` and `port`. `done` is called later, once. */
  send(data: Uint8Array, done: (error: Error | null, bytes?: number) => void): void
  send(
    data: Uint8Array,
    port: number,
    host: string,
    done: (error: Error | null, bytes?: number) => void,
  ): void
  on(event: 'message', listener: (data: Uint8Array, sender: Sender) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  close(): void
  /** Datagrams, and their bytes, that the system had no room for yet. Not every runtime tells. */
  getSendQueueCount?(): number
  getSendQueueSize?(): number
}

/** A carrier that is bound, and where. */
export interface Opened<A extends Address> {
  readonly socket: Carrier
  readonly address: A
  /** Whom it is connected to: his address, and how the carrier names him. */
  readonly peer?: { readonly address: A; readonly sender: Sender }
  /** A sender's address as data. */
  addressOf(sender: Sender): A
}
