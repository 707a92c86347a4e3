import { SocketError } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

import { closeCodes } from '../close-codes.ts'
import type { Refusal } from '../handshake.ts'

/**
 * Why a peer is not led to a target:
 *
 * - `handshake`: the WebSocket handshake was malformed; `path`: nothing is at the path; `origin`: the guard forbids
 *   whoever asked; `protocol`: none of the subprotocols offered is spoken; `authorize`: the option said no;
 * - `limit`: as many are there as may be; `closing`: the bridge is suspended, or closes;
 * - `token`: there is none of that name; `policy`: its target is not allowed;
 * - `unreachable`: the target cannot be connected to; `timeout`: it did not answer in time;
 * - `failed`: a callback threw, or the tokens cannot be read; `gone`: the peer left before.
 */
export type RefusalCause =
  | 'handshake'
  | 'path'
  | 'origin'
  | 'protocol'
  | 'authorize'
  | 'limit'
  | 'closing'
  | 'token'
  | 'policy'
  | 'unreachable'
  | 'timeout'
  | 'failed'
  | 'gone'

/** How a refusal is told: as an HTTP answer, or in a Close frame. */
export interface RefusalForm {
  readonly answer: Refusal & { readonly text: string }
  readonly code: number
}

/** What a client hears, which is nothing of where the target is, nor of why. */
export const refusalForms = {
  origin: form(403, 'forbidden', closeCodes.policyViolation),
  path: form(404, 'not here', closeCodes.policyViolation),
  protocol: form(400, 'none of the subprotocols offered is spoken here', closeCodes.policyViolation),
  limit: form(503, 'too many connections', closeCodes.tryAgainLater, { 'Retry-After': '1' }),
  closing: form(503, 'shutting down', closeCodes.goingAway),
  token: form(404, 'no such token', closeCodes.policyViolation),
  policy: form(403, 'the target is not allowed', closeCodes.policyViolation),
  unreachable: form(502, 'the target cannot be reached', closeCodes.internalError),
  timeout: form(504, 'the target did not answer in time', closeCodes.internalError),
  failed: form(500, 'internal error', closeCodes.internalError),
  gone: form(400, 'the client is gone', closeCodes.goingAway),
} as const satisfies Partial<Record<RefusalCause, RefusalForm>>

/** Refused before a target was found, or on the way to it. */
export class BridgeRefusal extends Error {
  readonly refusal: keyof typeof refusalForms

  constructor(refusal: keyof typeof refusalForms, options?: ErrorOptions) {
    super(`Cannot bridge: ${refusalForms[refusal].answer.text}`, options)
    this.name = 'BridgeRefusal'
    this.refusal = refusal
  }
}

/** Which refusal becomes of an error on the way to the target. */
export function refusalOf(error: unknown): keyof typeof refusalForms {
  if (error instanceof BridgeRefusal) return error.refusal
  if (!SocketError.is(error)) return 'failed'
  if (isForbidden(error)) return 'policy'
  if (error.code === 'ERR_FAIRLEAD_TIMEOUT') return 'timeout'
  // The connection that the handshake came by.
  return error.code === 'ERR_FAIRLEAD_CLOSED' ? 'gone' : 'unreachable'
}

/** Whether no address was allowed. One that was and did not answer is the better reason. */
function isForbidden({ cause, code }: SocketError): boolean {
  const forbidden = 'ERR_FAIRLEAD_NOT_ALLOWED'
  if (code === forbidden) return true
  const causes: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
  return causes.every((one) => codeOf(one) === forbidden || one instanceof BridgeRefusal)
}

function form(status: number, text: string, code: number, headers?: Record<string, string>): RefusalForm {
  return { answer: { status, text, ...(headers && { headers }) }, code }
}
