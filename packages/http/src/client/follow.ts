import { discard, type PieceBody } from '../message/piece-source.ts'
import { RequestError } from './errors.ts'
import { originOf } from './origin.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import { redirectError } from './redirect-error.ts'
import { RedirectTrail } from './redirect-trail.ts'
import { redirectedBy, type IncomingResponse } from './response.ts'
import type { Shared } from './settings.ts'
import { type Target, targetFor } from './target.ts'

/** Sends one hop. */
type Send = (request: OutgoingRequest, target: Target) => Promise<IncomingResponse>

/**
 * Goes where `response`, the answer to `request`, sends it, and on from there, as often as redirects are followed.
 *
 * @throws RequestError for a redirect that is not followed, and what `send` throws.
 */
export async function follow(
  request: OutgoingRequest,
  response: IncomingResponse,
  shared: Shared,
  send: Send,
): Promise<IncomingResponse> {
  const trail = new RedirectTrail(shared.redirects)
  for (;;) {
    const next = nextOf(trail, request, response, shared)
    if (next === undefined) break
    response.discard()
    request.signal?.throwIfAborted()
    request = next
    response = await send(request, targetFor(request.url))
  }
  redirectedBy(response, trail.urls)
  return response
}

/** Whether a body can be sent a second time: all can but streams. */
export function isReplayable(body: OutgoingRequest['body']): boolean {
  if (body === null || typeof body !== 'object') return true
  return !(body instanceof ReadableStream) && !(Symbol.asyncIterator in body)
}

/** Lets go of a stream that will not be sent. */
export function release(body: OutgoingRequest['body']): void {
  if (!isReplayable(body)) discard(body as PieceBody)
}

function nextOf(
  trail: RedirectTrail,
  request: OutgoingRequest,
  response: IncomingResponse,
  shared: Shared,
): OutgoingRequest | undefined {
  const { trailers, expectContinue, ...plain } = request
  const { method, url, headers, body } = plain
  // To be asked for at another origin, a path of this machine would have to be meant for that, too.
  const { unix } = shared
  const asked = { method, url, headers, hasBody: body !== null, replayable: isReplayable(body) }
  let next
  try {
    next = trail.next(asked, response.status, response.headers)
    if (next && unix && originOf(next.url).key !== originOf(url).key) {
      throw redirectError('it leads away from the Unix socket that was asked')
    }
  } catch (error) {
    response.discard()
    throw errorOf(error, request, response)
  }
  if (next === undefined) return undefined
  const { keepBody, ...hop } = next
  if (!keepBody) return { ...plain, ...hop, body: null }
  return {
    ...plain,
    ...hop,
    ...(trailers && { trailers }),
    ...(expectContinue !== undefined && { expectContinue }),
  }
}

/** The server has done its part: sending it again would lead to the same. */
function errorOf(error: unknown, { method, url }: OutgoingRequest, response: IncomingResponse): RequestError {
  const { reused, attempts, remoteAddress: peer, bytesWritten } = response
  return new RequestError(error, {
    method,
    url: targetFor(url).display,
    phase: 'headers',
    peer,
    reused,
    attempts,
    bytesWritten,
    retryable: false,
  })
}
