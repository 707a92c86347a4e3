import type { Address } from '@fairlead/core'

/**
 * Why a crossing is over: the side that came in, or the target, ended it in good order, or broke; nothing came for too
 * long; it lasted too long; the bridge was closed; or somebody destroyed it.
 */
export type EndCause = 'from' | 'to' | 'fromBroken' | 'toBroken' | 'idle' | 'total' | 'shutdown' | 'destroyed'

/** What went one way. */
export interface Flow {
  readonly bytes: number
  /** WebSocket messages: over bytes, where they begin and end means nothing. */
  readonly messages: number
}

/** One peer that came in, and its target. */
export interface Crossing {
  /** Counted from 1 in each bridge. */
  readonly id: number
  /** The peer that came in. */
  readonly from: Address
  /** The target. */
  readonly to: Address
  /** What came from the peer, and was taken by the target. */
  readonly forward: Flow
  /** What came from the target, and was taken by the peer. */
  readonly backward: Flow
  /** Bytes that wait for one of the two. */
  readonly buffered: number
  /** Milliseconds since it is there. */
  readonly age: number
  /** Closes both sides politely: a WebSocket with 1001. May be repeated. */
  close(): void
  /** Cuts both sides. May be repeated. */
  destroy(error?: Error): void
}
