import { createHash } from 'node:crypto'

import { parseAddress } from '@fairlead/core'
import { type Guard as WebGuard, guardOf } from '@fairlead/ws-bridge'

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

/** Where a hub is that only its own machine reaches. */
const loopback = parseAddress('127.0.0.1:0')

/** Decides who may use the hub. Without a secret: whoever is on this machine and meant this hub. */
export class Guard {
  readonly cookieName: string
  readonly #secret: Secret | undefined
  readonly #pages: WebGuard

  constructor(secret: Secret | undefined) {
    this.#secret = secret
    // With a secret it is called by whatever name the network has for it.
    this.#pages = guardOf({ origins: 'own', ...(secret && { hosts: 'any' }) }, loopback)
    // Browsers do not tell ports apart: two hubs on one machine need two names.
    const mark = createHash('sha256').update(`cookie ${secret?.token}`).digest('hex')
    this.cookieName = `fairlead-${mark.slice(0, 8)}`
  }

  /** Why this caller may not, or undefined. */
  refuse({ target, headers }: Caller): Refusal | undefined {
    // Another site's page in the same browser, or another site whose name was made to point here.
    if (this.#pages.refusalOf({ headers, secure: false })) {
      return { status: 403, text: 'this hub serves its own page only, on this machine by a loopback address' }
    }
    if (!this.#secret || this.#knows(target, headers)) return undefined
    return { status: 401, text: 'a token is needed' }
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
