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
  /** Refuses pages of other sites in the same browser. */
  readonly #pages: WebGuard
  /** Refuses names of other sites that were made to point here. */
  readonly #names: WebGuard

  constructor(secret: Secret | undefined) {
    this.#secret = secret
    this.#pages = guardOf({ origins: 'own', hosts: 'any' }, loopback)
    this.#names = guardOf({ origins: () => true }, loopback)
    // Browsers do not tell ports apart: two hubs on one machine need two names.
    const mark = createHash('sha256').update(`cookie ${secret?.token}`).digest('hex')
    this.cookieName = `fairlead-${mark.slice(0, 8)}`
  }

  /** Why this caller may not, or undefined. */
  refuse({ target, headers }: Caller): Refusal | undefined {
    const asked = { headers, secure: false }
    if (this.#pages.refusalOf(asked)) return { status: 403, text: 'this hub serves its own page only' }
    if (this.#secret) {
      // It is called by whatever name the network has for it.
      return this.#knows(target, headers) ? undefined : { status: 401, text: 'a token is needed' }
    }
    if (this.#names.refusalOf(asked)) {
      return { status: 403, text: 'this hub is called by a loopback address only' }
    }
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
