import type { CloseReason } from '@fairlead/core'

/** The status codes of RFC 6455 section 7.4 and its registry that this package sends or gives a meaning. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never on the wire: the peer's Close frame had no code. */
  noStatus: 1005,
  /** Never on the wire: the connection ended without a Close frame. */
  abnormal: 1006,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
} as const

/** What the peer is told when this side closes for `reason`. */
export function closeCodeOf(reason: CloseReason): number {
  switch (reason.kind) {
    case 'shutdown':
      return closeCodes.goingAway
    case 'error':
      return closeCodes.internalError
    case 'timeout':
      return closeCodes.policyViolation
    default:
      return closeCodes.normal
  }
}
