import type { CloseReason } from '@fairlead/core'

import { closeCodes } from '../close-codes.ts'

/**
 * Codes of a peer that only ended, or ended for its own sake (RFC 6455 section 7.4 and its registry). Any other blames this
 * side, or says what the application alone understands (3000 to 4999): who is sent away for good and comes back at once
 * would go on for ever, such as two clients that each take the place of the other.
 */
const passing: ReadonlySet<number> = new Set([
  closeCodes.normal,
  closeCodes.goingAway,
  closeCodes.noStatus,
  closeCodes.abnormal,
  closeCodes.internalError,
  closeCodes.serviceRestart,
  closeCodes.tryAgainLater,
  closeCodes.badGateway,
])

/** Whether to connect again after a connection that ended so: unless the peer's Close frame says otherwise. */
export function comesBack(reason: CloseReason): boolean {
  return reason.kind !== 'remote' || reason.code === undefined || passing.has(reason.code)
}
