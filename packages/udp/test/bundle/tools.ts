import type { MessageConnection } from '@fairlead/core'
import { messagePair } from '@fairlead/core/memory'

import { type BundleConnection, bundle, type BundleOptions } from '../../src/bundle.ts'

/** A bundle whose datagrams somebody else reads and writes. */
export interface Bench<M> {
  readonly bundle: BundleConnection<M>
  readonly below: MessageConnection<Uint8Array>
  readonly peer: MessageConnection<Uint8Array>
  /** What has come to the peer. */
  readonly datagrams: Uint8Array[]
}

export function bench(options?: BundleOptions & { messages?: 'binary' }): Bench<Uint8Array>
export function bench(options: BundleOptions & { messages: 'text' }): Bench<string>
export function bench(options: BundleOptions = {}): Bench<unknown> {
  const [below, peer] = messagePair<Uint8Array>()
  const datagrams: Uint8Array[] = []
  peer.handle({ onData: (datagram) => void datagrams.push(datagram) })
  return { bundle: bundle(below, options as { messages: 'text' }), below, peer, datagrams }
}

/** Bundles of text at both ends. */
export function ends(options: BundleOptions = {}): [BundleConnection<string>, BundleConnection<string>] {
  const [here, there] = messagePair<Uint8Array>()
  return [bundle(here, { ...options, messages: 'text' }), bundle(there, { ...options, messages: 'text' })]
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Long enough for all that is under way in memory. */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn()
}

/** Handles a connection, and writes down what it hears. */
export function heard<M>(connection: MessageConnection<M>): M[] {
  const messages: M[] = []
  connection.handle({ onData: (message) => void messages.push(message) })
  return messages
}
