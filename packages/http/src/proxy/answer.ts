import type { IncomingResponse } from '../client/response.ts'
import { Fields, isBodiless } from '../codec/index.ts'
import { KeptBody } from '../web/kept-body.ts'
import { Received } from '../web/received.ts'
import { makeResponse, type Response } from '../web/response.ts'
import type { ServeContext } from '../web/serve-context.ts'
import { type Asked, takesTrailers } from './asked.ts'
import { withoutConnection } from './connection-fields.ts'
import type { ProxiedAnswer } from './options.ts'
import { PassedBody } from './passed-body.ts'
import type { Presence } from './presence.ts'
import type { Via } from './via.ts'

/** What there is of an answer: that of the server, or of an upgrade that came about. */
type Head = Pick<IncomingResponse, 'status' | 'headers' | 'minor'>

/** Whether fields may follow the body both ways: only there Trailer stays. */
export function mayTrail(asked: Asked, context: ServeContext | undefined, { headers }: Head): boolean {
  return context !== undefined && headers.has('transfer-encoding') && takesTrailers(asked)
}

/** The lines of an answer as they go back. */
export function answerOf(head: Head, via: Via | undefined, trailing: boolean): ProxiedAnswer {
  const { status, headers, minor } = head
  // Neither has a body to tell of (RFC 9110 sections 8.6 and 15.3.6).
  const lengthless = status === 204 || status === 205 || status < 200
  const lines = withoutConnection(
    headers.raw,
    (name) => (lengthless && name === 'content-length') || (!trailing && name === 'trailer'),
  )
  via?.append(lines, minor)
  return { status, headers: new Fields(lines) }
}

/**
 * The answer as a `Response`, whose body is read past any stream unless somebody asks for one.
 *
 * @throws what broke the body where that is known already: nothing of it has gone back yet.
 */
export async function responseOf(
  response: IncomingResponse,
  { status, headers }: ProxiedAnswer,
  method: string,
  presence: Presence,
  broken: (error: unknown) => void,
): Promise<Response> {
  const lines = [...headers.raw]
  if (status === 205 || isBodiless({ status, method })) {
    presence.over()
    response.discard()
    return makeResponse(status, lines, null)
  }
  if (response.complete) {
    presence.over()
    const bytes = await response.bytes(Infinity)
    return makeResponse(status, lines, bytes.byteLength > 0 ? new KeptBody(bytes) : null)
  }
  const body = await PassedBody.begin(response, presence, broken)
  return makeResponse(status, lines, new Received(body, undefined))
}
