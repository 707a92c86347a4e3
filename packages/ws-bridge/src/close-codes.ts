import { type CloseReason, LimitError } from '@fairlead/core'

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
  invalidPayload: 1007,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  badGateway: 1014,
} as const

/** Bytes of the longest text of a Close frame (RFC 6455 section 5.5). */
const maxText = 123

/** What the peer is told when this side closes for `reason`. */
export function closeCodeOf(reason: CloseReason): number {
  switch (reason.kind) {
    case 'shutdown':
      return reason.code ?? closeCodes.goingAway
    case 'error':
      // Who reads too slowly may come back when there is less to read.
      return reason.error instanceof LimitError && reason.error.phase === 'write'
        ? closeCodes.tryAgainLater
        : closeCodes.internalError
    case 'timeout':
      return closeCodes.policyViolation
    default:
      return reason.code ?? closeCodes.normal
  }
}

/** Refuses what a Close frame cannot carry. @throws RangeError or TypeError that names the option. */
export function checkFarewell(code: number | undefined, text: string | undefined): void {
  if (code !== undefined && !isSendable(code)) {
    throw new RangeError(`Invalid option code: ${String(code)} cannot be sent in a Close frame`)
  }
  if (text === undefined) return
  if (typeof text !== 'string') throw new TypeError('Invalid option text: must be a string')
  const size = Buffer.byteLength(text)
  if (size > maxText) {
    throw new RangeError(`Invalid option text: ${size} bytes are more than the ${maxText} of a Close frame`)
  }
}

/** RFC 6455 section 7.4.2; 1004, 1005, 1006 and 1015 are never on the wire. */
function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false
  if (code >= 3000 && code <= 4999) return true
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006
}
