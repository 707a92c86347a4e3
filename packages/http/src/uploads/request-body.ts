import { BusyError } from '@fairlead/core'

import { IncomingBody } from '../message/body.ts'
import { incomingOf, refuseBody } from '../web/served-request.ts'
import { statusOf } from './status-of.ts'
import { StreamBody } from './stream-body.ts'

/** The body of a request in the hands of one reader. */
export interface TakenBody {
  readonly body: IncomingBody
  /** No more of it is wanted. */
  letGo(reason: unknown): void
}

/**
 * Takes the body out of a request: past its stream where the request is one of ours, out of the stream of any other.
 * Nothing of it is read yet.
 *
 * @throws BusyError where somebody has read it, or is reading it.
 */
export function takeBody(request: Request): TakenBody {
  if (request.bodyUsed) throw busy()
  const incoming = incomingOf(request)
  if (incoming) {
    if (incoming.taken) throw busy()
    // Who is left without a reader would be read and dropped, for as long as the answer takes.
    const letGo = (reason: unknown): void => {
      incoming.pause()
      blame(request, reason)
    }
    return { body: incoming, letGo }
  }
  const { body } = request
  if (!body) return { body: IncomingBody.empty(), letGo() {} }
  if (body.locked) throw busy()
  const streamed = new StreamBody(body)
  const letGo = (reason: unknown): void => {
    streamed.letGo(reason)
    blame(request, reason)
  }
  return { body: streamed.body, letGo }
}

/**
 * Runs what takes a body. Where that fails because of what the client sent, the server answers so, unless somebody
 * catches the error.
 */
export async function blaming<T>(request: Request, take: () => Promise<T>): Promise<T> {
  try {
    return await take()
  } catch (error) {
    blame(request, error)
    throw error
  }
}

/** See {@link blaming}. */
export function blame(request: Request, error: unknown): void {
  const status = statusOf(error)
  if (status !== undefined) refuseBody(request, error, status)
}

function busy(): BusyError {
  return new BusyError('Cannot read body: it has a reader already')
}
