import { ConnectError, TimeoutError } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

/**
 * Why somebody gets no tunnel: the request was malformed; `authorize` said no, or nothing; the target is prohibited; its name could
 * not be resolved; the system knows no way there; there are as many tunnels as may be, in all or for that client; or
 * the proxy takes no more.
 */
export type RefusalCause =
  | 'malformed'
  | 'unauthorized'
  | 'prohibited'
  | 'unresolved'
  | 'unroutable'
  | 'maxTunnels'
  | 'maxTunnelsPerAddress'
  | 'closing'

/** An answer in place of a tunnel. */
export interface TunnelRefusal {
  readonly cause: RefusalCause
  readonly status: number
  readonly text: string
  /** What Proxy-Status says, as `error` and further parameters (RFC 9209 section 2). */
  readonly proxyStatus?: string
}

export const refusals = {
  method: refusal('malformed', 400, 'a UDP proxying request is a GET'),
  content: refusal('malformed', 400, 'a UDP proxying request has no content'),
  target: refusal('malformed', 400, 'target_host or target_port is malformed'),
  late: refusal('unauthorized', 503, 'that took too long'),
  prohibited: refusal('prohibited', 403, 'the target is prohibited', 'destination_ip_prohibited'),
  timeout: refusal('unresolved', 504, 'the target was not resolved in time', 'dns_timeout'),
  unknown: refusal('unresolved', 502, 'there is no such target', 'dns_error; rcode="NXDOMAIN"'),
  unresolved: refusal('unresolved', 502, 'the target was not resolved', 'dns_error'),
  unroutable: refusal('unroutable', 502, 'there is no way to the target', 'destination_ip_unroutable'),
  crowded: refusal('maxTunnels', 503, 'there are too many tunnels', 'connection_limit_reached'),
  greedy: refusal('maxTunnelsPerAddress', 429, 'you have too many tunnels', 'connection_limit_reached'),
  closing: refusal('closing', 503, 'no tunnels are made any more'),
} as const

/** What the system says when it has no place for one more socket. */
const exhausted = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/** What a failed connect of the target's socket is answered with. @throws what is no failure of the target's. */
export function refusalOf(error: unknown): TunnelRefusal {
  if (error instanceof TimeoutError) return refusals.timeout
  if (!(error instanceof ConnectError)) throw error
  const code = codeOf(error.cause)
  if (exhausted.has(code)) return refusals.crowded
  // Without an attempt there was no address.
  if (error.attempts.length > 0) return refusals.unroutable
  return code === 'ENOTFOUND' || code === 'ENODATA' ? refusals.unknown : refusals.unresolved
}

function refusal(cause: RefusalCause, status: number, text: string, proxyStatus?: string): TunnelRefusal {
  return { cause, status, text, ...(proxyStatus !== undefined && { proxyStatus }) }
}
