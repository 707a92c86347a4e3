import { LimitError, SocketError } from '@fairlead/core'

import { reasonOf } from '../message/status.ts'
import { makeResponse, type Response } from '../web/response.ts'

/** A request that is not passed on, whoever it is for. */
export class RefusedError extends SocketError {
  readonly status: number

  constructor(status: number, why: string) {
    super(`Cannot pass on: ${why}`, { code: 'ERR_FAIRLEAD_PROXY' })
    this.status = status
  }
}

/** Seconds after which one who was turned away for want of room may try again. */
const retryAfter = '1'

/**
 * What a client hears of a request that failed: 504 where time ran out, 503 where there is no room or nobody takes it
 * any more, 502 where the server cannot be reached, broke off, or speaks no HTTP, 500 where a callback threw. Nothing
 * of why.
 */
export function statusOf(error: unknown): number {
  if (error instanceof RefusedError) return error.status
  if (!SocketError.is(error)) return 500
  if (error.code === 'ERR_FAIRLEAD_TIMEOUT') return 504
  if (error.code === 'ERR_FAIRLEAD_CLOSED') return 503
  const { cause } = error
  const limit = cause instanceof LimitError ? cause.limit : undefined
  return limit === 'maxQueued' || limit === 'queueTimeout' ? 503 : 502
}

/** The answer of the proxy itself. */
export function refusal(status: number, method: string): Response {
  const text = `${status} ${reasonOf(status)}\n`
  const lines = ['Content-Type', 'text/plain']
  if (status === 503) lines.push('Retry-After', retryAfter)
  return makeResponse(status, lines, method === 'HEAD' ? null : text)
}
