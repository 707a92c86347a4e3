import { Backoff, type BackoffOptions } from '../backoff.ts'
import { checkFunction, checkPositive, checkSignal } from '../checks.ts'
import { SocketError } from '../errors.ts'
import type { CloseReason } from '../resource.ts'

/** How to go on connecting. All times are milliseconds. */
export interface ReconnectOptions {
  /** How to wait between attempts, and when to give up. */
  backoff?: BackoffOptions
  /**
   * A connection that lived for so long was a success, and the next wait is a first one again. One lost earlier
   * counts as a failed attempt, so that a server which accepts and drops is not hammered. Default 5,000.
   */
  stableAfter?: number
  /** What becomes of a `send` while there is no connection. Default `reject`. */
  whileDisconnected?: 'reject' | 'wait'
  /** Sends that may wait for a connection; those beyond reject with a LimitError. Default 1,000. */
  maxWaiting?: number
  /** Bytes that may wait, of texts and byte arrays. Default 1 MiB. */
  maxWaitingBytes?: number
  /**
   * Whether to go on after `connect` rejected with `error`. By default a SocketError says so itself
   * (`retryable`), a TypeError or RangeError ends it, and any other error does not.
   */
  retry?: (error: unknown) => boolean
  /** Told when a connection is lost or an attempt failed, and how long the wait is until the next. */
  onRetry?: (delay: number, reason: CloseReason) => void | Promise<void>
  /** Ends the attempts. A connection that stands is left alone, and is the last one. */
  signal?: AbortSignal
}

/** The options as the client works with them. */
export interface ReconnectSettings {
  readonly backoff: Backoff
  readonly stableAfter: number
  readonly waits: boolean
  readonly maxWaiting: number
  readonly maxWaitingBytes: number
  readonly retry: (error: unknown) => boolean
  readonly onRetry: ReconnectOptions['onRetry']
  readonly signal: AbortSignal | undefined
}

/** Fills in the defaults, and refuses by name what is wrong. */
export function reconnectSettings(options: ReconnectOptions): ReconnectSettings {
  const { stableAfter = 5_000, whileDisconnected = 'reject', onRetry, signal } = options
  const { maxWaiting = 1_000, maxWaitingBytes = 1024 * 1024, retry = mayRetry } = options
  if (stableAfter !== 0) checkPositive('stableAfter', stableAfter)
  checkSignal(signal)
  checkFunction('retry', retry)
  checkFunction('onRetry', onRetry)
  checkPositive('maxWaiting', maxWaiting)
  checkPositive('maxWaitingBytes', maxWaitingBytes)
  if (whileDisconnected !== 'reject' && whileDisconnected !== 'wait') {
    throw new TypeError(
      `Invalid option whileDisconnected: ${String(whileDisconnected)} is not reject or wait`,
    )
  }
  const backoff = new Backoff(options.backoff)
  const waits = whileDisconnected === 'wait'
  return { backoff, stableAfter, waits, maxWaiting, maxWaitingBytes, retry, onRetry, signal }
}

/** Wrong arguments stay wrong; of what else may pass, a SocketError knows best. */
function mayRetry(error: unknown): boolean {
  if (SocketError.is(error)) return error.retryable
  return !(error instanceof TypeError || error instanceof RangeError)
}
