import type { Address } from '@fairlead/core'

import type { Ends } from './joint.ts'
import type { RefusalCause } from './refusals.ts'

/** What an entrance asks of its bridge. */
export interface Halls {
  /** Somebody begins to look for a target: the signal is aborted when the bridge closes. */
  approach(): AbortController
  /** The search is over, one way or the other. */
  arrived(approach: AbortController): void
  /** A peer was not led to a target. */
  refused(peer: Address, cause: RefusalCause, error?: unknown): void
  /** Both sides are there. */
  cross(ends: Ends): void
}
