import { StreamBody } from '../client/body/stream-body.ts'
import { defaultExpect, type PreparedRequest } from '../client/prepared-request.ts'
import { encodeRequestHead, Fields } from '../codec/index.ts'
import { equalsFolded } from '../codec/tokens.ts'
import { type Asked, expectsContinue, hostOf, lengthOf, peerOf, takesTrailers } from './asked.ts'
import { withoutConnection } from './connection-fields.ts'
import { appendForwarded, tellsOfClient } from './forwarded.ts'
import type { ForwardedKind, ProxiedRequest } from './options.ts'
import { type Base, targetAt } from './upstream-target.ts'
import type { Via } from './via.ts'

/** What the lines of a request depend on, beside the request. */
export interface Manner {
  readonly forwarded: ForwardedKind
  readonly preserveHost: boolean
  readonly via: Via | undefined
}

/** Methods that may be sent twice without harm (RFC 9110 section 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Methods of which an empty body is told (RFC 9110 section 8.6). */
const enclosing = new Set(['POST', 'PUT', 'PATCH'])

/** The request as it goes on: what it asks for, and all its lines but those of framing and connection. */
export function outgoingOf(asked: Asked, request: Request, base: Base, manner: Manner): ProxiedRequest {
  const { method, list, minor, exchange } = asked
  const { authority } = base.origin
  const host = manner.preserveHost ? (hostOf(asked) ?? authority) : authority
  const rest = withoutConnection(list, isWrittenAnew, exchange?.request.headers)
  const lines = ['Host', host, ...(asked.body === null ? without(rest, 'trailer') : rest)]
  appendForwarded(lines, manner.forwarded, exchange?.client, peerOf(asked, request))
  manner.via?.append(lines, minor)
  return {
    method,
    target: asked.target === '*' ? '*' : base.path + asked.target,
    headers: new Fields(countedDown(method, lines)),
  }
}

/** Ready to be written. @throws TypeError for what cannot be sent. */
export function prepared(
  asked: Asked,
  { method, target, headers }: ProxiedRequest,
  base: Base,
  protocol: string | undefined,
): PreparedRequest {
  const { body } = asked
  const lines = [...headers.raw]
  const trailers = takesTrailers(asked)
  if (trailers) lines.push('TE', 'trailers')
  if (protocol !== undefined) lines.push('Upgrade', protocol)
  // RFC 9110 sections 7.8 and 10.1.4: both are of this connection alone.
  const own = [trailers ? 'TE' : '', protocol === undefined ? '' : 'Upgrade'].filter((name) => name !== '')
  if (own.length > 0) lines.push('Connection', own.join(', '))
  const expect = expectsContinue(asked) ? defaultExpect : 0
  if (expect > 0) lines.push('Expect', '100-continue')
  const length = lengthOf(asked)
  const framing = body === null ? (enclosing.has(method) || length === 0 ? 0 : 'none') : (length ?? 'chunked')
  return {
    method,
    target: targetAt(base, target),
    head: encodeRequestHead(method, target, lines, { framing }),
    body: body === null ? null : new StreamBody(body),
    framing,
    safe: false,
    idempotent: protocol === undefined && (idempotent.has(method) || headers.has('idempotency-key')),
    expect,
    upgrade: protocol,
    close: false,
  }
}

/** What is said by the proxy, where it is said at all. */
function isWrittenAnew(name: string): boolean {
  return name === 'host' || name === 'content-length' || name === 'expect' || tellsOfClient(name)
}

/** How many more may pass on a request that asks after the way (RFC 9110 section 7.6.2). */
function countedDown(method: string, lines: readonly string[]): readonly string[] {
  const left = maxForwards(method, lines)
  if (left === undefined) return lines
  return [...without(lines, 'max-forwards'), 'Max-Forwards', String(left - 1)]
}

/** What Max-Forwards says, of the methods for which it says anything. */
export function maxForwards(method: string, lines: readonly string[]): number | undefined {
  if (method !== 'OPTIONS' && method !== 'TRACE') return undefined
  const value = new Fields(lines).get('max-forwards')
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}

function without(lines: readonly string[], name: string): string[] {
  return lines.filter((_, at) => !equalsFolded(lines[at - (at % 2)]!, name))
}
