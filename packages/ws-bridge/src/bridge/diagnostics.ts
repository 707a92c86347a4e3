import type { Address } from '@fairlead/core'
import { diagnosticChannel, type DiagnosticChannel } from '@fairlead/core/transport'

import type { Bridge } from './bridge.ts'
import type { Crossing, EndCause } from './crossing.ts'
import type { RefusalCause } from './refusals.ts'

/** What is told of bridges, by the name of its channel without `fairlead:bridge:`. */
export interface BridgeDiagnosticEvents {
  /** A peer was led to its target; nothing was carried yet. */
  open: { bridge: Bridge; crossing: Crossing }
  /** A crossing is over: both its sides are closed. */
  close: { bridge: Bridge; crossing: Crossing; cause: EndCause }
  /** A peer was not led to a target. `error` is what was in the way, if it is more than a rule. */
  refuse: { bridge: Bridge; peer: Address; cause: RefusalCause; error?: unknown }
}

/**
 * What bridges tell: `fairlead:bridge:open`, `fairlead:bridge:close`, `fairlead:bridge:refuse`.
 *
 * @example
 * ```ts
 * bridgeChannels.close.subscribe(({ crossing, cause }) => {
 *   console.log(crossing.id, cause, crossing.forward.bytes, crossing.backward.bytes)
 * })
 * ```
 */
export const bridgeChannels: {
  readonly [Name in keyof BridgeDiagnosticEvents]: DiagnosticChannel<BridgeDiagnosticEvents[Name]>
} = {
  open: diagnosticChannel('fairlead:bridge:open'),
  close: diagnosticChannel('fairlead:bridge:close'),
  refuse: diagnosticChannel('fairlead:bridge:refuse'),
}
