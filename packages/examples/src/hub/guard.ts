import { createHash } from 'node:crypto'

import type { Secret } from './secret.ts'

/** A request or a WebSocket handshake, as far as it matters who may. */
export interface Caller {
  /** Path and query, or a whole URL. */
  readonly target: string
  readonly headers: { get(name: string): string | null | undefined }
}

export interface Refusal {
  readonly status: 401 | 403
  readonly text: string
}

/** Names and addresses by which a browser calls its own machine, as the host of a URL. */
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Decides who may use the hub. Without a secret: whoever is on this machine and meant this hub. */
export class Guard {
  readonly cookieName: string
  readonly #secret: Secret | undefined

  constructor(secret: Secret | undefined) {
    this.#secret = secret
    // Browsers do not tell ports apart: two hubs on one machine need two names.
    const mark = createHash('sha256').update(`cookie ${secret?.token}`).digest('hex')
    this.cookieName = `fairlead-${mark.slice(0, 8)}`
  }

  /** Why this caller may not, or undefined. */
  refuse({ target, headers }: Caller): Refusal | undefined {
    const host = headers.get('host') ?? ''
    const origin = headers.get('origin') ?? undefined
    // Another site's page in the same browser: browsers tell where a request comes from, and let no page lie.
    if (origin !== undefined && !isAt(origin, host))
      return { status: 403, text: 'this hub serves its own page only' }
    if (this.#secret)
      return this.#knows(target, headers) ? undefined : { status: 401, text: 'a token is needed' }
    // Another site whose name was made to point here.
    if (!loopback.test(hostnameOf(host)))
      return { status: 403, text: 'this hub is called by a loopback address only' }
    return undefined
  }

  /** The token in the query, when it is the right one. */
  tokenIn(target: string): string | undefined {
    const token = queryOf(target).get('token') ?? undefined
    return this.#secret?.matches(token) ? token : undefined
  }

  #knows(target: string, headers: Caller['headers']): boolean {
    if (this.tokenIn(target) !== undefined) return true
    const cookies = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim())
    const prefix = `${this.cookieName}=`
    return cookies.some((pair) => pair.startsWith(prefix) && this.#secret?.matches(pair.slice(prefix.length)))
  }
}

function queryOf(target: string): URLSearchParams {
  const start = target.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : target.slice(start))
}

function isAt(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === new URL(`http://${host}`).host
  } catch {
    return false
  }
}

function hostnameOf(host: string): string {
  try {
    return new URL(`http://${host}`).hostname
  } catch {
    return ''
  }
}
