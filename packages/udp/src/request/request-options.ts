import { Backoff } from '@fairlead/core/reconnect'
import { checkOptions, checkPositive, checkSignal } from '@fairlead/core/transport'

import { checkCount } from './options.ts'

/**
 * How to wait between retries: for half of a ceiling at least and all of it at most, at random; the ceiling
 * doubles until it meets the cap. Both are milliseconds.
 */
export interface RetryBackoff {
  /** The first ceiling. Default 1,000, so that the first wait is STUN's 500 at least (RFC 8489 section 6.2.1). */
  base?: number
  /** The last ceiling. Default 30,000. */
  cap?: number
}

/** Options of one request. All times are milliseconds. */
export interface RequestOptions<To> {
  /**
   * Whom to ask: a literal address and a port, or a name in memory. The answer has to come from there, so a
   * multicast, broadcast or wildcard address will not do.
   */
  to: To
  /** Time for all of it, retries included. Default 10,000. */
  timeout?: number
  /**
   * How often it is sent again at most, within `timeout` and not later than 30 seconds after the first time; 0 sends
   * it once. Default 4.
   */
  retries?: number
  /** How to wait between retries. */
  backoff?: RetryBackoff
  /** Ends the waiting: the request rejects with `signal.reason`. The other side is not told. */
  signal?: AbortSignal
}

/** The options as a request works with them. */
export interface RequestSettings<To> {
  readonly to: To
  readonly timeout: number
  /** Without it, the request is sent once. */
  readonly backoff: Backoff | undefined
  readonly signal: AbortSignal | undefined
}

/** No retry begins later than this after the first time: the other side forgets its answer some time. */
const retrySpan = 30_000
const defaultBase = 1_000

/** Fills in the defaults. @throws TypeError or RangeError that names the option. */
export function requestSettings<To>(options: RequestOptions<To>): RequestSettings<To> {
  checkOptions('request', options)
  const { to, timeout = 10_000, retries = 4, backoff = {}, signal } = options
  checkPositive('timeout', timeout)
  checkCount('retries', retries, 1_000)
  checkOptions('backoff', backoff)
  checkSignal(signal)
  const waits = retryBackoff(backoff, Math.max(1, retries))
  return { to, timeout, backoff: retries === 0 ? undefined : waits, signal }
}

/**
 * Equal jitter, where clients that come back have full jitter: a retry must not overtake the answer, so it never
 * comes in the first half of its time.
 */
function retryBackoff({ base = defaultBase, cap }: RetryBackoff, maxAttempts: number): Backoff {
  const random = (): number => (1 + Math.random()) / 2
  return new Backoff({ base, ...(cap !== undefined && { cap }), random, maxAttempts, maxElapsed: retrySpan })
}
