import { codeOf } from '@fairlead/core/transport'

import { reasonOf } from '../message/status.ts'
import { makeResponse, type Response } from '../web/response.ts'

/** A short answer in words. */
export function refusal(status: number, ...fields: string[]): Response {
  return makeResponse(
    status,
    ['Content-Type', 'text/plain', 'Cache-Control', 'no-store', ...fields],
    `${status} ${reasonOf(status)}\n`,
  )
}

/** What the system refused, and is answered. Whatever an application throws is none, be its code the same. */
export class SystemRefusal extends Error {
  readonly answer: Response

  constructor(cause: unknown, answer: Response) {
    super('Cannot open file: the system refuses it', { cause })
    this.answer = answer
  }
}

/** @throws SystemRefusal for what the system says that has an answer; else the error, which is the application's to know. */
export function refuse(error: unknown): never {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      throw new SystemRefusal(error, refusal(403))
    case 'EMFILE':
    case 'ENFILE':
      // Others will be closed soon.
      throw new SystemRefusal(error, refusal(503, 'Retry-After', '1'))
    default:
      throw error
  }
}
