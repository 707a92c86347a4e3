import { type SocketError, TimeoutError } from '../errors.ts'
import type { CloseReason } from '../resource.ts'

/** What a stream fails with when its connection closed for `reason`; nothing if that was in good order. */
export function failureOf(reason: CloseReason): SocketError | undefined {
  if (reason.kind === 'error') return reason.error
  if (reason.kind !== 'timeout' || reason.phase === 'idle' || reason.phase === 'close') return undefined
  return new TimeoutError(`Connection closed: ${reason.phase} timeout`, { phase: reason.phase })
}
