import type { Fields } from '../codec/index.ts'
import { absoluteTargetOf, nameOf } from './origin.ts'
import { redirectError } from './redirect-error.ts'
import { type Redirect, type RedirectedRequest, redirectOf } from './redirect.ts'

/** How often the same method and URL may come on one trail. */
const MOST_VISITS = 2

/**
 * The redirects that one request goes through, counted.
 *
 * A loop is the same method and URL for the third time, not for the second: a server that sets a cookie and sends the
 * client back to where it came from is no loop, and whether an interceptor or a proxy has made the request another one
 * cannot be seen here.
 */
export class RedirectTrail {
  /** URLs whose answers were redirects that were followed, in their order; without user information and fragment. */
  readonly urls: string[] = []
  readonly #limit: number
  readonly #visits = new Map<string, number>()

  /** @param limit redirects to follow; with 0 each is an answer like any other. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * The request to make after `request` was answered so, as {@link redirectOf} says; undefined where the answer is
   * final.
   *
   * @throws HttpProtocolError ERR_FAIRLEAD_HTTP_REDIRECT for one that cannot be followed,
   * ERR_FAIRLEAD_HTTP_REDIRECT_LOOP for a loop, ERR_FAIRLEAD_HTTP_TOO_MANY_REDIRECTS beyond the limit.
   */
  next(request: RedirectedRequest, status: number, answered: Fields): Redirect | undefined {
    if (this.#limit === 0) return undefined
    const redirect = redirectOf(request, status, answered)
    if (redirect === undefined) return undefined
    if (this.urls.length === 0) this.#visit(request)
    if (this.#visit(redirect) > MOST_VISITS) {
      throw redirectError(`it leads to ${nameOf(redirect.url)} again and again`, {
        code: 'ERR_FAIRLEAD_HTTP_REDIRECT_LOOP',
      })
    }
    if (this.urls.length >= this.#limit) {
      const code = 'ERR_FAIRLEAD_HTTP_TOO_MANY_REDIRECTS'
      throw redirectError(`it would be one more than redirects allows, which is ${this.#limit}`, { code })
    }
    this.urls.push(absoluteTargetOf(request.url))
    return redirect
  }

  /** How often this method and URL have come, this time included. Fragments are not sent. */
  #visit({ method, url }: { method: string; url: URL }): number {
    const key = `${method} ${absoluteTargetOf(url)}`
    const visits = (this.#visits.get(key) ?? 0) + 1
    this.#visits.set(key, visits)
    return visits
  }
}
