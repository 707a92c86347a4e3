import { type Address, SocketError } from '@fairlead/core'

/** What was known of a request when it failed. */
export interface RequestFacts {
  readonly method: string
  /** Without user information, query and fragment, where secrets are. */
  readonly url: string
  /** What was going on. */
  readonly phase: string
  readonly peer: Address | undefined
  /** Whether its connection had carried another request before. */
  readonly reused: boolean
  /** Bytes of the request that were given to the connection, its head included, in the last attempt. */
  readonly bytesWritten: number
  /** How often it was sent, or tried to be. */
  readonly attempts: number
  /** Whether it cannot have been processed, so that sending it again is safe. */
  readonly retryable: boolean
  /** Whether an answer had begun to come. */
  readonly begun?: boolean
}

/**
 * A request failed. `code` is that of what happened beneath, which is the `cause`; everything else says how far the
 * request had come. `retryable` is true only where the server cannot have processed it, or may process it twice
 * without harm (RFC 9110 section 9.2.2) and gave no answer.
 *
 * @example
 * ```ts
 * try {
 *   await request('http://127.0.0.1:9/')
 * } catch (error) {
 *   if (error instanceof RequestError) console.log(error.code, error.phase, error.retryable)
 * }
 * ```
 */
export class RequestError extends SocketError {
  readonly method: string
  readonly url: string
  readonly reused: boolean
  readonly bytesWritten: number
  readonly attempts: number

  constructor(cause: unknown, facts: RequestFacts) {
    const beneath = SocketError.from(cause, 'It failed')
    const { method, url, phase, peer, reused, bytesWritten, attempts, retryable } = facts
    super(`Cannot ${method} ${url}: ${beneath.message}${told(facts)}`, {
      code: beneath.code,
      phase,
      retryable,
      cause,
      ...(peer && { peer }),
    })
    this.method = method
    this.url = url
    this.reused = reused
    this.bytesWritten = bytesWritten
    this.attempts = attempts
  }
}

/** What a reader of the message alone has to know: how far it came, and whether it may be sent again. */
function told({ phase, reused, bytesWritten, attempts, retryable, begun }: RequestFacts): string {
  const sent = bytesWritten === 0 ? 'nothing was sent' : `${bytesWritten} bytes were sent`
  const how = reused ? ' on a reused connection' : ''
  const often = attempts > 1 ? `, attempt ${attempts}` : ''
  const again = retryable ? 'safe to retry' : begun ? 'an answer had begun' : 'not safe to retry'
  return ` (${phase}; ${sent}${how}${often}; ${again})`
}
