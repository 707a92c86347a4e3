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

/** What the system's refusal to open a file is answered with. @throws what is for nobody but the application to know. */
export function refusalOf(error: unknown): Response {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return refusal(403)
    case 'EMFILE':
    case 'ENFILE':
      // Others will be closed soon.
      return refusal(503, 'Retry-After', '1')
    default:
      throw error
  }
}
